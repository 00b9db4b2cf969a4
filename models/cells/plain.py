"""Recurrent cells: Elman's cell, the GRU and the LSTM."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from models.cells.base import Cell, State


@keras.saving.register_keras_serializable("glimpse")
class SimpleRNNCell(Cell):
    """Cell of Elman 1990: `h' = tanh(W x + U h + b)`.

    The state is the tuple (h,).
    """

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
    """Gated recurrent unit whose reset gate r multiplies `Ug h`, not h.

    ```
    z = sigmoid(Wz x + bz + Uz h + cz)
    r = sigmoid(Wr x + br + Ur h + cr)
    g = tanh(Wg x + bg + r * (Ug h + cg))
    h' = z * h + (1 - z) * g
    ```

    Cho et al. 2014, "Learning phrase representations", equations 5 to 8,
    except that r multiplies `Ug h + cg` and not h, as in cuDNN and Keras. So
    the products of Uz, Ur and Ug with h can be computed as one matrix product.
    The state is the tuple (h,).
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

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    The bias of the forget gate is initially 1 (Jozefowicz et al. 2015). The
    state is the tuple (h, c).
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
        """Return tanh(c'), which is multiplied by the output gate o to give h'.

        Args:
            carry: (..., H), the new cell state c'.
        """
        return ops.tanh(carry)


@keras.saving.register_keras_serializable("glimpse")
class ForgetBias(keras.initializers.Initializer):
    """Initializer of an LSTM's bias: 1 for the forget gate, 0 elsewhere.

    The forget gate is the second quarter of the bias.
    """

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
