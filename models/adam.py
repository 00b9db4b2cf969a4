"""Adam optimizer with one operation for each weight, and rates of weights."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

FACTOR = "glimpse_learning_rate_factor"  # attribute of a weight


def learn_slower(weight: keras.Variable, factor: float) -> None:
    """Let `Adam` multiply the learning rate of one weight by a factor.

    In each step, Adam changes every element of a weight by about the learning
    rate. A sum of many products with such elements changes much faster than a
    sum of few, and a factor evens this out. The effect is the same as if the
    layer computed with `factor * v`, and v were learnt in place of the weight;
    but the weight, and files of weights, stay what they are.

    Args:
        weight: weight of a layer that has been built.
        factor: the factor, greater than 0.
    """
    setattr(weight, FACTOR, factor)


def global_norm(
    gradients: Sequence[tf.Tensor], weights: Sequence[keras.Variable]
) -> tf.Tensor:
    """Return the norm of the gradients of all weights together.

    For a slower weight, which is like `factor * v`, the gradient of v counts;
    see `learn_slower`.

    Args:
        gradients: gradient of each weight.
        weights: the weights.
    """
    factors = [getattr(weight, FACTOR, None) for weight in weights]
    return tf.linalg.global_norm(
        [
            gradient if factor is None else gradient * factor
            for gradient, factor in zip(gradients, factors, strict=True)
        ]
    )


@keras.saving.register_keras_serializable("glimpse")
class Adam(keras.optimizers.Adam):
    """Adam optimizer that reads and writes each weight only once per update.

    It has the same variables and computes the same formula as
    `keras.optimizers.Adam`, which reads and writes each weight and its moments
    several times. The formula is algorithm 1 of Kingma and Ba 2015, "Adam: a
    method for stochastic optimization", in the more efficient order of
    operations that section 2 of the paper gives. A weight can have a learning
    rate of its own; see `learn_slower`.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: Any, learning_rate: Any
    ) -> None:
        """Update one weight, given its dense gradient."""
        place = self._get_variable_index(variable)
        weight = self._trainable_variables[place]
        learning_rate = learning_rate * getattr(weight, FACTOR, 1.0)
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        dtype = variable.dtype
        beta_1, beta_2 = (
            tf.constant(beta, dtype) for beta in (self.beta_1, self.beta_2)
        )
        step = tf.cast(self.iterations + 1, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )
