"""Adam optimizer that updates each weight by one TensorFlow operation."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("glimpse")
class Adam(keras.optimizers.Adam):
    """Adam optimizer that reads and writes each weight only once per update.

    It has the same variables and computes the same formula as
    `keras.optimizers.Adam`, which reads and writes each weight and its moments
    several times. The formula is algorithm 1 of Kingma and Ba 2015, "Adam: a
    method for stochastic optimization", in the more efficient order of
    operations that section 2 of the paper gives.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: Any, learning_rate: Any
    ) -> None:
        """Update one weight, given its dense gradient."""
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        dtype = variable.dtype
        place = self._get_variable_index(variable)
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
