"""Matrix products of a training step: their time and number of operations.

A training step takes at least as long as its matrix products alone. Most of
its other operations, such as those of gates and softmax, are cheap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tensorflow as tf

from models import cells
from models.architecture import ModelOptions

ROUNDS = 5  # number of timings, of which the fastest counts


@dataclass(frozen=True)
class Product:
    """Product of two matrices of shapes (rows, inner) and (inner, columns).

    Attributes:
        rows: number of rows of the left matrix.
        inner: number of columns of the left matrix, which is also the number of
            rows of the right matrix.
        columns: number of columns of the right matrix.
        batch: number of such products that are computed at once, as in
            attention.
        repeats: number of times that such a product is computed, one after
            the other, as in the steps of a recurrence.
    """

    rows: int
    inner: int
    columns: int
    batch: int = 1
    repeats: int = 1

    @property
    def flops(self) -> int:
        """Number of floating-point operations, for all the products together.

        There are `batch * repeats` products. Each multiplication and each
        addition of two numbers is one operation.
        """
        once = 2 * self.batch * self.rows * self.inner * self.columns
        return once * self.repeats

    def with_gradients(self) -> Iterator[Product]:
        """Yield this product, and the products that compute its gradients.

        One product computes the gradient of the left matrix, and another one
        computes the gradient of the right matrix. If `batch` is 1, the right
        matrix holds weights that all repeats share. In that case a single
        product, over the rows of all repeats, computes the gradient of
        the weights.
        """
        yield self
        rows, inner, columns = self.rows, self.inner, self.columns
        yield Product(rows, columns, inner, self.batch, self.repeats)
        if self.batch > 1:
            yield Product(inner, rows, columns, self.batch, self.repeats)
        else:
            yield Product(inner, rows * self.repeats, columns)


def training_products(
    model: ModelOptions, rows: int, source: int, target: int, vocabulary: int
) -> list[Product]:
    """List the matrix products of a training step on a batch without padding.

    Args:
        model: options of a model whose kind is seq2seq, and whose attention is
            Bahdanau's or one of Luong's.
        rows: number of sentences in the batch.
        source: number of tokens of each source.
        target: number of tokens of each target.
        vocabulary: size of the target vocabulary.
    """
    forward = [
        *_encoder(model, rows, source),
        *_decoder(model, rows, source, target),
        Product(rows * target, model.embedding_units, vocabulary),
    ]
    return [each for product in forward for each in product.with_gradients()]


def _encoder(model: ModelOptions, rows: int, source: int) -> Iterator[Product]:
    gates = cells.get(model.cell).gates * model.encoder_units
    directions = 2 if model.direction == "bidirectional" else 1
    below = model.embedding_units
    for _ in range(model.encoder_layers):
        for _ in range(directions):
            yield Product(rows * source, below, gates)
            yield Product(rows, model.encoder_units, gates, repeats=source)
        below = directions * model.encoder_units


def _decoder(
    model: ModelOptions, rows: int, source: int, target: int
) -> Iterator[Product]:
    units, memory = model.decoder_units, _memory_units(model)
    gates = cells.get(model.cell).gates * units
    yield Product(rows, memory, units)  # the bridge
    yield Product(rows * target, model.embedding_units, gates)
    for layer in range(model.decoder_layers):
        if layer:
            yield Product(rows, units, gates, repeats=target)
        yield Product(rows, units, gates, repeats=target)
    if model.decoder == "plain":
        yield Product(
            rows * target, units + model.embedding_units, model.embedding_units
        )
        return
    at_once = model.decoder == "luong" and not model.input_feeding
    steps, repeats = (target, 1) if at_once else (1, target)
    yield from _attention(model, rows, source, steps, repeats)
    if model.decoder == "conditional":
        yield Product(rows, memory, gates, repeats=target)
        yield Product(rows, units, gates, repeats=target)
    if model.decoder == "bahdanau":
        yield Product(rows, memory, gates, repeats=target)
    yield from _readout(model, rows, target, memory)


def _attention(
    model: ModelOptions, rows: int, source: int, steps: int, repeats: int
) -> Iterator[Product]:
    units, memory = model.decoder_units, _memory_units(model)
    keys = model.attention_units
    if model.attention in ("luong-general", "luong-dot"):
        keys = units
    if model.attention != "luong-dot":
        yield Product(rows * source, memory, keys)
    if model.attention_name.startswith("luong-") and keys == units:
        yield Product(steps, units, source, rows, repeats)  # the scores
    else:
        yield Product(rows * steps, units, keys, repeats=repeats)
        yield Product(rows * steps * source, keys, 1, repeats=repeats)
    yield Product(steps, source, memory, rows, repeats)  # the contexts


def _readout(
    model: ModelOptions, rows: int, target: int, memory: int
) -> Iterator[Product]:
    inputs = model.decoder_units + memory
    outputs = model.embedding_units
    if model.decoder != "luong":
        inputs += model.embedding_units
        outputs *= 2 if model.readout == "maxout" else 1
    if model.input_feeding:
        gates = cells.get(model.cell).gates * model.decoder_units
        yield Product(rows, inputs, outputs, repeats=target)
        yield Product(rows, outputs, gates, repeats=target)
    else:
        yield Product(rows * target, inputs, outputs)


def _memory_units(model: ModelOptions) -> int:
    directions = 2 if model.direction == "bidirectional" else 1
    return directions * model.encoder_units


def seconds_alone(products: list[Product]) -> float:
    """Measure how long the matrix products of a training step take alone.

    Returns:
        The shortest duration of several measurements, in seconds.
    """
    work = [_work(product) for product in products]
    for run in work:
        run()
    return min(_timed(work) for _ in range(ROUNDS))


def _timed(work: list[Callable[[], tf.Tensor]]) -> float:
    began = time.perf_counter()
    for run in work:
        run()
    return time.perf_counter() - began


def _work(product: Product) -> Callable[[], tf.Tensor]:
    lead = () if product.batch == 1 else (product.batch,)
    left = tf.random.normal(
        (product.repeats, *lead, product.rows, product.inner)
    )
    right = tf.random.normal((*lead, product.inner, product.columns))

    def run() -> tf.Tensor:
        if product.repeats == 1:
            return tf.matmul(left[0], right)
        lefts = tf.TensorArray(tf.float32, product.repeats).unstack(left)
        first = tf.matmul(left[0], right)

        def step(t: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return t + 1, tf.matmul(lefts.read(t), right)

        return tf.while_loop(
            lambda t, last: t < product.repeats, step, (1, first)
        )[1]

    # A concrete function, since TensorFlow would warn of so many functions that
    # are traced.
    return tf.function(run, autograph=False).get_concrete_function()
