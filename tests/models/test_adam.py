"""Adam in one operation, beside Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Adam


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
