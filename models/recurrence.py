"""Loop over time steps, used by encoders and decoders."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    inputs: Any,
    state: Any,
    *,
    mask: tf.Tensor | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Run a recurrence: call `step` at each position of axis 1 of `inputs`.

    Where `mask` is False, the state stays unchanged and the outputs are zero.
    So padding, before or after the real positions, changes no result.

    Args:
        step: function `(inputs at t, state) -> (outputs at t, next state)`. It
            is called once more, before the loop, to find the structure of its
            outputs; the results of this call are discarded.
        inputs: tensor (B, T, ...), or nested structure of tensors, with T ≥ 1.
        state: state before the first step: nested structure of tensors
            (B, ...), with `()` in place of absent tensors.
        mask: (B, T) boolean, True on real positions; None if all are real.
        reverse: whether to go from the last position to the first; the outputs
            stay in the order of the inputs.

    Returns:
        The outputs, each (B, T, ...), and the state after the last step.
    """
    first = tf.nest.flatten(inputs)[0]
    steps = first.shape[1] or tf.shape(first)[1]
    arrays = tf.nest.map_structure(_unstack, inputs)
    masks = None if mask is None else _unstack(mask)

    def read(position: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda a: a.read(position), arrays)

    template, _ = step(tf.nest.map_structure(lambda x: x[:, 0], inputs), state)
    outputs = tf.nest.map_structure(lambda x: _room(x, steps), template)

    def body(t: tf.Tensor, state: Any, outputs: Any) -> tuple[Any, Any, Any]:
        position = steps - 1 - t if reverse else t
        values, new_state = step(read(position), state)
        if masks is not None:
            keep = masks.read(position)
            new_state = _where(keep, new_state, state)
            values = _where(keep, values, _zeros(values))
        outputs = tf.nest.map_structure(
            lambda array, value: array.write(position, value), outputs, values
        )
        return t + 1, new_state, outputs

    _, state, outputs = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), state, outputs),
        maximum_iterations=steps,
    )
    stacked = tf.nest.map_structure(
        lambda array: _swap_batch_and_time(array.stack()), outputs
    )
    return stacked, state


def _room(x: tf.Tensor, steps: Any) -> tf.TensorArray:
    """Return an empty TensorArray for `steps` tensors with the shape of `x`."""
    return tf.TensorArray(x.dtype, steps, element_shape=x.shape)


def _zeros(nest: Any) -> Any:
    return tf.nest.map_structure(tf.zeros_like, nest)


def _unstack(x: tf.Tensor) -> tf.TensorArray:
    time_major = _swap_batch_and_time(x)
    array = tf.TensorArray(x.dtype, tf.shape(x)[1])
    return array.unstack(time_major)


def _swap_batch_and_time(x: tf.Tensor) -> tf.Tensor:
    return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])


def _where(keep: tf.Tensor, new: Any, old: Any) -> Any:
    """Take the rows of `new` where `keep` (B,) is True, else those of `old`.

    `new` and `old` are tensors (B, ...), or nested structures of them.
    """

    def choose(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        axes = [-1] + [1] * (a.shape.rank - 1)
        return tf.where(tf.reshape(keep, axes), a, b)

    return tf.nest.map_structure(choose, new, old)
