"""A cell over a whole sequence, as encoders run it."""

from typing import Any

import tensorflow as tf

from models.fused.gates import Gates, State
from models.fused.loops import before, loop, time_major, weight_gradient


def unroll(
    gates: Gates,
    projected: tf.Tensor,
    state: State,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    *,
    mask: tf.Tensor | None = None,
    reverse: bool = False,
    keep: tf.Tensor | None = None,
) -> tuple[tf.Tensor, State]:
    """Run a cell over time.

    Args:
        gates: what it does.
        projected: (B, T, G), what the inputs give.
        state: leaves (B, H), the first.
        kernel: (H, G), U.
        bias: (G,), c.
        mask: (B, T), False where the state passes unchanged and the output is
            zero.
        reverse: walk from the last position to the first.
        keep: (B, H), multiplies the hidden state where it enters the product.

    Returns:
        The outputs (B, T, H), in the order of the inputs, and the last state.
    """
    units = kernel.shape[0]
    kept: tuple[tf.Tensor, ...] = ()
    if mask is not None:
        kept = (tf.cast(tf.transpose(mask), projected.dtype)[..., None],)

    def recalled(hidden: tf.Tensor) -> tf.Tensor:
        return hidden if keep is None else hidden * keep

    @tf.custom_gradient
    def run(projected: Any, kernel: Any, bias: Any, *first: Any) -> Any:
        def forward(inputs: State, state: State) -> tuple[State, State]:
            x, *real = inputs
            p = tf.matmul(recalled(state[0]), kernel) + bias
            new, saved = gates.advance(x, p, state)
            new = _where(real, new, state)
            return (*new, *saved), new

        leaves = len(first)
        stacks, last = loop(
            forward,
            (time_major(projected), *kept),
            first,
            leaves + gates.saved,
            reverse=reverse,
        )
        outputs = stacks[0] * kept[0] if kept else stacks[0]

        def gradient(of_outputs: Any, *of_last: Any) -> Any:
            begun = [
                before(stack, leaf, reverse)
                for stack, leaf in zip(stacks, first, strict=False)
            ]

            def backward(inputs: State, of_state: State) -> tuple[State, State]:
                of_output, *rest = inputs
                real = rest[: len(kept)]
                old = tuple(rest[len(kept) : len(kept) + leaves])
                saved = tuple(rest[len(kept) + leaves :])
                of_state, passed = _parted(real, of_output, of_state)
                of_x, of_p, of_old = gates.retreat(saved, old, of_state)
                back = tf.matmul(of_p, kernel, transpose_b=True)
                of_old = (of_old[0] + recalled(back), *of_old[1:])
                return (of_x, of_p), _sum(of_old, passed)

            (of_x, of_p), of_first = loop(
                backward,
                (
                    time_major(of_outputs),
                    *kept,
                    *begun,
                    *stacks[leaves:],
                ),
                of_last,
                2,
                reverse=not reverse,
            )
            return (
                time_major(of_x),
                weight_gradient(recalled(begun[0]), of_p, kernel.shape),
                tf.reduce_sum(of_p, [0, 1]),
                *of_first,
            )

        return (time_major(outputs), *last), gradient

    outputs, *last = run(projected, kernel, bias, *state)
    outputs.set_shape((*projected.shape[:2], units))
    for new, old in zip(last, state, strict=True):
        new.set_shape(old.shape)
    return outputs, tuple(last)


def _where(real: list[tf.Tensor], new: State, old: State) -> State:
    """The new state of real positions, the old one of padding."""
    if not real:
        return new
    return tuple(
        tf.where(real[0] > 0, a, b) for a, b in zip(new, old, strict=True)
    )


def _parted(
    real: list[tf.Tensor], of_output: tf.Tensor, of_state: State
) -> tuple[State, State | None]:
    """The gradient that goes through a step, and what passes it by."""
    if not real:
        return (of_state[0] + of_output, *of_state[1:]), None
    of_state = (of_state[0] + real[0] * of_output, *of_state[1:])
    through = tuple(real[0] * each for each in of_state)
    passed = tuple(a - b for a, b in zip(of_state, through, strict=True))
    return through, passed


def _sum(one: State, other: State | None) -> State:
    if other is None:
        return one
    return tuple(a + b for a, b in zip(one, other, strict=True))
