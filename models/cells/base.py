"""Base class of the recurrent cells."""

from typing import Any

import tensorflow as tf
from keras import layers

from models.building import Shape, build_once

State = tuple[tf.Tensor, ...]


class Cell(layers.Layer):
    """Recurrent cell: a layer that computes one step of a recurrent network.

    The computation has two parts. `project` computes what depends only on the
    input; it can be called once for a whole sequence, before the loop over
    time. `step` computes the rest, inside the loop. A state is a tuple of
    tensors, and the first of them is the cell's output.

    Args:
        units: dimension H of the output.

    Attributes:
        gates: number of blocks of H units in a projected input.
        leaves: number of tensors in a state.
        input_bias: whether the projection of the input, `W x + b`, has the
            bias b.
        recurrent_bias: whether the projection of the hidden state, `U h + c`,
            has the bias c.
    """

    gates = 1
    leaves = 1
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
        """Return the initializer of b, the bias in `W x + b`."""
        return "zeros"

    def build(self, input_shape: Shape) -> None:
        build_once(self.input_projection, input_shape)
        build_once(self.recurrent_projection, (None, self.units))

    def call(
        self, inputs: tf.Tensor, state: State, keep: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """Compute one step from an input that is not yet projected.

        Args:
            inputs: (..., E), the input of the step.
            state: see `step`.
            keep: see `step`.

        Returns:
            The output (..., H), and the state after the step.
        """
        return self.step(self.project(inputs), state, keep)

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """Project inputs x (..., E) to `W x + b`, (..., gates * H)."""
        return self.input_projection(inputs)

    def from_input(self, projected: tf.Tensor) -> tf.Tensor:
        """Return the contribution of the input to the gates, (..., gates * H).

        In this base class, it is equal to `projected`.

        Args:
            projected: (..., gates * H), see `step`.
        """
        return projected

    def from_state(self, hidden: tf.Tensor) -> tf.Tensor:
        """Return the contribution of the hidden state to the gates, `U h + c`.

        Args:
            hidden: (..., H), the hidden state h.

        Returns:
            A tensor (..., gates * H).
        """
        return self.recurrent_projection(hidden)

    def recurrent_weights(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the weights U and c of `U h + c`, in the compute type.

        U is (H, gates * H), and c is (gates * H,). If the cell has no bias c,
        the returned c is zeros.
        """
        layer = self.recurrent_projection
        kernel = tf.cast(tf.convert_to_tensor(layer.kernel), self.compute_dtype)
        if layer.bias is None:
            return kernel, tf.zeros(kernel.shape[1:], kernel.dtype)
        return kernel, tf.cast(tf.convert_to_tensor(layer.bias), kernel.dtype)

    def recall(self, hidden: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
        """Apply the recurrent dropout, then call `from_state`.

        Args:
            hidden: (..., H), the hidden state.
            keep: (..., H), recurrent dropout mask, see `step`; None for no
                dropout.
        """
        return self.from_state(hidden if keep is None else hidden * keep)

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Compute one step from an input that `project` has projected.

        Args:
            projected: (..., gates * H), what `project` returned for the input.
                The caller may have added projections of further inputs, such as
                a context vector.
            state: state before the step; each of its tensors is (..., H).
            keep: recurrent dropout mask (..., H), 0 at dropped units and
                1 / (1 - rate) at kept units; None for no dropout. The hidden
                state is multiplied by this mask before its product with U, and
                nowhere else. If the same mask is used at all steps, this is the
                dropout of Gal and Ghahramani 2016, section 4.

        Returns:
            The output (..., H), and the state after the step.
        """
        raise TypeError(
            f"{type(self).__name__} has no step: subclass Cell and override "
            "step, or use one of its subclasses"
        )

    def zero_state(self, like: tf.Tensor) -> State:
        """Return a state of zeros.

        Each of its tensors has the shape of `like`, except for the last
        dimension, which is H.
        """
        shape = tf.concat([tf.shape(like)[:-1], [self.units]], 0)
        zeros = tf.zeros(shape, self.compute_dtype)
        zeros.set_shape([*like.shape[:-1], self.units])
        return (zeros,) * self.leaves

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
