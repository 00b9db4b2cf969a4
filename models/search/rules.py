"""Rules: restrictions on the words that may come next in a hypothesis.

A rule is a function of three arguments: the log-probabilities (B, K, V) of the
next words, the words of the hypotheses so far (B, K, L), padded, and the number
t of the step, counted from 0. It returns the log-probabilities, with the value
`IMPOSSIBLE` for each word that the rule forbids. No rule is applied to the word
at the length limit, where a hypothesis must end. A `SentenceRule` differs from
sentence to sentence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from models.softmax import IMPOSSIBLE

Rule = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class SentenceRule:
    """Rule that has data of its own for each sentence.

    Sentences whose search has ended leave the batch, and so do their data.

    Attributes:
        data: nested structure of tensors (B, ...).
        rule: function that makes a rule from the data of the sentences that are
            still in the batch.
    """

    data: Any
    rule: Callable[[Any], Rule]


def at(
    rules: Sequence[Rule | SentenceRule], data: Sequence[Any]
) -> Iterator[Rule]:
    """Return the rules for the sentences that are still in the batch.

    Args:
        rules: all rules.
        data: data of these sentences, for each `SentenceRule`, in order.
    """
    left = iter(data)
    for rule in rules:
        yield rule.rule(next(left)) if isinstance(rule, SentenceRule) else rule


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


def at_least(length: int, end: int) -> Rule:
    """Return a rule that forbids hypotheses of fewer than `length` tokens.

    Args:
        length: smallest length of a hypothesis, end symbol included.
        end: id of the end symbol.
    """

    def rule(
        log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
    ) -> tf.Tensor:
        is_end = tf.range(tf.shape(log_probs)[-1]) == end
        return tf.where(is_end & (t + 1 < length), IMPOSSIBLE, log_probs)

    return rule


def begin_with(allowed: tf.Tensor, sizes: np.ndarray) -> SentenceRule:
    """Return a rule that gives the hypotheses of each sentence a beginning.

    A beginning is a text, and any tokens may spell it. `data.beginnings` makes
    the arguments.

    Args:
        allowed: (B, N, V), booleans. Entry n of the second axis tells which
            tokens may come when n bytes of the beginning are written. The last
            entry is for N - 1 bytes or more.
        sizes: (V,), number of bytes that each token writes.
    """

    def of(allowed: tf.Tensor) -> Rule:
        def rule(
            log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
        ) -> tf.Tensor:
            written = tf.reduce_sum(tf.gather(tf.constant(sizes), tokens), -1)
            written = tf.minimum(written, tf.shape(allowed)[1] - 1)  # (B, K)
            may_come = tf.gather(allowed, written, batch_dims=1)
            return tf.where(may_come, log_probs, IMPOSSIBLE)

        return rule

    return SentenceRule(allowed, of)
