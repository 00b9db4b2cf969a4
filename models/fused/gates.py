"""Elementwise part of recurrent cells, and its gradient.

A step of a cell needs two matrix products: x, the projected input, and p, the
projected hidden state. Both x and p include their biases. A class of this
module does the rest of the step. Its method `advance` computes the new state
from x, p and the old state. Its method `retreat` computes the gradients of x, p
and the old state from the gradient of the new state.
"""

from abc import ABC, abstractmethod
from typing import Any

import tensorflow as tf

from models.cells import GRUCell, LSTMCell, SimpleRNNCell

State = tuple[tf.Tensor, ...]  # tensors (B, H); the first is the output


class Gates(ABC):
    """Elementwise part of a cell: a step without its matrix products.

    H is the size of the hidden state. G is the size of the projected input and
    of the projected hidden state, for example 4 H for an LSTM.

    Attributes:
        saved: number of tensors (B, H) that `advance` saves for `retreat`.
    """

    saved: int

    @abstractmethod
    def advance(
        self, x: tf.Tensor, p: tf.Tensor, state: State
    ) -> tuple[State, State]:
        """Compute the new state of a step.

        Args:
            x: (B, G), the projected input.
            p: (B, G), the projected hidden state.
            state: state before the step; its tensors are (B, H).

        Returns:
            The state after the step, and the tensors that `retreat` needs.
        """

    @abstractmethod
    def retreat(
        self, saved: State, state: State, of_state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """Compute the gradient of a step.

        Args:
            saved: tensors that `advance` saved for this step.
            state: state before the step; its tensors are (B, H).
            of_state: gradient of the state after the step.

        Returns:
            The gradients of the projected input x (B, G), of the projected
            hidden state p (B, G), and of the state before the step.
        """


class SimpleRNNGates(Gates):
    """Elementwise part of Elman's cell: `h' = tanh(x + p)`.

    x is the projected input, p the projected hidden state.
    """

    saved = 1

    def advance(
        self, x: tf.Tensor, p: tf.Tensor, state: State
    ) -> tuple[State, State]:
        output = tf.tanh(x + p)
        return (output,), (output,)

    def retreat(
        self, saved: State, state: State, of_state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        (output,), (of_output,) = saved, of_state
        of_total = of_output * (1 - output * output)
        return of_total, of_total, (tf.zeros_like(of_output),)


class GRUGates(Gates):
    """Elementwise part of the gated recurrent unit: `h' = g + z (h - g)`.

    See `models.cells.GRUCell`, which defines g and z.
    """

    saved = 4

    def advance(
        self, x: tf.Tensor, p: tf.Tensor, state: State
    ) -> tuple[State, State]:
        (hidden,) = state
        x_update, x_reset, x_new = tf.split(x, 3, -1)
        p_update, p_reset, p_new = tf.split(p, 3, -1)
        update = tf.sigmoid(x_update + p_update)
        reset = tf.sigmoid(x_reset + p_reset)
        new = tf.tanh(x_new + reset * p_new)
        output = new + update * (hidden - new)
        return (output,), (update, reset, new, p_new)

    def retreat(
        self, saved: State, state: State, of_state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        update, reset, new, p_new = saved
        (hidden,), (of_output,) = state, of_state
        passed = of_output * update
        of_new = (of_output - passed) * (1 - new * new)
        of_update = passed * (hidden - new) * (1 - update)
        of_reset = of_new * p_new * reset * (1 - reset)
        of_x = tf.concat([of_update, of_reset, of_new], -1)
        of_p = tf.concat([of_update, of_reset, of_new * reset], -1)
        return of_x, of_p, (passed,)


class LSTMGates(Gates):
    """Elementwise part of the LSTM: `c' = f c + i g`, `h' = o tanh(c')`.

    See `models.cells.LSTMCell`, which defines f, i, g and o.
    """

    saved = 5

    def advance(
        self, x: tf.Tensor, p: tf.Tensor, state: State
    ) -> tuple[State, State]:
        _, carry = state
        enter, forget, leave, new = tf.split(x + p, 4, -1)
        enter, forget, leave = map(tf.sigmoid, (enter, forget, leave))
        new = tf.tanh(new)
        carry = forget * carry + enter * new
        squashed = tf.tanh(carry)
        state = (leave * squashed, carry)
        return state, (enter, forget, leave, new, squashed)

    def retreat(
        self, saved: State, state: State, of_state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        enter, forget, leave, new, squashed = saved
        (_, carry), (of_output, of_carry) = state, of_state
        of_carry += of_output * leave * (1 - squashed * squashed)
        of_total = tf.concat(
            [
                of_carry * new * enter * (1 - enter),
                of_carry * carry * forget * (1 - forget),
                of_output * squashed * leave * (1 - leave),
                of_carry * enter * (1 - new * new),
            ],
            -1,
        )
        before = (tf.zeros_like(of_output), of_carry * forget)
        return of_total, of_total, before


# Keys are exact classes: a subclass may compute something else.
GATES: dict[type[Any], Gates] = {
    SimpleRNNCell: SimpleRNNGates(),
    GRUCell: GRUGates(),
    LSTMCell: LSTMGates(),
}
