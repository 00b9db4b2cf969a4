"""Losses and metrics: what counts, and how much."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.losses import (
    coverage_loss,
    guided_alignment_loss,
    token_losses,
    token_mask,
)
from models.metrics import Perplexity, correct_tokens
from tests.models import reference
from tests.models.tiny import normal

B, T, V = 2, 3, 5
TARGET = tf.constant([[4, 1, 3], [2, 3, 0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_losses_are_those_of_the_paper(smoothing: float) -> None:
    logits = 3 * normal(B, T, V)

    losses, nll = token_losses(TARGET, tf.constant(logits), smoothing)

    for b, t in np.ndindex(B, T):
        target = int(TARGET[b, t])
        of = logits[b, t].astype(np.float64)
        expected = reference.smoothed_loss(of, target, smoothing)
        assert float(losses[b, t]) == pytest.approx(expected, abs=1e-5)
        likelihood = -reference.log_softmax(of)[target]
        assert float(nll[b, t]) == pytest.approx(likelihood, abs=1e-5)


def test_a_smoothed_loss_by_hand() -> None:
    """p = (1/2, 1/4, 1/4): nll = log 2, mean of -log p = 5/3 log 2."""
    logits = tf.math.log([[[0.5, 0.25, 0.25]]])

    losses, _ = token_losses(tf.constant([[0]]), logits, 0.3)

    expected = (0.7 + 0.3 * 5 / 3) * np.log(2)
    assert float(losses[0, 0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_losses_of_low_precision_logits_are_float32(dtype: str) -> None:
    logits = tf.cast(normal(B, T, V), dtype)

    losses, nll = token_losses(TARGET, logits, 0.1)
    exact, _ = token_losses(TARGET, tf.cast(logits, tf.float32), 0.1)

    assert losses.dtype == nll.dtype == tf.float32
    np.testing.assert_array_equal(losses, exact)


def test_huge_logits_give_finite_losses_and_gradients() -> None:
    logits = tf.constant([[[1e4, -1e4, 0.0]]])

    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses, _ = token_losses(tf.constant([[1]]), logits, 0.1)

    assert float(losses[0, 0]) == pytest.approx(0.9 * 2e4 + 0.1 * 1e4)
    assert np.all(np.isfinite(tape.gradient(losses, logits)))


def test_what_counts_is_real_tokens_of_real_rows() -> None:
    target = tf.constant([[4, 3, 0], [5, 6, 3], [4, 3, 0]])

    weights, lengths = tf.constant([1.0, 1.0, 0.0]), tf.constant([2, 3, 2])
    mask = token_mask(target, lengths, weights)

    assert mask.dtype == tf.float32
    assert mask.numpy().tolist() == [[1, 1, 0], [1, 1, 1], [0, 0, 0]]
    # Without lengths every token is real, whatever its id.
    whole = token_mask(target, None, weights)
    assert whole.dtype == tf.float32
    assert whole.numpy().tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_perplexity_is_exp_of_the_mean_over_all_tokens() -> None:
    """Over tokens, not over batches: 3 of log 2 and 1 of log 32."""
    metric = Perplexity()

    metric.update_state(
        np.log([[2.0, 2.0], [2.0, 99.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    )
    metric.update_state(np.log([[32.0]]), np.array([[1.0]]))

    assert float(metric.result()) == pytest.approx(4.0, rel=1e-6)
    assert int(metric.count) == 4
    metric.reset_state()
    metric.update_state(np.log([3.0]))
    assert float(metric.result()) == pytest.approx(3.0, rel=1e-6)


def test_perplexity_survives_its_config() -> None:
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(Perplexity(name="surprise"))
    )

    assert isinstance(again, Perplexity)
    assert again.name == "surprise"


def test_correct_tokens_are_those_whose_target_is_likeliest() -> None:
    logits = np.zeros([B, T, V], "float32")
    for b, t, likeliest in [(0, 0, 4), (0, 1, 2), (0, 2, 3), (1, 0, 2)]:
        logits[b, t, likeliest] = 1

    correct = correct_tokens(TARGET, tf.constant(logits))

    assert correct.dtype == tf.float32
    assert correct[0].numpy().tolist() == [1, 0, 1]
    assert float(correct[1, 0]) == 1


def test_coverage_loss_by_hand() -> None:
    """The first step repeats nothing, the second half of it, the last all."""
    weights = np.array([[[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]]])

    loss = coverage_loss(tf.constant(weights, tf.float16))

    np.testing.assert_allclose(loss, [[0.0, 0.5, 0.25 + 0.5]])


def test_guided_alignment_loss_by_hand() -> None:
    """Half of log 2 and half of log 4; nothing is linked; out of reach."""
    weights = np.array([[[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]]])
    alignment = np.array(
        [[[0.5, 0.0, 0.5], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], "float32"
    )

    loss = guided_alignment_loss(tf.constant(weights, tf.float16), alignment)

    assert loss.dtype == tf.float32
    expected = [[1.5 * np.log(2), 0.0, np.log(1e9)]]
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
