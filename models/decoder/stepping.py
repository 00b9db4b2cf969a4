"""Steps of search that do less than `Decoder.step` for the same numbers.

What no state changes is made once a sentence: what each value gives to gates
and readout. What has one factor is one product: a word's for gates and
readout, a state's for query and gates.
"""

from typing import Any, NamedTuple

import tensorflow as tf
from keras import layers

from models import cells
from models.attention import BahdanauAttention, Memory
from models.attention.base import MASKED
from models.cells import Cell
from models.decoder.base import DecoderState
from models.decoder.fused import cast_kernel, joined
from models.fused import Gates
from models.readout import Readout


class Affine(NamedTuple):
    """`x W + b` for rows x."""

    kernel: tf.Tensor  # (D, N)
    bias: tf.Tensor  # (N,)

    @classmethod
    def of(cls, layer: layers.Dense) -> "Affine":
        """What a dense layer does, in the type it computes in."""
        kernel = cast_kernel(layer)
        if layer.bias is None:
            return cls(kernel, tf.zeros(kernel.shape[1:], kernel.dtype))
        bias = tf.convert_to_tensor(layer.bias)
        return cls(kernel, tf.cast(bias, kernel.dtype))

    def beside(self, other: "Affine") -> "Affine":
        """Both, of the same rows."""
        return Affine(
            tf.concat([self.kernel, other.kernel], 1),
            tf.concat([self.bias, other.bias], 0),
        )

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.matmul(rows, self.kernel), self.bias)


class ReadoutParts(NamedTuple):
    """A readout of [output; context; word], taken apart."""

    output: tf.Tensor  # (H, N)
    context: tf.Tensor  # (M, N)
    word: Affine  # (E, N), with the bias

    @classmethod
    def of(cls, readout: Readout, units: int, context: int) -> "ReadoutParts":
        """Those of a readout of H = `units` and M = `context`."""
        kernel, bias = Affine.of(readout.projection)
        return cls(
            kernel[:units],
            kernel[units : units + context],
            Affine(kernel[units + context :], bias),
        )


def softmax(scores: tf.Tensor) -> tf.Tensor:
    """TensorFlow's own, for rows of a few scores, takes twice as long."""
    powers = tf.exp(scores - tf.reduce_max(scores, -1, keepdims=True))
    return powers / tf.reduce_sum(powers, -1, keepdims=True)


def average(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Products of (B, Q, S) and (B, S, N).

    `tf.matmul` leaves them to oneDNN, which takes twice as long for products
    of single rows, and half as long for others.
    """
    if weights.shape[1] != 1 or weights.dtype != tf.float32:
        return tf.matmul(weights, values)
    return tf.raw_ops.BatchMatMulV3(x=weights, y=values, Tout=tf.float32)


class Seen(NamedTuple):
    """What a step takes of a memory; leaves (B, ...)."""

    keys: tf.Tensor  # as the step wants them
    shares: tf.Tensor  # (B, S, N), what values give in place of a context
    mask: tf.Tensor  # (B, 1, S), 1 on real places
    blocked: tf.Tensor  # (B, 1, S), float32, added to scores

    @classmethod
    def of(cls, memory: Memory, keys: tf.Tensor, kernel: tf.Tensor) -> "Seen":
        """With a kernel (M, N) of contexts."""
        places = tf.shape(memory.values)[1]
        shares = tf.matmul(_rows(memory.values), kernel)
        return cls(
            keys,
            tf.reshape(shares, [-1, places, shares.shape[-1]]),
            tf.cast(memory.mask, keys.dtype)[:, None],
            tf.where(memory.mask, 0.0, MASKED)[:, None],
        )

    def weights(self, scores: tf.Tensor) -> tf.Tensor:
        """Those of scores (B, Q, S)."""
        weights = softmax(tf.cast(scores, tf.float32) + self.blocked)
        return tf.cast(weights, self.mask.dtype) * self.mask


class AttendingStep:
    """Attend with the state, recur, read out.

    Args:
        gates: of the cell.
        cell: takes the word and the context.
        context: what a context gives to the gates.
        attention: how to look.
        readout: of output, context and word.
    """

    def __init__(
        self,
        gates: Gates,
        cell: Cell,
        context: Affine,
        attention: BahdanauAttention,
        readout: Readout,
    ) -> None:
        self.gates = gates
        self.context = context
        self.sizes = [cell.gates * cell.units, -1]  # of gates and readout
        parts = ReadoutParts.of(readout, cell.units, context.kernel.shape[0])
        self.words = self.of_word(cell).beside(parts.word)
        self.states = Affine(*joined(attention, cell))
        self.units = attention.units
        self.vector = attention.score_vector()[:, None]
        self.contexts = tf.concat([context.kernel, parts.context], 1)
        self.output = parts.output
        self.activate = readout.activate

    def see(self, memory: Memory) -> Seen:
        """What `__call__` takes of a memory."""
        return Seen.of(memory, memory.keys[:, None], self.contexts)

    def of_word(self, cell: Cell) -> Affine:
        """What a word gives to gates."""
        return Affine.of(cell.input_projection)

    def before(
        self, x: tf.Tensor, state: cells.State
    ) -> tuple[tf.Tensor, cells.State]:
        """What is added to a context's gates, and the state that attends."""
        return x, state

    def look(self, query: tf.Tensor, seen: Seen) -> tf.Tensor:
        """Weights (B, Q, S) of queries (B, Q, A)."""
        hidden = tf.tanh(query[:, :, None] + seen.keys)
        scores = tf.matmul(_rows(hidden), self.vector)
        places = tf.shape(seen.keys)[2]
        scores = tf.reshape(scores, [-1, query.shape[1], places])
        return seen.weights(scores)

    def __call__(
        self, embedded: tf.Tensor, state: DecoderState, seen: Seen
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        x, read = tf.split(self.words(_rows(embedded)), self.sizes, -1)
        x, old = self.before(x, tuple(map(_rows, state.cells[0])))
        query, p = tf.split(self.states(old[0]), [self.units, -1], -1)
        weights = self.look(_like(query, embedded), seen)
        context = _rows(average(weights, seen.shares))
        share, said = tf.split(context, self.sizes, -1)
        new, _ = self.gates.advance(x + share, p, old)
        read = self.activate(read + said + tf.matmul(new[0], self.output))
        leaves = tuple(_like(leaf, embedded) for leaf in new)
        after = state._replace(cells=(leaves,))
        return _like(read, embedded), weights, after


class RecurringStep(AttendingStep):
    """Recur, attend with what came of it, recur again, read out.

    Args:
        first: the cell that takes the word; then as `AttendingStep`, whose
            cell takes the context alone.
    """

    def __init__(self, first: Cell, *args: Any, **kwargs: Any) -> None:
        self.first = first
        self.recall = Affine(*first.recurrent_weights())
        super().__init__(*args, **kwargs)

    def of_word(self, cell: Cell) -> Affine:
        return Affine.of(self.first.input_projection)

    def before(
        self, x: tf.Tensor, state: cells.State
    ) -> tuple[tf.Tensor, cells.State]:
        middle, _ = self.gates.advance(x, self.recall(state[0]), state)
        return self.context.bias, middle


class LuongStep:
    """Recur, attend with the new state by products of it and keys.

    Args:
        gates: of the cell.
        cell: takes the word.
        context: (M, R), what a context gives to the attentional vector.
        output: (H, R), what the cell's output gives to it.
        feed: (R, G), what the last one gives to the gates; None without
            input feeding.
    """

    def __init__(
        self,
        gates: Gates,
        cell: Cell,
        context: tf.Tensor,
        output: tf.Tensor,
        feed: tf.Tensor | None,
    ) -> None:
        self.gates = gates
        self.words = Affine.of(cell.input_projection)
        self.recall = Affine(*cell.recurrent_weights())
        self.context = context
        self.output = output
        self.feed = feed

    def see(self, memory: Memory, keys: tf.Tensor) -> Seen:
        """What `__call__` takes of a memory with these keys (B, S, H)."""
        return Seen.of(memory, tf.transpose(keys, [0, 2, 1]), self.context)

    def __call__(
        self, embedded: tf.Tensor, state: DecoderState, seen: Seen
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        x, old = self.words(_rows(embedded)), tuple(map(_rows, state.cells[0]))
        if self.feed is not None:
            x += tf.matmul(_rows(state.feed), self.feed)
        new, _ = self.gates.advance(x, self.recall(old[0]), old)
        leaves = tuple(_like(leaf, embedded) for leaf in new)
        weights = seen.weights(average(leaves[0], seen.keys))
        context = _rows(average(weights, seen.shares))
        read = tf.tanh(context + tf.matmul(new[0], self.output))
        read = _like(read, embedded)
        feed = () if self.feed is None else read
        return read, weights, state._replace(cells=(leaves,), feed=feed)


def _rows(x: tf.Tensor) -> tf.Tensor:
    """(..., D) to (N, D)."""
    return tf.reshape(x, [-1, x.shape[-1]])


def _like(rows: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """(B * Q, D) to (B, Q, D), for the Q of a tensor (B, Q, ...)."""
    return tf.reshape(rows, [-1, like.shape[1], rows.shape[-1]])
