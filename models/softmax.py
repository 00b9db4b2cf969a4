"""The softmax layer and its losses, with their gradient by hand.

Most of a step's arithmetic is here, and most of its memory: so the logits are
made once, for real tokens alone, kept as their exponentials, and turned into
their own gradient.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from keras import layers

from models.precision import at_least_float32

IMPOSSIBLE = -1e9  # a log-probability no hypothesis reaches
NOTHING = -1e4  # a logit whose exponential is 0


class TokenLosses(NamedTuple):
    """Of every token, 0 where the mask is: (B, T) each."""

    loss: tf.Tensor  # what is minimised
    nll: tf.Tensor  # negative log-likelihood, in nats
    correct: tf.Tensor  # 1 where no token was likelier


class SoftmaxLayer(NamedTuple):
    """The weights of `softmax(t E + b)`."""

    matrix: tf.Tensor  # E, (R, V), or (V, R) where it is `by_row`
    bias: tf.Tensor | None  # b, (V,); None for none
    by_row: bool  # whether each token has a row, as in an embedding

    @classmethod
    def of_dense(cls, layer: layers.Dense) -> "SoftmaxLayer":
        """What a dense layer has."""
        return cls(
            _cast(layer.kernel, layer), _cast(layer.bias, layer), by_row=False
        )

    @classmethod
    def of_embedding(cls, layer: layers.Embedding) -> "SoftmaxLayer":
        """What an embedding has, read the other way round; no bias."""
        return cls(_cast(layer.embeddings, layer), None, by_row=True)

    def blocked(self, block: int, never: Sequence[int] = ()) -> "SoftmaxLayer":
        """The layer with V a multiple of `block`.

        What is added is impossible, and nothing is left of the probability of
        the words `never`.
        """
        more = -self.vocabulary % block
        bias = tf.zeros(self.vocabulary, self.matrix.dtype)
        if self.bias is not None:
            bias += self.bias
        for word in never:
            bias += tf.one_hot(
                word, self.vocabulary, NOTHING, 0, dtype=bias.dtype
            )
        added = tf.fill([more], tf.cast(IMPOSSIBLE, bias.dtype))
        bias = tf.concat([bias, added], 0)
        grown = [[0, more], [0, 0]] if self.by_row else [[0, 0], [0, more]]
        return SoftmaxLayer(tf.pad(self.matrix, grown), bias, self.by_row)

    @property
    def vocabulary(self) -> int:
        """V."""
        return self.matrix.shape[0 if self.by_row else 1]

    def logits(self, rows: tf.Tensor) -> tf.Tensor:
        """(N, V) of rows (N, R)."""
        product = tf.matmul(rows, self.matrix, transpose_b=self.by_row)
        if self.bias is None:
            return product
        return tf.nn.bias_add(product, self.bias)

    def mean(self) -> tf.Tensor:
        """The mean over V of what tokens have: (R,)."""
        return tf.reduce_mean(self.matrix, 0 if self.by_row else 1)

    def mean_logits(self, rows: tf.Tensor) -> tf.Tensor:
        """The mean of each row of `logits`, without making them: (N,)."""
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
) -> TokenLosses:
    """Losses of tokens under a softmax layer.

    With smoothing e the loss is `(1 - e) nll + e * mean over V of -log p`
    (Szegedy et al. 2016, section 7).

    Args:
        readout: (B, T, R), t.
        layer: E and b.
        target: (B, T) token ids.
        mask: (B, T), 0 where a token does not count.
        label_smoothing: e, from 0 to less than 1.
        real_only: leave out tokens that do not count before the product. XLA,
            which must know all shapes, cannot.
    """
    rows = tf.reshape(readout, [-1, readout.shape[-1]])
    gold = tf.reshape(target, [-1])
    if not real_only:
        found = _row_losses(rows, layer, gold, label_smoothing)
        return TokenLosses(
            *(tf.reshape(each, tf.shape(mask)) * mask for each in found)
        )
    real = tf.where(tf.reshape(mask, [-1]) > 0)  # (N, 1)
    found = _row_losses(
        tf.gather(rows, real[:, 0]),
        layer,
        tf.gather(gold, real[:, 0]),
        label_smoothing,
    )
    size = tf.shape(gold, out_type=real.dtype)
    return TokenLosses(
        *(
            tf.reshape(tf.scatter_nd(real, each, size), tf.shape(mask))
            for each in found
        )
    )


def _row_losses(
    rows: tf.Tensor, layer: SoftmaxLayer, gold: tf.Tensor, smoothing: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Loss, negative log-likelihood and whether none is likelier: (N,)."""

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

        def gradient(of_loss: Any, *_: Any) -> Any:
            errors = tf.tensor_scatter_nd_sub(
                powers * (of_loss / total)[:, None],
                tf.stack([tf.range(tf.shape(gold)[0]), gold], 1),
                of_loss * (1 - smoothing),
            )
            even = smoothing * of_loss if smoothing else None
            return _to_weights(rows, own, errors, even)

        return (loss, nll, correct), gradient

    return losses(rows, *weights)


def _to_weights(
    rows: tf.Tensor,
    layer: SoftmaxLayer,
    errors: tf.Tensor,
    even: tf.Tensor | None,
) -> tuple[tf.Tensor, ...]:
    """The gradients of rows, matrix and, where there is one, bias.

    Args:
        rows: (N, R).
        layer: E and b.
        errors: (N, V), the gradient of the logits, but for
        even: (N,), of which each token of the vocabulary has the same share.
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
    # Keras casts weights for the calls of their own layer alone.
    return tf.cast(tf.convert_to_tensor(weight), layer.compute_dtype)
