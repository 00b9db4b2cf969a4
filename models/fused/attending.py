"""Decoders that attend inside of their loop, by additive scores.

```
q_t = s W + w             e_t[j] = v . tanh(q_t + k[j])
a_t = softmax of e_t over real places
x_t = word_t + sum over j of a_t[j] (value[j] C)
```

The product of values and C, what a context gives to the gates, is made once
for all values: contexts themselves are wanted only after the loop.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from models.attention.base import MASKED
from models.fused.gates import Gates, State
from models.fused.loops import before, loop, time_major, weight_gradient
from models.precision import at_least_float32


class Looked(NamedTuple):
    """What there is to look at, made once a sentence."""

    keys: tf.Tensor  # (B, S, A)
    shares: tf.Tensor  # (B, S, G), what each value gives to the gates
    vector: tf.Tensor  # (A,), v
    mask: tf.Tensor  # (B, S), True on real places


def bahdanau_loop(
    gates: Gates,
    words: tf.Tensor,
    state: State,
    looked: Looked,
    kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """Attend with the last state, then recur, at each step.

    Args:
        gates: what the cell does.
        words: (B, T, G), what the target words give.
        state: leaves (B, H), the first.
        looked: see `Looked`.
        kernel: (H, A + G), the products of the state, for query and gates.
        bias: (A + G,), the same.

    Returns:
        Outputs (B, T, H), weights (B, T, S), and the last state.
    """
    keys_units = looked.keys.shape[-1]
    mask = looked.mask

    @tf.custom_gradient
    def run(words: Any, keys: Any, shares: Any, vector: Any, *rest: Any) -> Any:
        kernel, bias, *first = rest
        leaves = len(first)

        def forward(inputs: State, state: State) -> tuple[State, State]:
            product = tf.matmul(state[0], kernel) + bias
            query, p = tf.split(product, [keys_units, -1], -1)
            weights = _look(query, keys, vector, mask)
            x = inputs[0] + average(weights, shares)
            new, saved = gates.advance(x, p, state)
            return (*new, weights, query, *saved), new

        stacks, last = loop(
            forward,
            (time_major(words),),
            tuple(first),
            leaves + 2 + gates.saved,
        )
        outputs, weights = stacks[0], stacks[leaves]

        def gradient(of_outputs: Any, of_weights: Any, *of_last: Any) -> Any:
            begun = list(map(before, stacks, first))  # of each leaf

            def backward(inputs: State, carried: State) -> tuple[State, State]:
                of_output, of_weight, *kept = inputs
                old = tuple(kept[:leaves])
                weight, query, *saved = kept[leaves:]
                *of_state, of_keys, of_vector = carried
                of_state[0] += of_output
                of_x, of_p, of_old = gates.retreat(
                    tuple(saved), old, tuple(of_state)
                )
                of_weight += tf.linalg.matvec(shares, of_x)
                of_query, of_hidden, of_v = _look_back(
                    query, keys, vector, weight, of_weight
                )
                of_product = tf.concat([of_query, of_p], -1)
                back = tf.matmul(of_product, kernel, transpose_b=True)
                of_old = (of_old[0] + back, *of_old[1:])
                return (of_x, of_product), (
                    *of_old,
                    of_keys + of_hidden,
                    of_vector + of_v,
                )

            (of_x, of_product), carried = loop(
                backward,
                (
                    time_major(of_outputs),
                    time_major(of_weights),
                    *begun,
                    *stacks[leaves:],
                ),
                (*of_last, tf.zeros_like(keys), tf.zeros_like(vector)),
                2,
                reverse=True,
            )
            *of_first, of_keys, of_vector = carried
            return (
                time_major(of_x),
                of_keys,
                of_stacks(weights, of_x),
                of_vector,
                weight_gradient(begun[0], of_product, kernel.shape),
                tf.reduce_sum(of_product, [0, 1]),
                *of_first,
            )

        return (time_major(outputs), time_major(weights), *last), gradient

    found = run(
        words, looked.keys, looked.shares, looked.vector, kernel, bias, *state
    )
    return _shaped(found, words, looked, state)


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
    """Recur, attend with what came of it, recur again, at each step.

    Args:
        gates, words, state, looked: see `bahdanau_loop`.
        first_kernel: (H, G), the product of the state for the first cell.
        first_bias: (G,), the same.
        kernel: (H, A + G), the products of the state in the middle, for the
            query and for the second cell.
        bias: (A + G,), the same.
        context_bias: (G,), what the second cell adds to a context.

    Returns:
        See `bahdanau_loop`.
    """
    keys_units = looked.keys.shape[-1]
    mask = looked.mask

    @tf.custom_gradient
    def run(words: Any, keys: Any, shares: Any, vector: Any, *rest: Any) -> Any:
        first_kernel, first_bias, kernel, bias, context_bias, *first = rest
        leaves = len(first)

        def forward(inputs: State, state: State) -> tuple[State, State]:
            p = tf.matmul(state[0], first_kernel) + first_bias
            middle, early = gates.advance(inputs[0], p, state)
            product = tf.matmul(middle[0], kernel) + bias
            query, p = tf.split(product, [keys_units, -1], -1)
            weights = _look(query, keys, vector, mask)
            x = average(weights, shares) + context_bias
            new, late = gates.advance(x, p, middle)
            return (*new, weights, query, *middle, *early, *late), new

        stacks, last = loop(
            forward,
            (time_major(words),),
            tuple(first),
            2 * leaves + 2 + 2 * gates.saved,
        )
        outputs, weights = stacks[0], stacks[leaves]
        middles = stacks[leaves + 2 : 2 * leaves + 2]

        def gradient(of_outputs: Any, of_weights: Any, *of_last: Any) -> Any:
            begun = list(map(before, stacks, first))  # of each leaf

            def backward(inputs: State, carried: State) -> tuple[State, State]:
                of_output, of_weight, *kept = inputs
                old = tuple(kept[:leaves])
                weight, query, *kept = kept[leaves:]
                middle = tuple(kept[:leaves])
                early = tuple(kept[leaves : leaves + gates.saved])
                late = tuple(kept[leaves + gates.saved :])
                *of_state, of_keys, of_vector = carried
                of_state[0] += of_output
                of_share, of_p, of_middle = gates.retreat(
                    late, middle, tuple(of_state)
                )
                of_weight += tf.linalg.matvec(shares, of_share)
                of_query, of_hidden, of_v = _look_back(
                    query, keys, vector, weight, of_weight
                )
                of_product = tf.concat([of_query, of_p], -1)
                back = tf.matmul(of_product, kernel, transpose_b=True)
                of_x, of_first_p, of_old = gates.retreat(
                    early, old, (of_middle[0] + back, *of_middle[1:])
                )
                back = tf.matmul(of_first_p, first_kernel, transpose_b=True)
                of_old = (of_old[0] + back, *of_old[1:])
                return (of_x, of_first_p, of_share, of_product), (
                    *of_old,
                    of_keys + of_hidden,
                    of_vector + of_v,
                )

            (of_x, of_first_p, of_share, of_product), carried = loop(
                backward,
                (
                    time_major(of_outputs),
                    time_major(of_weights),
                    *begun,
                    *stacks[leaves:],
                ),
                (*of_last, tf.zeros_like(keys), tf.zeros_like(vector)),
                4,
                reverse=True,
            )
            *of_first, of_keys, of_vector = carried
            return (
                time_major(of_x),
                of_keys,
                of_stacks(weights, of_share),
                of_vector,
                weight_gradient(begun[0], of_first_p, first_kernel.shape),
                tf.reduce_sum(of_first_p, [0, 1]),
                weight_gradient(middles[0], of_product, kernel.shape),
                tf.reduce_sum(of_product, [0, 1]),
                tf.reduce_sum(of_share, [0, 1]),
                *of_first,
            )

        return (time_major(outputs), time_major(weights), *last), gradient

    found = run(
        words,
        looked.keys,
        looked.shares,
        looked.vector,
        first_kernel,
        first_bias,
        kernel,
        bias,
        context_bias,
        *state,
    )
    return _shaped(found, words, looked, state)


def _look(
    query: tf.Tensor, keys: tf.Tensor, vector: tf.Tensor, mask: tf.Tensor
) -> tf.Tensor:
    """Weights (B, S)."""
    hidden = tf.tanh(query[:, None] + keys)
    scores = tf.linalg.matvec(hidden, vector)
    return softmax(scores, mask)


def softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Weights (B, S) of scores, 0 where nothing is to be seen."""
    weights = tf.nn.softmax(tf.where(mask, at_least_float32(scores), MASKED))
    return tf.cast(weights, scores.dtype) * tf.cast(mask, scores.dtype)


def softmax_back(weights: tf.Tensor, of_weights: tf.Tensor) -> tf.Tensor:
    """The gradient of scores (B, S)."""
    mean = tf.reduce_sum(weights * of_weights, -1, keepdims=True)
    return weights * (of_weights - mean)


def _look_back(
    query: tf.Tensor,
    keys: tf.Tensor,
    vector: tf.Tensor,
    weights: tf.Tensor,
    of_weights: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients of query (B, A), of keys, and of the vector."""
    hidden = tf.tanh(query[:, None] + keys)  # cheaper than to keep it
    of_scores = softmax_back(weights, of_weights)
    of_vector = tf.linalg.matvec(
        tf.reshape(hidden, [-1, hidden.shape[-1]]),
        tf.reshape(of_scores, [-1]),
        transpose_a=True,
    )
    of_hidden = (of_scores[..., None] * vector) * (1 - hidden * hidden)
    return tf.reduce_sum(of_hidden, 1), of_hidden, of_vector


def average(weights: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
    """(B, G): the sum of shares (B, S, G) under weights (B, S)."""
    return tf.linalg.matvec(shares, weights, transpose_a=True)


def of_stacks(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The sum over time of products (B, S, G): (T, B, S) with (T, B, G)."""
    return tf.matmul(
        tf.transpose(left, [1, 2, 0]), tf.transpose(right, [1, 0, 2])
    )


def _shaped(
    found: Any, words: tf.Tensor, looked: Looked, state: State
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """Outputs, weights and last state, their shapes as far as known."""
    outputs, weights, *last = found
    rows_and_steps = words.shape[:2]
    outputs.set_shape((*rows_and_steps, state[0].shape[-1]))
    weights.set_shape((*rows_and_steps, looked.mask.shape[1]))
    for new, old in zip(last, state, strict=True):
        new.set_shape(old.shape)
    return outputs, weights, tuple(last)
