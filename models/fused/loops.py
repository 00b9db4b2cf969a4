"""Functions that the fused loops share.

The main one is `loop`, which calls a step function once for each position in
time. The first axis of its inputs and outputs is time.
"""

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
    """Call `step` for each position of axis 0, and stack its outputs.

    Args:
        step: function `(inputs at t, state) -> (outputs at t, new state)`.
        inputs: tensors (T, ...).
        state: the initial state.
        count: number of output tensors of `step`; each of them has the data
            type of the first tensor of `state`.
        reverse: whether to begin at the last position and end at the first.

    Returns:
        The outputs as tensors (T, ...), in the order of the inputs, and the
        last state.
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
    """Transpose a tensor (B, T, D) to (T, B, D), or (T, B, D) to (B, T, D)."""
    return tf.transpose(x, [1, 0, 2])


def before(
    stack: tf.Tensor, first: tf.Tensor, reverse: bool = False
) -> tf.Tensor:
    """Convert the values after each step to the values before each step.

    Args:
        stack: (T, B, D), the value after each step.
        first: (B, D), the value before the first step.
        reverse: whether the first step was at the last position.

    Returns:
        (T, B, D), the value before each step.
    """
    if reverse:
        return tf.concat([stack[1:], first[None]], 0)
    return tf.concat([first[None], stack[:-1]], 0)


def weight_gradient(
    left: tf.Tensor, right: tf.Tensor, shape: tf.TensorShape
) -> tf.Tensor:
    """Return the gradient of a kernel that was used at all steps.

    Args:
        left: (T, B, D), the vectors that were multiplied by the kernel.
        right: (T, B, N), the gradients of the products.
        shape: shape (D, N) of the kernel.

    Returns:
        The sum of `left^T right` over all steps and sentences, (D, N).
    """
    return tf.matmul(
        tf.reshape(left, [-1, shape[0]]),
        tf.reshape(right, [-1, shape[1]]),
        transpose_a=True,
    )
