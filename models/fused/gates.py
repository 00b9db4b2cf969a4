"""What cells do once both products are there, and the way back.

A step of a cell adds what its input gives (x, the projected input) to what its
state gives (p, the product of the hidden state and its bias). `advance` goes
on from there; `retreat` takes the gradient of the new state to x, p and the
old state.
"""

from abc import ABC, abstractmethod
from typing import Any

import tensorflow as tf

from models.cells import GRUCell, LSTMCell, SimpleRNNCell

State = tuple[tf.Tensor, ...]  # leaves (B, H); the first is the output


class Gates(ABC):
    """The elementwise part of a cell."""

    saved: int  # how many tensors (B, H) `retreat` needs besides the state

    @abstractmethod
    def advance(
        self, x: tf.Tensor, p: tf.Tensor, state: State
    ) -> tuple[State, State]:
        """The new state, and what `retreat` needs."""

    @abstractmethod
    def retreat(
        self, saved: State, state: State, of_state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """The gradients of x, p and `state`, the one before the step."""


class SimpleRNNGates(Gates):
    """`h' = tanh(x + p)`."""

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
    """`h' = g + z (h - g)`; see `models.cells.GRUCell`."""

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
    """`c' = f c + i g`, `h' = o tanh(c')`; see `models.cells.LSTMCell`."""

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


# By their very classes: a subclass may do something else.
GATES: dict[type[Any], Gates] = {
    SimpleRNNCell: SimpleRNNGates(),
    GRUCell: GRUGates(),
    LSTMCell: LSTMGates(),
}
