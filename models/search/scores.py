"""Scores of hypotheses: what is added to a log-probability, or divides it."""

import tensorflow as tf

LEAST_COVERED = 1e-6  # sum of weights below which no position is penalised more


def penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """Return the length penalty `((5 + length) / 6) ** alpha`, in float32."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


def coverage_penalty(
    sums: tf.Tensor, mask: tf.Tensor, beta: float
) -> tf.Tensor:
    """Return the coverage penalty of hypotheses, which is at most 0.

    It is `beta * sum over s of log(min(c_s, 1))`, where c_s is the sum of the
    attention weights of position s over all steps (Wu et al. 2016, equation
    14). A position without attention counts as if c_s were 1e-6.

    Args:
        sums: (B, K, S), the sums c of each hypothesis.
        mask: (B, S), True at the positions that count.
        beta: factor of the penalty.
    """
    sums = tf.clip_by_value(tf.cast(sums, tf.float32), LEAST_COVERED, 1.0)
    counted = tf.where(mask[:, None], tf.math.log(sums), 0.0)
    return beta * tf.reduce_sum(counted, -1)
