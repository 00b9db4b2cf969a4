"""Additive attention for fused loops, with gradients written by hand.

See `models.fused`, which explains fused loops.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from models.attention.base import MASKED
from models.fused.gates import State
from models.precision import at_least_float32


class Looked(NamedTuple):
    """Keys and values of additive attention, in the form for fused loops.

    Attributes:
        keys: (B, S, A), the key of each source position.
        shares: (B, S, G), the contribution of each source position to the
            cell's gates: the attention value of the position, times the kernel
            that multiplies contexts.
        vector: (A,), the vector v of the score `v . tanh(query + key)`.
        mask: (B, S), True at real positions.
    """

    keys: tf.Tensor
    shares: tf.Tensor
    vector: tf.Tensor
    mask: tf.Tensor


def look(
    query: tf.Tensor, keys: tf.Tensor, vector: tf.Tensor, mask: tf.Tensor
) -> tf.Tensor:
    """Return the weights (B, S) of additive attention for one query.

    Args:
        query: (B, A), the projected query.
        keys: (B, S, A), the keys.
        vector: (A,), the vector v of the score `v . tanh(query + key)`.
        mask: (B, S), True at real positions.
    """
    hidden = tf.tanh(query[:, None] + keys)
    scores = tf.linalg.matvec(hidden, vector)
    return softmax(scores, mask)


def look_back(
    query: tf.Tensor,
    keys: tf.Tensor,
    vector: tf.Tensor,
    weights: tf.Tensor,
    of_weights: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the gradients of the query, the keys and the vector in `look`.

    Args:
        query, keys, vector: arguments of `look`.
        weights: (B, S), the weights that `look` returned.
        of_weights: (B, S), the gradient of these weights.
    """
    hidden = tf.tanh(query[:, None] + keys)  # cheaper than keeping it
    of_scores = softmax_back(weights, of_weights)
    of_vector = tf.linalg.matvec(
        tf.reshape(hidden, [-1, hidden.shape[-1]]),
        tf.reshape(of_scores, [-1]),
        transpose_a=True,
    )
    of_hidden = (of_scores[..., None] * vector) * (1 - hidden * hidden)
    return tf.reduce_sum(of_hidden, 1), of_hidden, of_vector


def softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Return the softmax of scores (B, S); it is 0 where `mask` is False."""
    weights = tf.nn.softmax(tf.where(mask, at_least_float32(scores), MASKED))
    return tf.cast(weights, scores.dtype) * tf.cast(mask, scores.dtype)


def softmax_back(weights: tf.Tensor, of_weights: tf.Tensor) -> tf.Tensor:
    """Return the gradient (B, S) of the argument `scores` of `softmax`.

    Args:
        weights: (B, S), the weights that `softmax` returned.
        of_weights: (B, S), the gradient of these weights.
    """
    mean = tf.reduce_sum(weights * of_weights, -1, keepdims=True)
    return weights * (of_weights - mean)


def average(weights: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
    """Return the weighted sum of the vectors of all positions.

    Args:
        weights: (B, S), the attention weights of the positions.
        shares: (B, S, G), the vectors: what each position gives to the result.

    Returns:
        The sum over positions: (B, G).
    """
    return tf.linalg.matvec(shares, weights, transpose_a=True)


def of_stacks(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Add up the outer products of `left` and `right` over all steps.

    Args:
        left: (T, B, S), one vector of length S for each step and sentence.
        right: (T, B, G), one vector of length G for each step and sentence.

    Returns:
        A matrix for each sentence, (B, S, G).
    """
    return tf.matmul(
        tf.transpose(left, [1, 2, 0]), tf.transpose(right, [1, 0, 2])
    )


def shaped(
    found: Any, words: tf.Tensor, looked: Looked, state: State
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """Set the static shapes of a loop's results, as far as they are known.

    Args:
        found: outputs, attention weights, and the tensors of the last state.
        words: (B, T, G), the loop's argument `words`: the contribution of the
            target words to the gates.
        looked: keys and values that the loop attended to.
        state: initial state of the loop.

    Returns:
        The outputs (B, T, H), the weights (B, T, S), and the last state.
    """
    outputs, weights, *last = found
    rows_and_steps = words.shape[:2]
    outputs.set_shape((*rows_and_steps, state[0].shape[-1]))
    weights.set_shape((*rows_and_steps, looked.mask.shape[1]))
    for new, old in zip(last, state, strict=True):
        new.set_shape(old.shape)
    return outputs, weights, tuple(last)
