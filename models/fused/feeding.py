"""Fused loop of a `LuongDecoder` with input feeding.

A fused loop runs all steps, and its gradient is written by hand. Each step
computes the state s_t, the scores e_t, the weights a_t and the attentional
vector f_t, which is an input of the next step. k[j] is the key of position j,
word_t is the contribution of the word to the gates, and F, W and C are weights:

```
s_t = cell(word_t + f_{t-1} F, s_{t-1})     e_t[j] = s_t . k[j]
a_t = softmax of e_t over real positions
f_t = tanh(s_t W + sum over j of a_t[j] (value[j] C))
```
"""

from typing import Any

import tensorflow as tf

from models.fused.gates import Gates, State
from models.fused.looking import average, of_stacks, softmax, softmax_back
from models.fused.loops import before, loop, time_major, weight_gradient


def feeding_loop(
    gates: Gates,
    words: tf.Tensor,
    state: State,
    feed: tf.Tensor,
    keys: tf.Tensor,
    shares: tf.Tensor,
    mask: tf.Tensor,
    feed_kernel: tf.Tensor,
    own_kernel: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, State, tf.Tensor]:
    """Run all steps; each runs a cell, then computes an attentional vector.

    The attentional vector is computed from the cell's output and the context.
    The next step multiplies this vector by `feed_kernel` and adds the product
    to the input of the gates.

    Args:
        gates: the `Gates` of the cell, which compute its new state from the
            projected input and the projected hidden state.
        words: (B, T, G), the contribution of the target words to the gates
            (words times their kernel), computed beforehand.
        state: the initial state; each of its tensors is (B, H).
        feed: (B, R), the attentional vector before the first step.
        keys: (B, S, H), keys whose dot products with a state are the scores.
        shares: (B, S, R), the contribution of each value of the memory to the
            attentional vector (value times the kernel that multiplies
            contexts).
        mask: (B, S), True at real positions of the memory.
        feed_kernel: (R, G), kernel from the attentional vector to the gates.
        own_kernel: (H, R), kernel from the cell's output to the attentional
            vector.
        kernel: (H, G), kernel from the hidden state to the gates.
        bias: (G,), bias that is added to the product with `kernel`.

    Returns:
        Attentional vectors (B, T, R), attention weights (B, T, S), the last
        state, and the last attentional vector (B, R).
    """
    both = tf.concat([own_kernel, kernel], 1)  # one product of each state
    begins = tf.matmul(state[0], kernel) + bias

    @tf.custom_gradient
    def run(*given: Any) -> Any:
        walk = _Walk(gates, mask, own_kernel.shape[1], *given)
        return walk.results, walk.gradient

    first = (*state, feed, begins)
    feeds, weights, *last = run(
        words, keys, shares, feed_kernel, both, bias, *first
    )
    rows_and_steps = words.shape[:2]
    feeds.set_shape((*rows_and_steps, own_kernel.shape[1]))
    weights.set_shape((*rows_and_steps, mask.shape[1]))
    for new, old in zip(last, first, strict=True):
        new.set_shape(old.shape)
    return feeds, weights, tuple(last[: len(state)]), last[len(state)]


class _Walk:
    """Forward and backward pass of `feeding_loop`.

    The constructor runs the forward pass; `gradient` runs the backward pass.
    """

    def __init__(
        self,
        gates: Gates,
        mask: tf.Tensor,
        readout: int,
        words: tf.Tensor,
        keys: tf.Tensor,
        shares: tf.Tensor,
        feed_kernel: tf.Tensor,
        both: tf.Tensor,
        bias: tf.Tensor,
        *first: tf.Tensor,
    ) -> None:
        self.gates, self.mask, self.readout = gates, mask, readout
        self.keys, self.shares = keys, shares
        self.feed_kernel, self.both, self.bias = feed_kernel, both, bias
        self.first = first
        self.leaves = len(first) - 2  # without the feed and the gates' product
        self.stacks, last = loop(
            self.forward,
            (time_major(words),),
            first,
            2 + self.leaves + gates.saved,
        )
        feeds, weights = self.stacks[:2]
        self.results = (time_major(feeds), time_major(weights), *last)

    def forward(self, inputs: State, state: State) -> tuple[State, State]:
        *old, feed, p = state
        x = inputs[0] + tf.matmul(feed, self.feed_kernel)
        new, saved = self.gates.advance(x, p, tuple(old))
        weights = softmax(tf.linalg.matvec(self.keys, new[0]), self.mask)
        product = tf.matmul(new[0], self.both)
        own, p = tf.split(product, [self.readout, -1], -1)
        feed = tf.tanh(own + average(weights, self.shares))
        return (feed, weights, *new, *saved), (*new, feed, p + self.bias)

    def backward(self, inputs: State, carried: State) -> tuple[State, State]:
        of_output, of_weight, feed, weight, *kept = inputs
        old, saved = tuple(kept[: self.leaves]), tuple(kept[self.leaves :])
        *of_state, of_feed, of_p = carried
        of_combined = (of_feed + of_output) * (1 - feed * feed)
        of_both = tf.concat([of_combined, of_p], -1)
        of_weight += tf.linalg.matvec(self.shares, of_combined)
        of_scores = softmax_back(weight, of_weight)
        of_state[0] += tf.matmul(of_both, self.both, transpose_b=True)
        of_state[0] += average(of_scores, self.keys)
        of_x, of_p, of_old = self.gates.retreat(saved, old, tuple(of_state))
        of_feed = tf.matmul(of_x, self.feed_kernel, transpose_b=True)
        return (of_x, of_both, of_scores), (*of_old, of_feed, of_p)

    def gradient(
        self, of_feeds: Any, of_weights: Any, *of_last: Any
    ) -> tuple[tf.Tensor, ...]:
        """Run the backward pass.

        Args:
            of_feeds: (B, T, R), gradient of the attentional vectors.
            of_weights: (B, T, S), gradient of the attention weights.
            *of_last: gradients of the tensors that the last step produced: the
                tensors of the state, the attentional vector, and the projected
                hidden state.

        Returns:
            The gradients of the constructor's argument `words` and of all
            arguments after it, in their order.
        """
        feeds, weights, *rest = self.stacks
        states = rest[: self.leaves]
        (of_x, of_both, of_scores), of_first = loop(
            self.backward,
            (
                time_major(of_feeds),
                time_major(of_weights),
                feeds,
                weights,
                *map(before, states, self.first),
                *rest[self.leaves :],
            ),
            of_last,
            3,
            reverse=True,
        )
        return (
            time_major(of_x),
            of_stacks(of_scores, states[0]),
            of_stacks(weights, of_both[..., : self.readout]),
            weight_gradient(
                before(feeds, self.first[self.leaves]),
                of_x,
                self.feed_kernel.shape,
            ),
            weight_gradient(states[0], of_both, self.both.shape),
            tf.reduce_sum(of_both[..., self.readout :], [0, 1]),
            *of_first,
        )
