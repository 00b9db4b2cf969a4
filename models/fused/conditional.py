"""Fused loop of a `ConditionalDecoder`, with additive attention.

A fused loop runs all steps, and its gradient is written by hand. The docstring
of `models.fused.attending` explains the formulas of a similar loop.
"""

from typing import Any

import tensorflow as tf

from models.fused.gates import Gates, State
from models.fused.looking import (
    Looked,
    average,
    look,
    look_back,
    of_stacks,
    shaped,
)
from models.fused.loops import before, loop, time_major, weight_gradient


def conditional_loop(
    gates: Gates,
    words: tf.Tensor,
    state: State,
    looked: Looked,
    first_kernel: tf.Tensor,
    first_bias: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    context_bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """Run all steps; each runs a cell, attends, and runs a second cell.

    The result of the first cell, the middle state, is both the query of
    attention and the state from which the second cell continues.

    Args:
        gates, words, state, looked: see `bahdanau_loop`; the words contribute
            to the gates of the first cell.
        first_kernel: (H, G), kernel from the old hidden state to the first
            cell's gates.
        first_bias: (G,), bias that is added to the product with `first_kernel`.
        kernel: (H, A + G), concatenation of two kernels that multiply the
            middle state: the first product is the attention's query (A), the
            second is the state's contribution to the second cell's gates (G).
        bias: (A + G,), bias that is added to the product with `kernel`.
        context_bias: (G,), bias that the second cell adds to the projected
            context.

    Returns:
        See `bahdanau_loop`.
    """

    @tf.custom_gradient
    def run(*given: Any) -> Any:
        walk = _Walk(gates, looked.mask, *given)
        return walk.results, walk.gradient

    keys, shares, vector, _ = looked
    products = (first_kernel, first_bias, kernel, bias, context_bias)
    found = run(words, keys, shares, vector, *products, *state)
    return shaped(found, words, looked, state)


class _Walk:
    """Forward and backward pass of `conditional_loop`.

    The constructor runs the forward pass; `gradient` runs the backward pass.
    """

    def __init__(
        self,
        gates: Gates,
        mask: tf.Tensor,
        words: tf.Tensor,
        keys: tf.Tensor,
        shares: tf.Tensor,
        vector: tf.Tensor,
        first_kernel: tf.Tensor,
        first_bias: tf.Tensor,
        kernel: tf.Tensor,
        bias: tf.Tensor,
        context_bias: tf.Tensor,
        *first: tf.Tensor,
    ) -> None:
        self.gates, self.mask = gates, mask
        self.keys, self.shares, self.vector = keys, shares, vector
        self.first_kernel, self.first_bias = first_kernel, first_bias
        self.kernel, self.bias = kernel, bias
        self.context_bias, self.first = context_bias, first
        self.leaves = len(first)
        self.stacks, last = loop(
            self.forward,
            (time_major(words),),
            first,
            2 * self.leaves + 2 + 2 * gates.saved,
        )
        outputs, weights = self.stacks[0], self.stacks[self.leaves]
        self.results = (time_major(outputs), time_major(weights), *last)

    def forward(self, inputs: State, state: State) -> tuple[State, State]:
        p = tf.matmul(state[0], self.first_kernel) + self.first_bias
        middle, early = self.gates.advance(inputs[0], p, state)
        product = tf.matmul(middle[0], self.kernel) + self.bias
        query, p = tf.split(product, [self.keys.shape[-1], -1], -1)
        weights = look(query, self.keys, self.vector, self.mask)
        x = average(weights, self.shares) + self.context_bias
        new, late = self.gates.advance(x, p, middle)
        return (*new, weights, query, *middle, *early, *late), new

    def backward(self, inputs: State, carried: State) -> tuple[State, State]:
        leaves, saved = self.leaves, self.gates.saved
        of_output, of_weight, *kept = inputs
        old = tuple(kept[:leaves])
        weight, query, *kept = kept[leaves:]
        middle = tuple(kept[:leaves])
        early = tuple(kept[leaves : leaves + saved])
        late = tuple(kept[leaves + saved :])
        *of_state, of_keys, of_vector = carried
        of_state[0] += of_output
        of_share, of_p, of_middle = self.gates.retreat(
            late, middle, tuple(of_state)
        )
        of_weight += tf.linalg.matvec(self.shares, of_share)
        of_query, of_hidden, of_v = look_back(
            query, self.keys, self.vector, weight, of_weight
        )
        of_product = tf.concat([of_query, of_p], -1)
        back = tf.matmul(of_product, self.kernel, transpose_b=True)
        of_x, of_first_p, of_old = self.gates.retreat(
            early, old, (of_middle[0] + back, *of_middle[1:])
        )
        back = tf.matmul(of_first_p, self.first_kernel, transpose_b=True)
        of_old = (of_old[0] + back, *of_old[1:])
        return (of_x, of_first_p, of_share, of_product), (
            *of_old,
            of_keys + of_hidden,
            of_vector + of_v,
        )

    def gradient(
        self, of_outputs: Any, of_weights: Any, *of_last: Any
    ) -> tuple[tf.Tensor, ...]:
        """Run the backward pass.

        Args:
            of_outputs: (B, T, H), gradient of the outputs.
            of_weights: (B, T, S), gradient of the attention weights.
            *of_last: gradients of the tensors of the last state.

        Returns:
            The gradients of the constructor's arguments from `words` on, in the
            order of these arguments.
        """
        leaves = self.leaves
        # State before each step: one stack for each tensor of a state.
        begun = list(map(before, self.stacks, self.first))
        (of_x, of_first_p, of_share, of_product), carried = loop(
            self.backward,
            (
                time_major(of_outputs),
                time_major(of_weights),
                *begun,
                *self.stacks[leaves:],
            ),
            (*of_last, tf.zeros_like(self.keys), tf.zeros_like(self.vector)),
            4,
            reverse=True,
        )
        *of_first, of_keys, of_vector = carried
        middles = self.stacks[leaves + 2]
        return (
            time_major(of_x),
            of_keys,
            of_stacks(self.stacks[leaves], of_share),
            of_vector,
            weight_gradient(begun[0], of_first_p, self.first_kernel.shape),
            tf.reduce_sum(of_first_p, [0, 1]),
            weight_gradient(middles, of_product, self.kernel.shape),
            tf.reduce_sum(of_product, [0, 1]),
            tf.reduce_sum(of_share, [0, 1]),
            *of_first,
        )
