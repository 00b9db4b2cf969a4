"""The fused ways equal the plain ones, in values and in gradients."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Encoder, Seq2Seq, attention, cells, decoder
from models.fused import fused, gates_of, unroll
from models.losses import token_losses
from models.recurrence import scan

B, S, T, V = 3, 5, 7, 23
E, H, A = 4, 6, 11
CELLS = ("rnn", "gru", "lstm")
DECODERS = ("bahdanau", "conditional", "luong", "plain")


def make(
    kind: str = "bahdanau",
    cell: str = "gru",
    policy: str = "float64",
    **options: Any,
) -> Seq2Seq:
    """A model whose weights are far from their start."""
    keras.utils.set_random_seed(2)
    given: dict[str, Any] = {"cell": cell, "dtype": policy}
    if kind != "plain":
        name = options.pop("attention", "bahdanau")
        given["attention"] = attention.get(name, A, dtype=policy)
    encoder = Encoder(
        H,
        cell=cell,
        dtype=policy,
        direction=options.pop("direction", "bidirectional"),
        dropout=options.pop("dropout", 0.0),
        variational=options.pop("variational", False),
    )
    layers = decoder.get(kind)(H, E, **given, **options)
    model = Seq2Seq.of_tokens(V, V, E, encoder, layers, dtype=policy)
    model.build()
    random = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(random.normal(0, 0.5, weight.shape))
    return model


def batch(rows: int = B, source: int = S, target: int = T) -> tuple[Any, Any]:
    """Sentences of all lengths, one word and the longest among them."""
    random = np.random.default_rng(5)
    inputs = {}
    for ids, length, size, step in (
        ("source", "source_length", source, 3),
        ("target_in", "target_length", target, 2),
    ):
        lengths = 1 + np.arange(rows) * step % size
        lengths[0] = size
        real = np.arange(size) < lengths[:, None]
        inputs[ids] = random.integers(4, V, (rows, size)) * real
        inputs[length] = lengths
    out = np.where(inputs["target_in"] > 0, inputs["target_in"] % 7 + 4, 0)
    return {k: tf.constant(v, tf.int32) for k, v in inputs.items()}, out


def losses_and_gradients(model: Seq2Seq, on: bool, **shape: int) -> list[Any]:
    inputs, target = batch(**shape)
    with fused(on), tf.GradientTape() as tape:
        outputs = model(inputs, training=False)
        _, nll = token_losses(tf.constant(target, tf.int32), outputs["logits"])
        loss = tf.reduce_sum(nll * tf.cast(target > 0, nll.dtype))
        weights = outputs["attention_weights"]
        if not isinstance(weights, tuple):  # coverage and guides learn from it
            loss += tf.cast(tf.reduce_sum(tf.sin(3 * weights)), loss.dtype)
    gradients = tape.gradient(loss, model.trainable_weights)
    return [loss, weights, *map(tf.convert_to_tensor, gradients)]


def assert_equal(model: Seq2Seq, tolerance: float, **shape: int) -> None:
    one, other = (
        losses_and_gradients(model, on, **shape) for on in (True, False)
    )
    scale = max(float(tf.reduce_max(tf.abs(each))) for each in other[2:])
    for mine, theirs in zip(one, other, strict=True):
        if not isinstance(mine, tuple):
            np.testing.assert_allclose(
                mine, theirs, rtol=tolerance, atol=tolerance * scale
            )


@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_cells_over_time(name: str, reverse: bool, variational: bool) -> None:
    random = np.random.default_rng(7)
    cell = cells.get(name)(H, dtype="float64")
    cell.build((None, None, E))
    for weight in cell.weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    x = tf.constant(random.normal(size=(B, T, E)))
    first = [
        tf.constant(random.normal(size=(B, H))) for _ in range(cell.leaves)
    ]
    mask = tf.constant(random.random((B, T)) > 0.4)
    keep = tf.constant((random.random((B, H)) > 0.3) / 0.7)
    keep = keep if variational else None
    found = []
    for gates in (gates_of(cell), None):
        with tf.GradientTape() as tape:
            tape.watch([x, *first])
            given = cell.project(x), tuple(first)
            how = {"mask": mask, "reverse": reverse}
            if gates is None:
                outputs, last = scan(
                    lambda x, state: cell.step(x, state, keep), *given, **how
                )
            else:
                weights = cell.recurrent_weights()
                outputs, last = unroll(
                    gates, *given, *weights, keep=keep, **how
                )
            loss = tf.reduce_sum(tf.sin(outputs))
            loss += sum(tf.reduce_sum(leaf * leaf) for leaf in last)
        sources = [x, *first, *cell.trainable_weights]
        found.append([outputs, *last, *tape.gradient(loss, sources)])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_decoder_and_cell(kind: str, cell: str) -> None:
    for policy, tolerance in (("float64", 1e-9), ("float32", 1e-5)):
        model = make(kind, cell, policy)
        assert model.plain_parts() == []
        assert_equal(model, tolerance)


@pytest.mark.parametrize(
    ("score", "direction", "cell"),
    [
        ("luong-general", "bidirectional", "gru"),
        ("luong-scaled", "bidirectional", "lstm"),
        ("luong-dot", "forward", "rnn"),
    ],
)
def test_input_feeding(score: str, direction: str, cell: str) -> None:
    options: dict[str, Any] = {"attention": score, "direction": direction}
    model = make("luong", cell, input_feeding=True, **options)
    assert model.plain_parts() == []
    assert_equal(model, 1e-9)
    for size in (1, 8):
        assert_equal(model, 1e-9, rows=2, source=size, target=9 - size)


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "bahdanau-normalized"},
        {"attention": "luong-concat"},
        {"direction": "backward"},
        {"kind": "luong", "attention": "luong-general", "num_layers": 2},
        {"kind": "luong", "attention": "luong-dot", "direction": "forward"},
        {"num_layers": 2},  # takes the plain way in its decoder
        {"kind": "luong", "input_feeding": True},
        {"kind": "luong", "input_feeding": True, "num_layers": 2},
        {"kind": "plain", "num_layers": 2, "residual": True},
    ],
)
def test_other_parts(options: dict[str, Any]) -> None:
    assert_equal(make(**options), 1e-9)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(("source", "target"), [(1, 1), (1, 9), (17, 2)])
def test_every_size(rows: int, source: int, target: int) -> None:
    for kind in ("bahdanau", "conditional"):
        model = make(kind, policy="float32")
        assert_equal(model, 1e-5, rows=rows, source=source, target=target)


def test_half_precision_is_near() -> None:
    model = make(policy="mixed_bfloat16")
    inputs, _ = batch()
    with fused(True):
        one = model(inputs)["logits"]
    with fused(False):
        other = model(inputs)["logits"]
    assert one.dtype == tf.bfloat16
    np.testing.assert_allclose(
        tf.cast(one, tf.float32), tf.cast(other, tf.float32), atol=0.3
    )


def test_training_goes_the_same_way() -> None:
    losses = []
    for on in (True, False):
        model = make("conditional", policy="float32")
        model.compile(keras.optimizers.Adam(1e-3), fused=on)
        inputs, target = batch(rows=8)
        data = (inputs, tf.constant(target, tf.int32), tf.ones(8))
        step = tf.function(model.train_step, autograph=False)
        losses.append([])
        for _ in range(100):
            model.reset_metrics()
            losses[-1].append(float(step(data)["loss"]))
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_a_masked_source_changes_nothing_but_for_its_row() -> None:
    model = make(policy="float32")
    inputs, _ = batch()
    lengths = tf.concat([[0], inputs["source_length"][1:]], 0)
    outputs = model({**inputs, "source_length": lengths})
    before = model(inputs)
    assert np.isfinite(outputs["logits"]).all()
    np.testing.assert_array_equal(outputs["attention_weights"][0], 0)
    np.testing.assert_allclose(
        outputs["logits"][1:], before["logits"][1:], rtol=1e-5, atol=1e-5
    )
