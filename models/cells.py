"""Recurrent cells: what depends on the input alone, and one step."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.naming import choose

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
    recurrent_bias = False

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.input_projection = layers.Dense(
            self.gates * units,
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
        return "zeros"

    def build(self, input_shape: Shape) -> None:
        build_once(self.input_projection, input_shape)
        build_once(self.recurrent_projection, (None, self.units))

    def call(self, inputs: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """One whole step, for use as an ordinary layer."""
        return self.step(self.project(inputs), state)

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`W x + b` for inputs (..., E): (..., gates * H)."""
        return self.input_projection(inputs)

    def step(
        self, projected: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, State]:
        """From (..., gates * H) and a state to the output and next state."""
        raise TypeError(
            f"{type(self).__name__} has no step: use one of "
            f"{', '.join(sorted(CELLS))}, or override step"
        )

    def zero_state(self, like: tf.Tensor) -> State:
        """Zeros of shape `like.shape[:-1] + (H,)`, a leaf at a time."""
        shape = tf.concat([tf.shape(like)[:-1], [self.units]], 0)
        zeros = tf.zeros(shape, self.compute_dtype)
        zeros.set_shape([*like.shape[:-1], self.units])
        return (zeros,) * self.leaves

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("glimpse")
class SimpleRNNCell(Cell):
    """Elman 1990: `h' = tanh(W x + U h + b)`. State: (h,)."""

    def step(
        self, projected: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, State]:
        output = ops.tanh(projected + self.recurrent_projection(state[0]))
        return output, (output,)


@keras.saving.register_keras_serializable("glimpse")
class GRUCell(Cell):
    """Gated recurrent unit, reset after the product.

    ```
    z = sigmoid(Wz x + bz + Uz h + cz)
    r = sigmoid(Wr x + br + Ur h + cr)
    g = tanh(Wg x + bg + r * (Ug h + cg))
    h' = z * h + (1 - z) * g
    ```

    Cho et al. 2014, "Learning phrase representations", equations 5 to 8,
    except that r multiplies `Ug h + cg` and not h, as in cuDNN and Keras: the
    three products with h become one. State: (h,).
    """

    gates = 3
    recurrent_bias = True  # the c of the formula: r multiplies cg

    def step(
        self, projected: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, State]:
        (hidden,) = state
        x_gates, x_candidate = _split_last(projected, 2 * self.units)
        h_gates, h_candidate = _split_last(
            self.recurrent_projection(hidden), 2 * self.units
        )
        update, reset = ops.split(ops.sigmoid(x_gates + h_gates), 2, axis=-1)
        candidate = ops.tanh(x_candidate + reset * h_candidate)
        output = candidate + update * (hidden - candidate)
        return output, (output,)


@keras.saving.register_keras_serializable("glimpse")
class LSTMCell(Cell):
    """Long short-term memory with a forget gate.

    ```
    i, f, o = sigmoid(W x + U h + b)       g = tanh(Wg x + Ug h + bg)
    c' = f * c + i * g                     h' = o * tanh(c')
    ```

    Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000, its bias
    1 at the start (Jozefowicz et al. 2015). State: (h, c).
    """

    gates = 4
    leaves = 2

    def bias_initializer(self) -> Any:
        return ForgetBias()

    def step(
        self, projected: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, State]:
        hidden, carry = state
        total = projected + self.recurrent_projection(hidden)
        gates, candidate = _split_last(total, 3 * self.units)
        enter, forget, leave = ops.split(ops.sigmoid(gates), 3, axis=-1)
        carry = forget * carry + enter * ops.tanh(candidate)
        output = leave * ops.tanh(carry)
        return output, (output, carry)


@keras.saving.register_keras_serializable("glimpse")
class ForgetBias(keras.initializers.Initializer):
    """Ones for the forget gate, the second quarter; zeros elsewhere."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
        quarter = shape[0] // 4
        return ops.concatenate(
            [
                ops.zeros((quarter,), dtype),
                ops.ones((quarter,), dtype),
                ops.zeros((2 * quarter,), dtype),
            ]
        )


CELLS: dict[str, type[Cell]] = {
    "rnn": SimpleRNNCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
}


def get(name: str) -> type[Cell]:
    """The cell class called `name`; a ValueError lists the names there are."""
    return choose(name, CELLS, "cell")


def _split_last(x: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    return x[..., :size], x[..., size:]
