"""Adam in one operation, beside Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Adam
from models.adam import FACTOR, global_norm, learn_slower
from models.architecture import ModelOptions, build_model


@pytest.mark.parametrize("amsgrad", [False, True])
def test_it_is_keras_s_adam(amsgrad: bool) -> None:
    """Weights and moments, over steps whose rate changes."""
    random = np.random.default_rng(1)
    start = [random.normal(size=shape) for shape in ((3, 5), (7,))]
    gradients = random.normal(0, 3, (4, 22)).astype("float32")
    found = []
    for kind in (Adam, keras.optimizers.Adam):
        weights = [
            keras.Variable(each, name=name)
            for name, each in zip("ab", start, strict=True)
        ]
        optimizer = kind(0.1, beta_1=0.8, epsilon=1e-3, amsgrad=amsgrad)
        optimizer.build(weights)
        for step, row in enumerate(gradients):
            optimizer.learning_rate.assign(0.1 / (1 + step))
            optimizer.apply(
                [tf.reshape(row[:15], (3, 5)), tf.constant(row[15:])]
            )
        variables = [*weights, *optimizer.variables]
        found.append({v.path.split("/")[-1]: v.numpy() for v in variables})
    ours, theirs = found
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(
            value, theirs[name], 1e-5, 1e-5, err_msg=name
        )


def test_a_scaled_loss_leaves_out_steps_that_are_not_finite() -> None:
    weight = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.LossScaleOptimizer(Adam(0.1))
    optimizer.build([weight])
    optimizer.apply([tf.constant([np.inf, 1.0])])
    np.testing.assert_array_equal(weight.numpy(), [1, 2])
    optimizer.apply([optimizer.scale_loss(tf.constant([1.0, -1.0]))])
    np.testing.assert_allclose(weight.numpy(), [0.9, 2.1], rtol=1e-5)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_a_slower_weight_is_like_one_that_is_multiplied(amsgrad: bool) -> None:
    """With `factor * v` in place of the weight, and v learnt."""
    factor = 1 / 16
    start = np.random.default_rng(1).normal(size=(3, 5))
    weight, v = keras.Variable(start), keras.Variable(start / factor)
    other = keras.Variable(start)  # learns as ever
    learn_slower(weight, factor)
    found = []
    for variables, scale in (([weight, other], 1), ([v, other], factor)):
        optimizer = Adam(0.1, epsilon=1e-12, amsgrad=amsgrad)
        optimizer.build(variables)
        other.assign(start)
        for step in range(3):
            slope = np.cos(start + step).astype("float32")
            optimizer.apply([tf.constant(slope * scale), tf.constant(slope)])
        found.append([scale * variables[0].numpy(), other.numpy()])
    for one, another in zip(*found, strict=True):
        np.testing.assert_allclose(one, another, rtol=1e-5)
    slope = tf.constant(np.cos(start), tf.float32)
    norm = global_norm([slope, slope], [weight, other])
    of_v = tf.linalg.global_norm([slope * factor, slope])
    np.testing.assert_allclose(norm, of_v, rtol=1e-6)
    assert np.abs(weight.numpy() - start).max() < 0.02
    assert np.abs(other.numpy() - start).max() > 0.2


def test_a_weight_under_a_strategy_keeps_its_rate() -> None:
    devices = tf.config.list_logical_devices("CPU")[:1]
    strategy = tf.distribute.MirroredStrategy([each.name for each in devices])
    with strategy.scope():
        weight = keras.Variable([1.0, 1.0])
        learn_slower(weight, 0.25)
        optimizer = Adam(0.1)
        optimizer.build([weight])

    @tf.function
    def step() -> None:
        strategy.run(lambda: optimizer.apply([tf.constant([1.0, -1.0])]))

    step()
    np.testing.assert_allclose(weight.numpy(), [0.975, 1.025], rtol=1e-4)


def test_weights_in_long_sums_learn_slower() -> None:
    """See docs/experiments.md; two of them start at 0."""
    options = ModelOptions(
        decoder="luong",
        attention="luong-general",
        input_feeding=True,
        window="local-p",
    )
    model = build_model(options, 20, 30)
    model.build()
    decoder = model.decoder
    scored, fed = decoder.attention.key_projection, decoder.feed_projection
    factors = {scored.kernel.path: 256**-0.5}
    factors[fed.kernel.path] = decoder.readout_units**-0.5
    window = decoder.attention.window
    factors[window.query_projection.kernel.path] = 128**-0.5
    for weight in model.trainable_variables:
        expected = factors.get(weight.path, 1.0)
        assert getattr(weight, FACTOR, 1.0) == expected
    for start in (fed, window.centre_projection):
        assert not start.kernel.numpy().any()
