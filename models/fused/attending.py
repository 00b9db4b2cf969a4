"""Fused loop of a `BahdanauDecoder`, with additive attention.

A fused loop runs all steps, and its gradient is written by hand. Each step
computes the query q_t from the state s, the scores e_t, the weights a_t, and
the input x_t of the cell's gates. v is a vector, k[j] is the key of position j,
word_t is the contribution of the word to the gates, and W, w and C are weights:

```
q_t = s W + w             e_t[j] = v . tanh(q_t + k[j])
a_t = softmax of e_t over real positions
x_t = word_t + sum over j of a_t[j] (value[j] C)
```

The product of a context with C is the contribution of the context to the gates.
This product equals the weighted mean of the products `value[j] C`, which are
computed before the loop. So the loop does not need the contexts themselves.
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


def bahdanau_loop(
    gates: Gates,
    words: tf.Tensor,
    state: State,
    looked: Looked,
    kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """Run all steps; each attends with the old state, then runs a cell.

    Args:
        gates: the `Gates` of the cell, which compute its new state from the
            projected input and the projected hidden state.
        words: (B, T, G), the contribution of the target words to the gates
            (words times their kernel), computed beforehand.
        state: the initial state; each of its tensors is (B, H).
        looked: the memory to attend to, in the form of `Looked`.
        kernel: (H, A + G), concatenation of two kernels that multiply the
            hidden state: the first product is the attention's query (A), the
            second is the state's contribution to the gates (G).
        bias: (A + G,), bias that is added to the product with `kernel`.

    Returns:
        Outputs (B, T, H), attention weights (B, T, S), and the last state.
    """

    @tf.custom_gradient
    def run(*given: Any) -> Any:
        walk = _Walk(gates, looked.mask, *given)
        return walk.results, walk.gradient

    keys, shares, vector, _ = looked
    found = run(words, keys, shares, vector, kernel, bias, *state)
    return shaped(found, words, looked, state)


class _Walk:
    """Forward and backward pass of `bahdanau_loop`.

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
        kernel: tf.Tensor,
        bias: tf.Tensor,
        *first: tf.Tensor,
    ) -> None:
        self.gates, self.mask = gates, mask
        self.keys, self.shares, self.vector = keys, shares, vector
        self.kernel, self.bias, self.first = kernel, bias, first
        self.leaves = len(first)
        self.stacks, last = loop(
            self.forward,
            (time_major(words),),
            first,
            self.leaves + 2 + gates.saved,
        )
        outputs, weights = self.stacks[0], self.stacks[self.leaves]
        self.results = (time_major(outputs), time_major(weights), *last)

    def forward(self, inputs: State, state: State) -> tuple[State, State]:
        product = tf.matmul(state[0], self.kernel) + self.bias
        query, p = tf.split(product, [self.keys.shape[-1], -1], -1)
        weights = look(query, self.keys, self.vector, self.mask)
        x = inputs[0] + average(weights, self.shares)
        new, saved = self.gates.advance(x, p, state)
        return (*new, weights, query, *saved), new

    def backward(self, inputs: State, carried: State) -> tuple[State, State]:
        of_output, of_weight, *kept = inputs
        old = tuple(kept[: self.leaves])
        weight, query, *saved = kept[self.leaves :]
        *of_state, of_keys, of_vector = carried
        of_state[0] += of_output
        of_x, of_p, of_old = self.gates.retreat(
            tuple(saved), old, tuple(of_state)
        )
        of_weight += tf.linalg.matvec(self.shares, of_x)
        of_query, of_hidden, of_v = look_back(
            query, self.keys, self.vector, weight, of_weight
        )
        of_product = tf.concat([of_query, of_p], -1)
        back = tf.matmul(of_product, self.kernel, transpose_b=True)
        of_old = (of_old[0] + back, *of_old[1:])
        return (of_x, of_product), (
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
            The gradients of the constructor's argument `words` and of all
            arguments after it, in their order.
        """
        # State before each step: one stack for each tensor of a state.
        begun = list(map(before, self.stacks, self.first))
        (of_x, of_product), carried = loop(
            self.backward,
            (
                time_major(of_outputs),
                time_major(of_weights),
                *begun,
                *self.stacks[self.leaves :],
            ),
            (*of_last, tf.zeros_like(self.keys), tf.zeros_like(self.vector)),
            2,
            reverse=True,
        )
        *of_first, of_keys, of_vector = carried
        return (
            time_major(of_x),
            of_keys,
            of_stacks(self.stacks[self.leaves], of_x),
            of_vector,
            weight_gradient(begun[0], of_product, self.kernel.shape),
            tf.reduce_sum(of_product, [0, 1]),
            *of_first,
        )
