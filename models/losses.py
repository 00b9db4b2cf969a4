"""Losses as (sum, count), so that padding never enters an average."""

import tensorflow as tf

from models.precision import at_least_float32


def token_mask(target: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """1.0 on the real tokens of rows that count: (B, T), float32.

    Args:
        target: (B, T) token ids, 0 on padding.
        weights: (B,), 0 on filler rows.
    """
    return tf.cast(target != 0, tf.float32) * weights[:, None]


def token_losses(
    target: tf.Tensor, logits: tf.Tensor, label_smoothing: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Loss and negative log-likelihood of every token, in nats.

    With smoothing e the loss is `(1 - e) nll + e * mean over V of -log p`
    (Szegedy et al. 2016, section 7).

    Args:
        target: (B, T) token ids.
        logits: (B, T, V).
        label_smoothing: e, from 0 to less than 1.

    Returns:
        Two tensors (B, T); without smoothing they are the same.
    """
    logits = at_least_float32(logits)
    nll = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    if not label_smoothing:
        return nll, nll
    # Both terms share log Z = nll + logit[target], so that
    # loss = nll + e * (logit[target] - mean logit).
    chosen = tf.gather(logits, target, batch_dims=2)
    mean = tf.reduce_mean(logits, -1)
    return nll + label_smoothing * (chosen - mean), nll


def coverage_loss(weights: tf.Tensor) -> tf.Tensor:
    """How much each step looks where earlier steps have looked: (B, T).

    `sum over s of min(a_t[s], sum over u < t of a_u[s])`, from 0 to 1. See,
    Liu and Manning 2017, equation 12; they add it to the loss of each token.

    Args:
        weights: (B, T, S) attention weights.
    """
    weights = tf.cast(weights, tf.float32)
    coverage = tf.cumsum(weights, axis=1, exclusive=True)
    return tf.reduce_sum(tf.minimum(weights, coverage), -1)


def guided_alignment_loss(
    weights: tf.Tensor, alignment: tf.Tensor
) -> tf.Tensor:
    """How far attention is from a given alignment: (B, T), in nats.

    `-sum over s of A_t[s] log a_t[s]`, the cross-entropy of Chen et al. 2016,
    "Guided alignment training for topic-aware neural machine translation",
    section 3; a token without links has 0. A weight counts as 1e-9 at least,
    so that a link out of reach of a window costs much, not everything.

    Args:
        weights: (B, T, S) attention weights.
        alignment: (B, T, S), rows that sum to 1, or to 0 without links.
    """
    weights = tf.maximum(tf.cast(weights, tf.float32), 1e-9)
    return -tf.reduce_sum(alignment * tf.math.log(weights), -1)
