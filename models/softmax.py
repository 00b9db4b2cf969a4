"""Softmax layer and its losses, with a hand-written gradient.

A training step spends most of its arithmetic and memory on the softmax layer.
So the logits are computed only once and only for real tokens, not for padding.
The exponentials of the logits are kept, and the gradient is computed from these
exponentials.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
from keras import layers

from models.losses import Losses
from models.precision import at_least_float32

IMPOSSIBLE = -1e9  # log-probability of what is impossible


class SoftmaxLayer(NamedTuple):
    """Weights of a softmax layer: the matrix E and the bias b.

    The layer computes `softmax(t E + b)` from an input t of dimension R.
    """

    matrix: tf.Tensor  # E, (R, V), or (V, R) if `by_row`
    bias: tf.Tensor | None  # b, (V,); None without bias
    by_row: bool  # whether rows of E are tokens, as in embeddings

    @classmethod
    def of_dense(cls, layer: layers.Dense) -> "SoftmaxLayer":
        """Return a softmax layer with the weights of a dense layer."""
        return cls(
            _cast(layer.kernel, layer), _cast(layer.bias, layer), by_row=False
        )

    @classmethod
    def of_embedding(cls, layer: layers.Embedding) -> "SoftmaxLayer":
        """Return a softmax layer with an embedding's matrix and no bias."""
        return cls(_cast(layer.embeddings, layer), None, by_row=True)

    def blocked(self, block: int) -> "SoftmaxLayer":
        """Return the layer with V increased to a multiple of `block`.

        V is the size of the vocabulary. The added words are only filler; their
        bias is `IMPOSSIBLE`, so that their probability is 0.
        """
        more = -self.vocabulary % block
        bias = tf.zeros(self.vocabulary, self.matrix.dtype)
        if self.bias is not None:
            bias += self.bias
        added = tf.fill([more], tf.cast(IMPOSSIBLE, bias.dtype))
        bias = tf.concat([bias, added], 0)
        grown = [[0, more], [0, 0]] if self.by_row else [[0, 0], [0, more]]
        return SoftmaxLayer(tf.pad(self.matrix, grown), bias, self.by_row)

    @property
    def vocabulary(self) -> int:
        """Size V of the vocabulary."""
        return self.matrix.shape[0 if self.by_row else 1]

    def logits(self, readout: tf.Tensor) -> tf.Tensor:
        """Return logits (..., V) for inputs `readout` (..., R)."""
        rows = tf.reshape(readout, [-1, readout.shape[-1]])
        product = tf.matmul(rows, self.matrix, transpose_b=self.by_row)
        if self.bias is not None:
            product = tf.nn.bias_add(product, self.bias)
        if readout.shape.rank == 2:
            return product
        return tf.reshape(
            product,
            tf.concat([tf.shape(readout)[:-1], [self.vocabulary]], 0),
        )

    def mean(self) -> tf.Tensor:
        """Return the mean of the layer's matrix over the vocabulary: (R,)."""
        return tf.reduce_mean(self.matrix, 0 if self.by_row else 1)

    def mean_logits(self, rows: tf.Tensor) -> tf.Tensor:
        """Return the mean of each row's logits over the vocabulary: (N,).

        The result is computed from the mean of the weights, so that the logits
        of the single words need not be computed.

        Args:
            rows: (N, R), inputs of the softmax layer.
        """
        product = tf.linalg.matvec(rows, self.mean())
        if self.bias is None:
            return product
        return product + tf.reduce_mean(self.bias)


def softmax_losses(
    readout: tf.Tensor,
    layer: SoftmaxLayer,
    target: tf.Tensor,
    mask: tf.Tensor,
    label_smoothing: float = 0.0,
    real_only: bool = True,
    agreement: float = 0.0,
) -> Losses:
    """Return the losses of target tokens that a softmax layer predicts.

    With label smoothing e, the loss of a token is `(1 - e) * nll + e * m`,
    where nll is the token's negative log-likelihood, and m is the mean of
    -log p over all V tokens (Szegedy et al. 2016, section 7).

    With an agreement a, each sentence is in the batch twice, and dropout makes
    its two predictions p and q differ. `a / 4 * (KL(p, q) + KL(q, p))` is added
    to the loss of a token, where KL is the Kullback-Leibler divergence. This is
    R-Drop (Liang et al. 2021, equation 3, whose alpha is a); the sum of the
    losses is half of theirs.

    Args:
        readout: (B, T, R), inputs of the softmax layer.
        layer: weights of the softmax layer.
        target: (B, T) token ids.
        mask: (B, T), 0 on padding and in rows that only fill up the batch,
            1 elsewhere.
        label_smoothing: smoothing e, from 0 to less than 1.
        real_only: whether to compute logits only for tokens whose mask is not
            0. It must be False under XLA, since the number of these tokens
            varies, and XLA needs fixed shapes.
        agreement: factor a. If it is not 0, the second half of the batch must
            have the same targets and the same mask as the first half.
    """
    rows = tf.reshape(readout, [-1, readout.shape[-1]])
    gold = tf.reshape(target, [-1])
    if not real_only:
        found = _row_losses(rows, layer, gold, label_smoothing, agreement)
        return Losses(
            *(tf.reshape(each, tf.shape(mask)) * mask for each in found)
        )
    real = tf.where(tf.reshape(mask, [-1]) > 0)  # (N, 1)
    found = _row_losses(
        tf.gather(rows, real[:, 0]),
        layer,
        tf.gather(gold, real[:, 0]),
        label_smoothing,
        agreement,
    )
    size = tf.shape(gold, out_type=real.dtype)
    return Losses(
        *(
            tf.reshape(tf.scatter_nd(real, each, size), tf.shape(mask))
            for each in found
        )
    )


def _row_losses(
    rows: tf.Tensor,
    layer: SoftmaxLayer,
    gold: tf.Tensor,
    smoothing: float,
    agreement: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the loss, negative log-likelihood and correctness of N tokens.

    The three results are the fields of `Losses`, but each has the shape (N,).

    Args:
        rows: (N, R), inputs of the softmax layer.
        layer: weights of the softmax layer.
        gold: (N,), ids of the target tokens.
        smoothing: label smoothing, from 0 to less than 1.
        agreement: factor of the divergence of the two halves of the rows.
    """

    weights = [layer.matrix, *([] if layer.bias is None else [layer.bias])]

    @tf.custom_gradient
    def losses(rows: Any, matrix: Any, *bias: Any) -> Any:
        own = SoftmaxLayer(matrix, bias[0] if bias else None, layer.by_row)
        logits = at_least_float32(own.logits(rows))
        said = tf.gather(logits, gold, batch_dims=1)
        highest = tf.reduce_max(logits, -1)
        powers = tf.exp(logits - highest[:, None])
        total = tf.reduce_sum(powers, -1)
        nll = tf.math.log(total) + highest - said
        loss = nll
        if smoothing:
            mean = tf.cast(own.mean_logits(rows), said.dtype)
            loss = nll + smoothing * (said - mean)
        correct = tf.cast(said >= highest, said.dtype)
        if agreement:
            divergence, to_logits = _divergence(
                powers / total[:, None],
                logits - (tf.math.log(total) + highest)[:, None],
            )
            loss += agreement / 4 * tf.tile(divergence, [2])

        def gradient(of_loss: Any, *_: Any) -> Any:
            errors = tf.tensor_scatter_nd_sub(
                powers * (of_loss / total)[:, None],
                tf.stack([tf.range(tf.shape(gold)[0]), gold], 1),
                of_loss * (1 - smoothing),
            )
            if agreement:
                both = tf.add(*tf.split(of_loss, 2))
                errors += to_logits(agreement / 4 * both)
            even = smoothing * of_loss if smoothing else None
            return _to_weights(rows, own, errors, even)

        return (loss, nll, correct), gradient

    return losses(rows, *weights)


def _divergence(
    probs: tf.Tensor, log_probs: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Return the divergence of two predictions of M tokens, and its gradient.

    Args:
        probs: (2 M, V), probabilities: the first prediction p of each token in
            the first M rows, the second prediction q in the last M rows.
        log_probs: (2 M, V), their natural logarithms.

    Returns:
        `KL(p, q) + KL(q, p)` of each token (M,), and a function that turns the
        gradient of this result into the gradient of the logits (2 M, V).
    """
    p, q = tf.split(probs, 2)
    ratio = tf.subtract(*tf.split(log_probs, 2))  # log p - log q
    first = tf.reduce_sum(p * ratio, -1)  # KL(p, q)
    second = -tf.reduce_sum(q * ratio, -1)  # KL(q, p)

    def to_logits(of_divergence: tf.Tensor) -> tf.Tensor:
        of_p = p * (ratio - first[:, None]) + p - q
        of_q = q * (-ratio - second[:, None]) + q - p
        factor = tf.tile(of_divergence, [2])[:, None]
        return factor * tf.concat([of_p, of_q], 0)

    return first + second, to_logits


def _to_weights(
    rows: tf.Tensor,
    layer: SoftmaxLayer,
    errors: tf.Tensor,
    even: tf.Tensor | None,
) -> tuple[tf.Tensor, ...]:
    """Return the gradients of `rows`, the layer's matrix and the layer's bias.

    If the layer has no bias, only the first two gradients are returned. The
    gradient of the logits is `errors - even / V`. The two terms are separate
    arguments, since the second is the same for all logits of a row.

    Args:
        rows: (N, R), inputs of the softmax layer.
        layer: weights of the softmax layer.
        errors: (N, V), the first term.
        even: (N,), `even` in the formula; None if it is 0 for all rows.
    """
    errors = tf.cast(errors, rows.dtype)
    to_rows = tf.matmul(errors, layer.matrix, transpose_b=not layer.by_row)
    if layer.by_row:
        to_matrix = tf.matmul(errors, rows, transpose_a=True)
    else:
        to_matrix = tf.matmul(rows, errors, transpose_a=True)
    to_bias = [] if layer.bias is None else [tf.reduce_sum(errors, 0)]
    if even is not None:
        even = tf.cast(even, rows.dtype)[:, None]
        share = tf.reduce_sum(even * rows, 0) / layer.vocabulary  # (R,)
        to_rows -= even * layer.mean()
        to_matrix -= share if layer.by_row else share[:, None]
        to_bias = [
            each - tf.reduce_sum(even) / layer.vocabulary for each in to_bias
        ]
    return (to_rows, to_matrix, *to_bias)


def _cast(weight: Any, layer: layers.Layer) -> tf.Tensor:
    # Keras casts a weight only while the layer of the weight is called.
    return tf.cast(tf.convert_to_tensor(weight), layer.compute_dtype)
