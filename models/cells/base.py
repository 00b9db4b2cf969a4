"""Recurrent cells: what depends on the input alone, and one step."""

from typing import Any

import tensorflow as tf
from keras import layers

from models.building import Shape, build_once

State = tuple[tf.Tensor, ...]


class Cell(layers.Layer):
    """One step of a recurrence.

    `project` is everything that depends on the input alone, so a whole
    sequence is projected in one product; `step` is what remains in the loop.
    The first leaf of a state is the cell's output.

    Args:
        units: dimension H of the output.
    """

    gates = 1  # how many blocks of `units` a projection holds
    leaves = 1  # how many tensors a state holds
    input_bias = True
    recurrent_bias = False

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.input_projection = layers.Dense(
            self.gates * units,
            use_bias=self.input_bias,
            bias_initializer=self.bias_initializer(),
            dtype=self.dtype_policy,
        )
        self.recurrent_projection = layers.Dense(
            self.gates * units,
            use_bias=self.recurrent_bias,
            kernel_initializer="orthogonal",
            dtype=self.dtype_policy,
        )

    def bias_initializer(self) -> Any:
        """Where the bias of the projected input starts."""
        return "zeros"

    def build(self, input_shape: Shape) -> None:
        build_once(self.input_projection, input_shape)
        build_once(self.recurrent_projection, (None, self.units))

    def call(
        self, inputs: tf.Tensor, state: State, keep: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """One whole step, for use as an ordinary layer."""
        return self.step(self.project(inputs), state, keep)

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`W x + b` for inputs (..., E): (..., gates * H)."""
        return self.input_projection(inputs)

    def from_input(self, projected: tf.Tensor) -> tf.Tensor:
        """What the input gives to the gates, of all that was projected."""
        return projected

    def from_state(self, hidden: tf.Tensor) -> tf.Tensor:
        """What a hidden state (..., H) gives to the gates: `U h + c`."""
        return self.recurrent_projection(hidden)

    def recurrent_weights(self) -> tuple[tf.Tensor, tf.Tensor]:
        """U (H, gates * H) and c, zeros where there is none."""
        layer = self.recurrent_projection
        kernel = tf.cast(tf.convert_to_tensor(layer.kernel), self.compute_dtype)
        if layer.bias is None:
            return kernel, tf.zeros(kernel.shape[1:], kernel.dtype)
        return kernel, tf.cast(tf.convert_to_tensor(layer.bias), kernel.dtype)

    def recall(self, hidden: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
        """`from_state`, less what `keep` drops of the hidden state."""
        return self.from_state(hidden if keep is None else hidden * keep)

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        """One step, all that is left to do in the loop.

        Args:
            projected: (..., gates * H), as `project` gives it; a caller may
                add to it what other inputs give.
            state: leaves (..., H).
            keep: (..., H), multiplies the hidden state where it enters the
                recurrent product, and nowhere else: 0 for what is dropped,
                1 / (1 - rate) for what is not. Drawn once before the loop, it
                is the dropout of Gal and Ghahramani 2016, section 4.

        Returns:
            The output (..., H), and the next state.
        """
        raise TypeError(
            f"{type(self).__name__} has no step: subclass Cell and override "
            "step, or use one of its subclasses"
        )

    def zero_state(self, like: tf.Tensor) -> State:
        """Zeros of shape `like.shape[:-1] + (H,)`, a leaf at a time."""
        shape = tf.concat([tf.shape(like)[:-1], [self.units]], 0)
        zeros = tf.zeros(shape, self.compute_dtype)
        zeros.set_shape([*like.shape[:-1], self.units])
        return (zeros,) * self.leaves

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
