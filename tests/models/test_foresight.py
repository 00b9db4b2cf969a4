"""Attention that knows the next word."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Seq2Seq
from models.foresight import Foresight, fit_step, look
from models.losses import token_losses
from tests.models import tiny
from tests.models.tiny import batch, copies

each_decoder = pytest.mark.parametrize(
    "name",
    ["bahdanau-tied", "conditional", "luong-rnn", "feeding-concat-lstm-2"],
)


def given() -> tuple[Any, ...]:
    inputs, target, _ = batch()
    names = ("source", "source_length", "target_in")
    return (*(inputs[name] for name in names), target)


def model_of(name: str) -> Seq2Seq:
    model = tiny.new(name)
    assert isinstance(model, Seq2Seq)
    return model


@each_decoder
def test_at_first_it_is_the_attention_of_the_translator(name: str) -> None:
    model = model_of(name)
    weights, said = look(model, Foresight.of(model), *given())
    inputs, target, _ = batch()
    outputs = model(inputs)
    _, nll = token_losses(target, outputs["logits"])
    mask = tf.sequence_mask(inputs["target_length"], target.shape[1]).numpy()
    np.testing.assert_allclose(said[mask], -nll[mask], 1e-4, 1e-5)
    np.testing.assert_allclose(
        weights[mask], outputs["attention_weights"][mask], 1e-4, 1e-5
    )


@each_decoder
def test_the_word_shifts_the_query_of_its_own_step_alone(name: str) -> None:
    model = model_of(name)
    foresight = Foresight.of(model)
    tiny.randomise(foresight, scale=2.0)
    *rest, target = given()
    before, _ = look(model, foresight, *rest, target)
    other = target.numpy()
    other[0, 2] += 1
    after, _ = look(model, foresight, *rest, tf.constant(other))
    moved = np.abs(after - before).max(-1) > 1e-4
    assert np.argwhere(moved).tolist() == [[0, 2]]


@each_decoder
def test_training_changes_nothing_but_the_foresight(name: str) -> None:
    """It lowers the loss of words, dropped or not."""
    model = model_of(name)
    kept = copies(model)
    foresight = Foresight.of(model, dropout=0.2)
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(foresight.trainable_variables)
    assert len(foresight.trainable_variables) == 3
    start = look(model, foresight, *given())[1].numpy()
    step = tf.function(fit_step(model, foresight, optimizer), autograph=False)
    losses = []
    for _ in range(25):
        loss, count = step(batch())
        losses.append(float(loss / count))
    assert count == 12
    assert np.mean(losses[-5:]) < losses[0]
    for before, now in zip(kept, copies(model), strict=True):
        np.testing.assert_array_equal(before, now)
    mask = tf.sequence_mask(batch()[0]["target_length"], start.shape[1])
    now = look(model, foresight, *given())[1].numpy()
    assert now[mask].mean() > start[mask].mean()
    attention = look(model, foresight, *given())[0].numpy()
    np.testing.assert_allclose(attention[mask].sum(-1), 1, 1e-5)


def test_the_gradient_is_that_of_finite_differences() -> None:
    model = model_of("conditional")
    foresight = Foresight.of(model)
    tiny.randomise(foresight, scale=0.5)
    kernel = foresight.shift.kernel

    def loss() -> tf.Tensor:
        return tf.reduce_mean(look(model, foresight, *given())[1])

    with tf.GradientTape() as tape:
        value = loss()
    (gradient,) = tape.gradient(value, [kernel.value])
    start = kernel.numpy()
    direction = np.random.default_rng(3).normal(size=start.shape)
    ends = []
    for sign in (1, -1):
        kernel.assign(start + sign * 1e-2 * direction)
        ends.append(float(loss()))
    expected = (ends[0] - ends[1]) / 2e-2
    assert np.sum(gradient * direction) == pytest.approx(expected, rel=2e-2)
