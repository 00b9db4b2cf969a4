"""Losses of target tokens, and a mask that excludes padding."""

from typing import NamedTuple

import tensorflow as tf

from models.precision import at_least_float32


class Losses(NamedTuple):
    """Loss, negative log-likelihood and correctness of each target token.

    The correctness of a token is 1 if no other token was likelier, else 0. Each
    field is a tensor (B, T), with the value 0 where the mask is 0.
    """

    loss: tf.Tensor  # loss that training minimises
    nll: tf.Tensor  # negative log-likelihood, in nats
    correct: tf.Tensor  # 1 where no other token was likelier


def token_mask(
    target: tf.Tensor, lengths: tf.Tensor | None, weights: tf.Tensor
) -> tf.Tensor:
    """Return a mask (B, T), float32: 1 on real tokens, 0 on all others.

    Args:
        target: (B, T) token ids.
        lengths: (B,), number of real tokens of each row; None if all tokens are
            real.
        weights: (B,), 0 for rows that only fill up the batch, and 1 for all
            other rows.
    """
    weights = weights[:, None]
    if lengths is None:
        return tf.ones(tf.shape(target)) * weights
    return tf.sequence_mask(lengths, tf.shape(target)[1], tf.float32) * weights


def token_losses(
    target: tf.Tensor, logits: tf.Tensor, label_smoothing: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the loss and negative log-likelihood of every token, in nats.

    With label smoothing e, the loss of a token is `(1 - e) * nll + e * m`,
    where nll is the token's negative log-likelihood, and m is the mean of
    -log p over all V tokens (Szegedy et al. 2016, section 7).

    Args:
        target: (B, T) token ids.
        logits: (B, T, V), unnormalised scores of all tokens.
        label_smoothing: smoothing e, from 0 to less than 1.

    Returns:
        The loss and the negative log-likelihood, each (B, T). Without smoothing
        they are equal.
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
    """Return a loss (B, T) that penalises repeated attention to a position.

    The loss of step t is `sum over s of min(a_t[s], sum over u < t of a_u[s])`,
    where a_t are the attention weights of step t. The loss lies between 0 and
    1. The formula is equation 12 of See, Liu and Manning 2017, who add this
    loss to the loss of each token.

    Args:
        weights: (B, T, S) attention weights.
    """
    weights = tf.cast(weights, tf.float32)
    coverage = tf.cumsum(weights, axis=1, exclusive=True)
    return tf.reduce_sum(tf.minimum(weights, coverage), -1)


def guided_alignment_loss(
    weights: tf.Tensor, alignment: tf.Tensor
) -> tf.Tensor:
    """Return the cross-entropy of alignment and attention: (B, T), in nats.

    The loss of target token t is `-sum over s of A_t[s] log a_t[s]`, where A is
    the alignment and a are the attention weights (Chen et al. 2016, "Guided
    alignment training for topic-aware neural machine translation", section 3).
    The loss is 0 for a token that the alignment links to no source token.
    Weights below 1e-9 are replaced by 1e-9. So the loss is large but finite if
    attention is limited to a window of source positions and the alignment has a
    link outside this window.

    Args:
        weights: (B, T, S) attention weights.
        alignment: (B, T, S), the correct weights of each target token; they
            sum to 1, or to 0 for a token without links.
    """
    weights = tf.maximum(tf.cast(weights, tf.float32), 1e-9)
    return -tf.reduce_sum(alignment * tf.math.log(weights), -1)
