"""The softmax head with its gradient by hand, against TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from models.losses import Losses
from models.softmax import SoftmaxLayer, softmax_losses

B, T, R, V = 3, 5, 7, 11


def plain(
    readout: tf.Tensor,
    layer: SoftmaxLayer,
    target: tf.Tensor,
    mask: tf.Tensor,
    smoothing: float,
) -> Losses:
    """What `softmax_losses` should give, by automatic differentiation."""
    matrix = tf.transpose(layer.matrix) if layer.by_row else layer.matrix
    logits = tf.einsum("btr,rv->btv", readout, matrix)
    logits = logits if layer.bias is None else logits + layer.bias
    log_probs = tf.nn.log_softmax(logits)
    nll = -tf.gather(log_probs, target, batch_dims=2)
    even = -tf.reduce_mean(log_probs, -1)
    correct = tf.equal(tf.argmax(logits, -1, tf.int32), target)
    found = ((1 - smoothing) * nll + smoothing * even, nll)
    return Losses(
        *(each * mask for each in (*found, tf.cast(correct, mask.dtype)))
    )


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("real_only", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)]
)
def test_values_and_gradients(
    dtype: str,
    tolerance: float,
    smoothing: float,
    real_only: bool,
    by_row: bool,
    has_bias: bool,
) -> None:
    random = np.random.default_rng(7)
    shapes = ((B, T, R), (V, R) if by_row else (R, V), (V,))
    if not has_bias:
        shapes = shapes[:2]
    given = [tf.constant(random.normal(size=each), dtype) for each in shapes]
    target = tf.constant(random.integers(1, V, (B, T)), tf.int32)
    mask = random.random((B, T)) > 0.4
    mask[1] = False  # a whole row that does not count
    weight = tf.constant(random.normal(size=(B, T)), dtype)
    found = []
    for losses in (
        lambda *args: softmax_losses(*args, smoothing, real_only),
        lambda *args: plain(*args, smoothing),
    ):
        with tf.GradientTape() as tape:
            tape.watch(given)
            bias = given[2] if has_bias else None
            layer = SoftmaxLayer(given[1], bias, by_row)
            each = losses(given[0], layer, target, tf.cast(mask, dtype))
            total = tf.reduce_sum(each.loss * weight)
        found.append([*each, *tape.gradient(total, given)])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, tolerance, tolerance)


@pytest.mark.parametrize("real_only", [True, False])
def test_two_predictions_that_differ_cost_more(real_only: bool) -> None:
    random = np.random.default_rng(7)
    given = [
        tf.constant(random.normal(size=each))
        for each in ((2 * B, T, R), (R, V))
    ]
    target = tf.tile(
        tf.constant(random.integers(1, V, (B, T)), tf.int32), [2, 1]
    )
    mask = np.tile(random.random((B, T)) > 0.4, [2, 1])
    weight = mask * random.normal(size=(2 * B, T))

    def expected(readout: tf.Tensor, layer: SoftmaxLayer) -> tf.Tensor:
        p, q = tf.split(tf.nn.softmax(layer.logits(readout)), 2)
        apart = tf.reduce_sum(p * tf.math.log(p / q), -1)
        apart += tf.reduce_sum(q * tf.math.log(q / p), -1)
        alone = plain(readout, layer, target, tf.cast(mask, p.dtype), 0.1)
        return alone.loss + 3 / 4 * tf.tile(apart, [2, 1])

    def found(readout: tf.Tensor, layer: SoftmaxLayer) -> tf.Tensor:
        real = tf.cast(mask, readout.dtype)
        return softmax_losses(
            readout, layer, target, real, 0.1, real_only, agreement=3.0
        ).loss

    results = []
    for losses in (found, expected):
        with tf.GradientTape() as tape:
            tape.watch(given)
            layer = SoftmaxLayer(given[1], None, by_row=False)
            loss = losses(given[0], layer) * weight
        results.append([loss, *tape.gradient(loss, given)])
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, 1e-9, 1e-9)


def test_a_batch_in_which_nothing_counts() -> None:
    layer = SoftmaxLayer(tf.ones((R, V)), tf.zeros(V), by_row=False)
    zeros = tf.zeros((B, T))
    found = softmax_losses(
        tf.ones((B, T, R)), layer, tf.zeros((B, T), tf.int32), zeros
    )
    for each in found:
        np.testing.assert_array_equal(each, zeros)


def test_large_logits_are_finite() -> None:
    layer = SoftmaxLayer(1e4 * tf.eye(R, V), tf.zeros(V), by_row=False)
    readout = tf.one_hot([[1, 2]], R)
    found = softmax_losses(
        readout, layer, tf.constant([[1, 3]]), tf.ones((1, 2))
    )
    np.testing.assert_allclose(found.nll, [[0, 1e4]])
    np.testing.assert_array_equal(found.correct, [[1, 0]])


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("by_row", [True, False])
def test_in_blocks_logits_are_the_same_and_the_rest_is_impossible(
    by_row: bool, has_bias: bool
) -> None:
    random = np.random.default_rng(7)
    matrix = random.normal(size=(V, R) if by_row else (R, V))
    bias = tf.constant(random.normal(size=V)) if has_bias else None
    layer = SoftmaxLayer(tf.constant(matrix), bias, by_row)
    rows = tf.constant(random.normal(size=(B, R)))

    blocked = layer.blocked(5)

    assert blocked.vocabulary == 15
    logits = blocked.logits(rows).numpy()
    np.testing.assert_allclose(logits[:, :V], layer.logits(rows), 1e-9)
    assert np.all(np.exp(logits[:, V:]) == 0)
