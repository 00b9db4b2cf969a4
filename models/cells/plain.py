"""Elman's, gated and long short-term cells."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from models.cells.base import Cell, State


@keras.saving.register_keras_serializable("glimpse")
class SimpleRNNCell(Cell):
    """Elman 1990: `h' = tanh(W x + U h + b)`. State: (h,)."""

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        total = self.from_input(projected) + self.recall(state[0], keep)
        output = ops.tanh(total)
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
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        (hidden,) = state
        x_gates, x_candidate = self._split(self.from_input(projected))
        h_gates, h_candidate = self._split(self.recall(hidden, keep))
        update, reset = ops.split(ops.sigmoid(x_gates + h_gates), 2, axis=-1)
        candidate = ops.tanh(x_candidate + reset * h_candidate)
        output = candidate + update * (hidden - candidate)
        return output, (output,)

    def _split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _split_last(x, 2 * self.units)


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
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        hidden, carry = state
        total = self.from_input(projected) + self.recall(hidden, keep)
        gates, candidate = _split_last(total, 3 * self.units)
        enter, forget, leave = ops.split(ops.sigmoid(gates), 3, axis=-1)
        carry = forget * carry + enter * ops.tanh(candidate)
        output = leave * self.squash(carry)
        return output, (output, carry)

    def squash(self, carry: tf.Tensor) -> tf.Tensor:
        """What the output gate lets out of a carry (..., H)."""
        return ops.tanh(carry)


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


def _split_last(x: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    return x[..., :size], x[..., size:]
