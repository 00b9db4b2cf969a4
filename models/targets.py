"""Targets: layers that predict the output of a network."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers

from models.building import build_once
from models.decoder import Step
from models.losses import Losses
from models.search import BLOCK, Unnormalised
from models.softmax import SoftmaxLayer, softmax_losses
from models.sources import (
    EmbeddingDropout,
    Encoded,
    row_initializer,
    with_dropout,
)


class Seen(NamedTuple):
    """Attention weights and copy probabilities of one step of decoding.

    Search records them for each word of each hypothesis.
    """

    attention: Any = ()  # weights (B, Q, S'), or () without attention
    copied: Any = ()  # (B, Q), probability that words were copied; or ()


class Target(layers.Layer):
    """Layer that embeds previous output elements and predicts the next ones.

    An element is, for example, a token. Search calls `embed` and `log_probs`;
    training calls `embed` and `losses`.
    """

    def embed(self, previous: tf.Tensor) -> tf.Tensor:
        """Embed ids (...), apply dropout, and return the result (..., E)."""
        raise TypeError(_no_part(self, "embed"))

    def logits(self, readout: tf.Tensor) -> tf.Tensor:
        """Return logits (..., V) of the next element for readouts (..., R)."""
        raise TypeError(_no_part(self, "logits"))

    def log_probs(
        self,
        readout: tf.Tensor,
        step: Step,
        embedded: tf.Tensor,
        encoded: Encoded,
    ) -> tuple[tf.Tensor, Any]:
        """Return the log-probabilities of all candidates for the next element.

        Args:
            readout: (B, Q, R), readout of the decoder: the input of the softmax
                layer.
            step: result of the decoder's step, such as its context.
            embedded: (B, Q, E), embedded previous elements.
            encoded: the encoded source.

        Returns:
            Log-probabilities (B, Q, V) in float32, and the value of the field
            `Seen.copied`: copy probabilities, or ().
        """
        raise TypeError(_no_part(self, "log_probs"))

    def losses(
        self,
        target: tf.Tensor,
        mask: tf.Tensor,
        readout: tf.Tensor,
        step: Step,
        embedded: tf.Tensor,
        encoded: Encoded,
        *,
        label_smoothing: float = 0.0,
        real_only: bool = True,
        agreement: float = 0.0,
    ) -> Losses:
        """Return the losses of given target elements.

        Args:
            target: (B, T) ids.
            mask: (B, T), 0 on padding and in rows that only fill up the batch,
                1 elsewhere.
            readout: (B, T, R), readout of the decoder: the input of the softmax
                layer.
            step: results of all the decoder's steps, such as the contexts.
            embedded: (B, T, E), embedded previous elements.
            encoded: the encoded source.
            label_smoothing: amount of label smoothing, from 0 to less than 1.
            real_only: whether to compute logits only for elements whose mask is
                not 0; see `models.softmax.softmax_losses`.
            agreement: factor of the loss that makes the predictions of the two
                halves of the batch agree, which then must have equal targets;
                see `models.softmax.softmax_losses`.
        """
        raise TypeError(_no_part(self, "losses"))


@keras.saving.register_keras_serializable("glimpse")
class TokenTarget(Target):
    """Target layer that embeds tokens, and predicts them by a softmax.

    Args:
        vocabulary_size: number V of token ids.
        units: dimension E of the embedding.
        dropout: layer for dropout on embedded tokens; None for no dropout.
        tied: whether the embedding is also the matrix of the softmax layer
            (Press and Wolf 2017). If so, readouts must have dimension E.

    Attributes:
        embedding: embedding layer; a model may share it with its source.
        projection: dense layer that computes the logits; `build` creates it. It
            is None if `tied`, since `embedding` then computes the logits.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        dropout: EmbeddingDropout | None = None,
        tied: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.tied = tied
        self.dropout = dropout or EmbeddingDropout(dtype=self.dtype_policy)
        self.embedding = layers.ReversibleEmbedding(
            vocabulary_size,
            units,
            embeddings_initializer=row_initializer(units),
            dtype=self.dtype_policy,
        )
        self.projection: Any = None

    def build(self, input_shape: Any) -> None:
        """Create the weights for readouts of shape `input_shape`, (B, T, R)."""
        build_once(self.embedding)
        if self.tied:
            return
        if self.projection is None:
            self.projection = layers.Dense(
                self.vocabulary_size, dtype=self.dtype_policy
            )
        build_once(self.projection, input_shape)

    def embed(self, previous: tf.Tensor) -> tf.Tensor:
        return self.dropout(self.embedding(previous))

    def logits(self, readout: tf.Tensor) -> tf.Tensor:
        return self.softmax_layer().logits(readout)

    def log_probs(
        self,
        readout: tf.Tensor,
        step: Step,
        embedded: tf.Tensor,
        encoded: Encoded,
    ) -> tuple[tf.Tensor, Any]:
        if self.projection is None:
            logits = self.embedding(readout, reverse=True)
        else:
            logits = self.projection(readout)
        return tf.nn.log_softmax(tf.cast(logits, tf.float32)), ()

    def losses(
        self,
        target: tf.Tensor,
        mask: tf.Tensor,
        readout: tf.Tensor,
        step: Step,
        embedded: tf.Tensor,
        encoded: Encoded,
        *,
        label_smoothing: float = 0.0,
        real_only: bool = True,
        agreement: float = 0.0,
    ) -> Losses:
        return softmax_losses(
            readout,
            self.softmax_layer(),
            target,
            mask,
            label_smoothing,
            real_only,
            agreement,
        )

    def softmax_layer(self) -> SoftmaxLayer:
        """Return the softmax layer; if `tied`, its matrix is the embedding."""
        if self.projection is None:
            return SoftmaxLayer.of_embedding(self.embedding)
        return SoftmaxLayer.of_dense(self.projection)

    def speaker(self) -> "Speaker":
        """Return a faster version of this layer, for use in search."""
        return Speaker(
            SoftmaxLayer.of_embedding(self.embedding).matrix,
            self.softmax_layer().blocked(BLOCK),
            self.vocabulary_size,
        )

    def get_build_config(self) -> None:
        """Return None, so that Keras does not build this layer on loading.

        The loaded model builds the layer itself, since only the model knows
        which weights are shared.
        """

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "tied": self.tied,
            "dropout": keras.saving.serialize_keras_object(self.dropout),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TokenTarget":
        return cls(**with_dropout(config))


class Speaker(NamedTuple):
    """Version of a `TokenTarget` that search uses, since it is faster.

    It returns logits of all words as an `Unnormalised`, so that search
    normalises only the logits of words that it may choose. Search finds the
    same hypotheses as with the `TokenTarget`.
    """

    words: tf.Tensor  # (V, E), embeddings
    layer: SoftmaxLayer  # with V increased to whole blocks of words
    vocabulary_size: int

    def embed(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return the embeddings (..., E) of token ids (...)."""
        # The last word of an impossible hypothesis may be an id that was added
        # to fill the last block of words; it has no embedding.
        known = tf.minimum(tokens, self.vocabulary_size - 1)
        return tf.gather(self.words, known)

    def say(self, readout: tf.Tensor) -> Unnormalised:
        """Return the logits of the next words for readouts (B, Q, R).

        Search normalises them only where it needs log-probabilities.
        """
        logits = tf.cast(self.layer.logits(readout), tf.float32)
        known = [*readout.shape[:-1], self.layer.vocabulary]
        logits = tf.ensure_shape(logits, known)
        return Unnormalised.of(logits, self.vocabulary_size)


def _no_part(target: Target, name: str) -> str:
    return (
        f"{type(target).__name__} has no {name}: subclass Target and override "
        "it, or use TokenTarget"
    )
