"""One loop over time, shared by encoders and decoders."""

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
    """Run `step` along axis 1 of `inputs`, carrying `state`.

    Where `mask` is False the state passes through unchanged and the outputs
    are zero, so padding, on either side, changes nothing.

    Args:
        step: `(inputs at t, state) -> (outputs at t, state)`. It is called
            once more, unused, to learn the structure of its outputs: random
            numbers drawn then are lost.
        inputs: a tensor or a nest of tensors (B, T, ...), with T at least 1.
        state: a nest of tensors (B, ...); what is absent is `()`.
        mask: (B, T) boolean, True on real positions.
        reverse: walk from the last position to the first; the outputs stay in
            the order of the inputs.

    Returns:
        The outputs, each (B, T, ...), and the last state.
    """
    first = tf.nest.flatten(inputs)[0]
    steps = first.shape[1] or tf.shape(first)[1]
    arrays = tf.nest.map_structure(_unstack, inputs)
    masks = None if mask is None else _unstack(mask)

    def read(position: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda a: a.read(position), arrays)

    template, _ = step(tf.nest.map_structure(lambda x: x[:, 0], inputs), state)
    outputs = tf.nest.map_structure(
        lambda x: tf.TensorArray(x.dtype, steps, element_shape=x.shape),
        template,
    )

    def body(t: tf.Tensor, state: Any, outputs: Any) -> tuple[Any, Any, Any]:
        position = steps - 1 - t if reverse else t
        values, new_state = step(read(position), state)
        if masks is not None:
            keep = masks.read(position)
            new_state = _where(keep, new_state, state)
            zeros = tf.nest.map_structure(tf.zeros_like, values)
            values = _where(keep, values, zeros)
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


def _unstack(x: tf.Tensor) -> tf.TensorArray:
    time_major = _swap_batch_and_time(x)
    array = tf.TensorArray(x.dtype, tf.shape(x)[1])
    return array.unstack(time_major)


def _swap_batch_and_time(x: tf.Tensor) -> tf.Tensor:
    return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])


def _where(keep: tf.Tensor, new: Any, old: Any) -> Any:
    """Choose by sentence: `keep` is (B,), the leaves are (B, ...)."""

    def choose(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        axes = [-1] + [1] * (a.shape.rank - 1)
        return tf.where(tf.reshape(keep, axes), a, b)

    return tf.nest.map_structure(choose, new, old)
