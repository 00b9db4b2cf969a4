"""Fused loop of a single cell over a sequence, without attention.

A fused loop runs all steps, and its gradient is written by hand.
"""

from collections.abc import Sequence
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
    """Run a recurrent cell over a sequence.

    Args:
        gates: the `Gates` of the cell, which compute its new state from the
            projected input and the projected hidden state.
        projected: (B, T, G), the contribution of the inputs to the gates
            (inputs times their kernel), computed beforehand.
        state: the initial state; each of its tensors is (B, H).
        kernel: (H, G), kernel from the hidden state to the gates.
        bias: (G,), bias that is added to the product with `kernel`.
        mask: (B, T), True at real positions; None if all positions are real. At
            other positions the state does not change and the output is zero.
        reverse: whether to begin at the last position and end at the first.
        keep: recurrent dropout mask (B, H), used at all steps; the hidden state
            is multiplied by it before the product with `kernel`. None for no
            dropout.

    Returns:
        The outputs (B, T, H), in the order of the inputs, and the last state.
    """
    kept: tuple[tf.Tensor, ...] = ()
    if mask is not None:
        kept = (tf.cast(tf.transpose(mask), projected.dtype)[..., None],)

    @tf.custom_gradient
    def run(*given: Any) -> Any:
        walk = _Walk(gates, kept, reverse, keep, *given)
        return walk.results, walk.gradient

    outputs, *last = run(projected, kernel, bias, *state)
    outputs.set_shape((*projected.shape[:2], kernel.shape[0]))
    for new, old in zip(last, state, strict=True):
        new.set_shape(old.shape)
    return outputs, tuple(last)


class _Walk:
    """Forward and backward pass of `unroll`.

    The constructor runs the forward pass; `gradient` runs the backward pass.
    """

    def __init__(
        self,
        gates: Gates,
        kept: tuple[tf.Tensor, ...],
        reverse: bool,
        keep: tf.Tensor | None,
        projected: tf.Tensor,
        kernel: tf.Tensor,
        bias: tf.Tensor,
        *first: tf.Tensor,
    ) -> None:
        self.gates, self.kept = gates, kept
        self.reverse, self.keep = reverse, keep
        self.kernel, self.bias, self.first = kernel, bias, first
        self.stacks, last = loop(
            self.forward,
            (time_major(projected), *kept),
            first,
            len(first) + gates.saved,
            reverse=reverse,
        )
        outputs = self.stacks[0] * kept[0] if kept else self.stacks[0]
        self.results = (time_major(outputs), *last)

    def recalled(self, hidden: tf.Tensor) -> tf.Tensor:
        return hidden if self.keep is None else hidden * self.keep

    def forward(self, inputs: State, state: State) -> tuple[State, State]:
        x, *real = inputs
        p = tf.matmul(self.recalled(state[0]), self.kernel) + self.bias
        new, saved = self.gates.advance(x, p, state)
        new = _where(real, new, state)
        return (*new, *saved), new

    def backward(self, inputs: State, of_state: State) -> tuple[State, State]:
        masks, leaves = len(self.kept), len(self.first)
        of_output, *rest = inputs
        real = rest[:masks]
        old = tuple(rest[masks : masks + leaves])
        saved = tuple(rest[masks + leaves :])
        of_state, passed = _parted(real, of_output, of_state)
        of_x, of_p, of_old = self.gates.retreat(saved, old, of_state)
        back = tf.matmul(of_p, self.kernel, transpose_b=True)
        of_old = (of_old[0] + self.recalled(back), *of_old[1:])
        return (of_x, of_p), _sum(of_old, passed)

    def gradient(self, of_outputs: Any, *of_last: Any) -> tuple[tf.Tensor, ...]:
        """Run the backward pass.

        Args:
            of_outputs: (B, T, H), gradient of the outputs.
            *of_last: gradients of the tensors of the last state.

        Returns:
            The gradients of the constructor's arguments `projected`, `kernel`,
            `bias` and `*first`, in this order.
        """
        begun = [
            before(stack, leaf, self.reverse)
            for stack, leaf in zip(self.stacks, self.first, strict=False)
        ]
        (of_x, of_p), of_first = loop(
            self.backward,
            (
                time_major(of_outputs),
                *self.kept,
                *begun,
                *self.stacks[len(self.first) :],
            ),
            of_last,
            2,
            reverse=not self.reverse,
        )
        return (
            time_major(of_x),
            weight_gradient(self.recalled(begun[0]), of_p, self.kernel.shape),
            tf.reduce_sum(of_p, [0, 1]),
            *of_first,
        )


def _where(real: Sequence[tf.Tensor], new: State, old: State) -> State:
    """Choose the new state at real positions, and the old state at padding.

    Args:
        real: sequence of one tensor (B, 1), with the value 1 at real positions
            and 0 at padding; an empty sequence if all positions are real.
        new: state after the step.
        old: state before the step.
    """
    if not real:
        return new
    return tuple(
        tf.where(real[0] > 0, a, b) for a, b in zip(new, old, strict=True)
    )


def _parted(
    real: Sequence[tf.Tensor], of_output: tf.Tensor, of_state: State
) -> tuple[State, State | None]:
    """Split the gradient of a state after a step into two parts.

    At real positions, the gradient goes back through the step. At padding, it
    goes directly to the state before the step, which did not change there.

    Args:
        real: sequence of one tensor (B, 1), with the value 1 at real positions
            and 0 at padding; an empty sequence if all positions are real.
        of_output: (B, H), gradient of the output of the step.
        of_state: contribution of later steps to the gradient of the state after
            the step.

    Returns:
        The part that goes through the step, and the part that goes directly to
        the state before the step. The second part is None if all positions are
        real.
    """
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
