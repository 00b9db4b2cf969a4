"""The decoder that recurs, attends, and is fed what came of it.

```
s_t = cell(word_t + f_{t-1} F, s_{t-1})     e_t[j] = s_t . k[j]
a_t = softmax of e_t over real places
f_t = tanh(s_t W + sum over j of a_t[j] (value[j] C))
```
"""

from typing import Any

import tensorflow as tf

from models.fused.attending import average, of_stacks, softmax, softmax_back
from models.fused.gates import Gates, State
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
    """Recur, attend, and combine both, at each step.

    Args:
        gates: what the cell does.
        words: (B, T, G), what the target words give.
        state: leaves (B, H), the first.
        feed: (B, R), the first attentional vector.
        keys: (B, S, H).
        shares: (B, S, R), what each value gives to the attentional vector.
        mask: (B, S), True on real places.
        feed_kernel: (R, G), F.
        own_kernel: (H, R), W.
        kernel: (H, G), the product of the state for the gates.
        bias: (G,), the same.

    Returns:
        Attentional vectors (B, T, R), weights (B, T, S), the last state, and
        the last attentional vector.
    """
    readout = own_kernel.shape[1]
    both = tf.concat([own_kernel, kernel], 1)  # one product of each state
    begins = tf.matmul(state[0], kernel) + bias
    leaves = len(state)

    @tf.custom_gradient
    def run(words: Any, keys: Any, shares: Any, *rest: Any) -> Any:
        feed_kernel, both, bias, *first = rest

        def forward(inputs: State, state: State) -> tuple[State, State]:
            *old, feed, p = state
            x = inputs[0] + tf.matmul(feed, feed_kernel)
            new, saved = gates.advance(x, p, tuple(old))
            weights = softmax(tf.linalg.matvec(keys, new[0]), mask)
            own, p = tf.split(tf.matmul(new[0], both), [readout, -1], -1)
            feed = tf.tanh(own + average(weights, shares))
            return (feed, weights, *new, *saved), (*new, feed, p + bias)

        stacks, last = loop(
            forward,
            (time_major(words),),
            tuple(first),
            2 + leaves + gates.saved,
        )
        feeds, weights, states = stacks[0], stacks[1], stacks[2 : 2 + leaves]

        def gradient(of_feeds: Any, of_weights: Any, *of_last: Any) -> Any:
            def backward(inputs: State, carried: State) -> tuple[State, State]:
                of_output, of_weight, feed, weight, *kept = inputs
                old, saved = tuple(kept[:leaves]), tuple(kept[leaves:])
                *of_state, of_feed, of_p = carried
                of_combined = (of_feed + of_output) * (1 - feed * feed)
                of_both = tf.concat([of_combined, of_p], -1)
                of_weight += tf.linalg.matvec(shares, of_combined)
                of_scores = softmax_back(weight, of_weight)
                of_state[0] += tf.matmul(of_both, both, transpose_b=True)
                of_state[0] += average(of_scores, keys)
                of_x, of_p, of_old = gates.retreat(saved, old, tuple(of_state))
                of_feed = tf.matmul(of_x, feed_kernel, transpose_b=True)
                return (of_x, of_both, of_scores), (*of_old, of_feed, of_p)

            (of_x, of_both, of_scores), of_first = loop(
                backward,
                (
                    time_major(of_feeds),
                    time_major(of_weights),
                    feeds,
                    weights,
                    *map(before, states, first),
                    *stacks[2 + leaves :],
                ),
                of_last,
                3,
                reverse=True,
            )
            return (
                time_major(of_x),
                of_stacks(of_scores, states[0]),
                of_stacks(weights, of_both[..., :readout]),
                weight_gradient(
                    before(feeds, first[leaves]), of_x, feed_kernel.shape
                ),
                weight_gradient(states[0], of_both, both.shape),
                tf.reduce_sum(of_both[..., readout:], [0, 1]),
                *of_first,
            )

        return (time_major(feeds), time_major(weights), *last), gradient

    feeds, weights, *last = run(
        words, keys, shares, feed_kernel, both, bias, *state, feed, begins
    )
    rows_and_steps = words.shape[:2]
    feeds.set_shape((*rows_and_steps, readout))
    weights.set_shape((*rows_and_steps, mask.shape[1]))
    for new, old in zip(last, (*state, feed, begins), strict=True):
        new.set_shape(old.shape)
    return feeds, weights, tuple(last[:leaves]), last[leaves]
