"""Rules: restrictions on the words that may come next in a hypothesis.

A rule is a function of three arguments: the log-probabilities (B, K, V) of the
next words, the words of the hypotheses so far (B, K, L), padded, and the number
t of the step, counted from 0. It returns the log-probabilities, with the value
`IMPOSSIBLE` for each word that the rule forbids. No rule is applied to the word
at the length limit, where a hypothesis must end.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from models.softmax import IMPOSSIBLE

Rule = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def forbid(words: Sequence[int]) -> Rule:
    """Return a rule that forbids the given word ids in all hypotheses."""

    def rule(
        log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
    ) -> tf.Tensor:
        ids = tf.range(tf.shape(log_probs)[-1])
        is_forbidden = tf.reduce_any(
            ids == tf.constant(list(words), tf.int32)[:, None], 0
        )
        return tf.where(is_forbidden, IMPOSSIBLE, log_probs)

    return rule
