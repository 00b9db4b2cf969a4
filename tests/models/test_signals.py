"""What a step of training computes besides the loss of the tokens."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import SequenceModel
from models.signals import (
    Signals,
    doubled,
    forced,
    forcing_probability,
    l2_penalty,
    with_own_words,
)
from tests.models import tiny
from tests.models.tiny import batch, copies

DROPPING = {"dropout": 0.3, "word_dropout": 0.2}


def step(model: SequenceModel, **options: Any) -> tuple[float, list[Any]]:
    """The loss of one step, and what it adds to each weight."""
    before = copies(model)
    model.compile(keras.optimizers.SGD(1.0), clip_norm=None, **options)
    model.reset_metrics()
    for variable in model.variables:
        if "seed" in variable.path:
            variable.assign([1, 2])
    loss = float(model.train_step(batch())["loss"])
    after = copies(model)
    model.set_weights(before)
    return loss, [b - a for a, b in zip(before, after, strict=True)]


def assert_same(one: Any, other: Any) -> None:
    for mine, theirs in zip(
        tf.nest.flatten(one), tf.nest.flatten(other), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, 1e-5, 1e-6)


def test_teacher_forcing_falls_off_as_an_inverse_sigmoid() -> None:
    steps = np.array([0, 1, 30, 200])
    k = 20.0
    np.testing.assert_allclose(
        forcing_probability(tf.constant(steps), k),
        k / (k + np.exp(steps / k)),
        1e-5,
    )
    assert forcing_probability(tf.constant(10**6), k) == 0


def test_words_are_forced_as_often_as_the_probability_says() -> None:
    at = {
        step: forced(tf.constant([100, 100]), step, 20.0, 3) for step in (1, 60)
    }
    for number, drawn in at.items():
        expected = forcing_probability(tf.constant(number), 20.0)
        assert abs(np.mean(drawn) - expected) < 0.02
    again = forced(tf.constant([100, 100]), tf.constant(1), 20.0, 3)
    np.testing.assert_array_equal(at[1], again)
    other = forced(tf.constant([100, 100]), 1, 20.0, 4)
    assert np.any(at[1] != other)


def test_own_words_come_from_the_step_before() -> None:
    logits = tf.one_hot([[5, 6, 7], [8, 4, 3]], 9)
    found = with_own_words(
        tf.constant([[2, 1, 1], [2, 1, 1]]),
        logits,
        tf.constant([[False, False, True], [False, True, False]]),
    )
    np.testing.assert_array_equal(found, [[2, 5, 1], [2, 1, 4]])


def test_scheduled_sampling_reads_what_a_first_pass_says() -> None:
    model = tiny.new("bahdanau")
    assert_same(
        step(model, signals=Signals(scheduled_sampling=1e9)), step(model)
    )
    inputs, target, weights = batch()
    said = tf.argmax(model(inputs)["logits"], -1, tf.int32)
    own = tf.concat([inputs["target_in"][:, :1], said[:, :-1]], 1)
    model.compile(keras.optimizers.SGD(0.0))
    model.reset_metrics()
    expected = model.train_step(({**inputs, "target_in": own}, target, weights))
    # 1 / (1 + e ** (60 / 1)): every word is the model's own.
    model.compile(
        keras.optimizers.SGD(0.0), signals=Signals(scheduled_sampling=1.0)
    )
    model.optimizer.iterations.assign(60)
    model.reset_metrics()
    found = model.train_step(batch())
    np.testing.assert_allclose(found["loss"], expected["loss"], 1e-6)


@pytest.mark.parametrize("name", ["bahdanau", "starting-example"])
def test_r_drop_without_dropout_changes_nothing(name: str) -> None:
    model = tiny.new(name)
    assert_same(step(model, signals=Signals(r_drop=5.0)), step(model))


def test_r_drop_is_the_loss_of_both_predictions_and_of_their_difference() -> (
    None
):
    """Its two predictions are those of a batch with each row twice."""
    model = tiny.new("bahdanau", **DROPPING)
    found, _ = step(model, signals=Signals(r_drop=2.0))
    for variable in model.variables:
        if "seed" in variable.path:
            variable.assign([1, 2])
    inputs, target, _ = batch()
    logits = model(doubled(inputs), training=True)["logits"]
    p, q = np.split(np.exp(tf.nn.log_softmax(logits).numpy()), 2)
    mask = tf.sequence_mask(inputs["target_length"], target.shape[1]).numpy()
    gold = target.numpy()[..., None]
    nll = [-np.log(np.take_along_axis(x, gold, 2)[..., 0]) for x in (p, q)]
    apart = np.sum((p - q) * np.log(p / q), -1)
    loss = (nll[0] + nll[1]) / 2 + 2.0 / 4 * apart
    assert apart[mask].min() > 0
    np.testing.assert_allclose(found, loss[mask].mean(), 1e-5)


def test_l2_pulls_matrices_alone_towards_zero() -> None:
    model = tiny.new("bahdanau")
    (loss, plain), (same, pulled) = (
        step(model),
        step(model, signals=Signals(l2=0.25)),
    )
    assert loss == same
    kinds = set()
    for weight, before, after in zip(
        model.trainable_weights, plain, pulled, strict=True
    ):
        is_matrix = len(weight.shape) > 1
        kinds.add(is_matrix)
        expected = -0.5 * weight.numpy() if is_matrix else 0 * before
        np.testing.assert_allclose(after - before, expected, 1e-4, 1e-5)
    assert kinds == {True, False}
    squares = [w.numpy() ** 2 for w in model.weights if len(w.shape) > 1]
    np.testing.assert_allclose(
        l2_penalty(model.trainable_weights), sum(map(np.sum, squares)), 1e-5
    )
