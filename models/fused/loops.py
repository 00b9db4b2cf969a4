"""Loops over time whose inputs and outputs are time-major stacks."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensors = tuple[tf.Tensor, ...]


def loop(
    step: Callable[[Tensors, Tensors], tuple[Tensors, Tensors]],
    inputs: Sequence[tf.Tensor],
    state: Tensors,
    count: int,
    *,
    reverse: bool = False,
) -> tuple[list[tf.Tensor], Tensors]:
    """Run `step` along axis 0.

    Args:
        step: `(inputs at t, state) -> (outputs at t, state)`.
        inputs: stacks (T, ...).
        state: the first.
        count: number of outputs, which all have the state's type.
        reverse: walk from the last to the first.

    Returns:
        The outputs, stacks (T, ...), and the last state.
    """
    steps = inputs[0].shape[0] or tf.shape(inputs[0])[0]
    given = [tf.TensorArray(x.dtype, steps).unstack(x) for x in inputs]
    arrays = tuple(tf.TensorArray(state[0].dtype, steps) for _ in range(count))

    def body(t: tf.Tensor, state: Tensors, arrays: Any) -> tuple[Any, ...]:
        place = steps - 1 - t if reverse else t
        values, state = step(tuple(each.read(place) for each in given), state)
        arrays = tuple(
            array.write(place, value)
            for array, value in zip(arrays, values, strict=True)
        )
        return t + 1, state, arrays

    _, last, arrays = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), state, arrays),
        maximum_iterations=steps,
    )
    return [array.stack() for array in arrays], last


def time_major(x: tf.Tensor) -> tf.Tensor:
    """(B, T, D) to (T, B, D), and back."""
    return tf.transpose(x, [1, 0, 2])


def before(
    stack: tf.Tensor, first: tf.Tensor, reverse: bool = False
) -> tf.Tensor:
    """What each step began with, of a stack (T, B, D) of what it ended with."""
    if reverse:
        return tf.concat([stack[1:], first[None]], 0)
    return tf.concat([first[None], stack[:-1]], 0)


def weight_gradient(
    left: tf.Tensor, right: tf.Tensor, shape: tf.TensorShape
) -> tf.Tensor:
    """`left' right` over all steps and sentences: one product of this shape."""
    return tf.matmul(
        tf.reshape(left, [-1, shape[0]]),
        tf.reshape(right, [-1, shape[1]]),
        transpose_a=True,
    )
