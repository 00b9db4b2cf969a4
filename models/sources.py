"""Sources: layers that embed the input of a network."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import build_once
from models.parts import Dropout


class Encoded(NamedTuple):
    """Encoded sources of a batch; all beams of a sentence share its source."""

    memory: Any  # memory of attention; () without attention
    copyable: Any = ()  # ids (B, S') that the output may copy
    ctc: Any = ()  # log-probabilities (B, S', V + 1) of a CTC layer


@keras.saving.register_keras_serializable("glimpse")
class EmbeddingDropout(layers.Layer):
    """Dropout on the units of embedded words, and then on whole words.

    The source and the target of a network can share this layer.

    Args:
        units: dropout rate on single units of embedded words.
        words: dropout rate on whole words. The embedding of a dropped
            occurrence of a word is zero (Sennrich et al. 2016, "Edinburgh
            neural machine translation systems").
    """

    def __init__(
        self, units: float = 0.0, words: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = Dropout(units, dtype=self.dtype_policy)
        self.words = Dropout(words, (None, None, 1), dtype=self.dtype_policy)

    def call(self, embedded: tf.Tensor) -> tf.Tensor:
        return self.words(self.units(embedded))

    @property
    def rates(self) -> dict[str, float]:
        """Dropout rates; the keys are the constructor's argument names."""
        return {"units": self.units.rate, "words": self.words.rate}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.rates}


class Source(layers.Layer):
    """Layer that embeds the elements, such as tokens, of source sequences.

    Call arguments:
        values: (B, S, ...), padded elements.
        lengths: (B,), number of real positions of each source; None if all
            positions are real.

    Output:
        Embedded elements (B, S', E), and a mask (B, S'), True on real
        positions. S' is S divided by the attribute `stride`, rounded up.
    """

    stride = 1  # number of input positions per output position

    def places(self, lengths: tf.Tensor) -> tf.Tensor:
        """Return the number of real output positions of each source: (B,).

        Args:
            lengths: (B,), number of real positions in the input of each source.
        """
        return -(-lengths // self.stride)


@keras.saving.register_keras_serializable("glimpse")
class TokenSource(Source):
    """Source layer that embeds tokens.

    Args:
        vocabulary_size: number of token ids.
        units: dimension E of the embedding.
        dropout: layer for dropout on embedded tokens; None for no dropout.

    Attributes:
        embedding: embedding layer. A model with shared embeddings sets it to
            the embedding of its target; otherwise, `build` creates it.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        dropout: EmbeddingDropout | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.dropout = dropout or EmbeddingDropout(dtype=self.dtype_policy)
        self.embedding: Any = None

    def build(self, input_shape: Any = None) -> None:
        if self.embedding is None:
            self.embedding = layers.Embedding(
                self.vocabulary_size,
                self.units,
                embeddings_initializer=row_initializer(self.units),
                dtype=self.dtype_policy,
            )
        build_once(self.embedding)

    def call(
        self, values: tf.Tensor, lengths: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        embedded = self.dropout(self.embedding(values))
        return embedded, real_places(values, lengths)

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
            "dropout": keras.saving.serialize_keras_object(self.dropout),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TokenSource":
        return cls(**with_dropout(config))


def real_places(values: tf.Tensor, lengths: tf.Tensor | None) -> tf.Tensor:
    """Return a mask (B, S), True on real positions.

    Args:
        values: (B, S, ...), padded sequences.
        lengths: (B,), number of real positions of each sequence; None if all
            positions are real.
    """
    places = ops.shape(values)[1]
    if lengths is None:
        return ops.ones(ops.shape(values)[:2], "bool")
    return tf.sequence_mask(lengths, places)


def with_dropout(config: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of `config` whose value for "dropout" is a layer.

    Args:
        config: configuration of a source or a target. Its value for "dropout"
            is a layer, or a configuration from which the layer is created.
    """
    dropout = config["dropout"]
    if isinstance(dropout, dict):
        dropout = keras.saving.deserialize_keras_object(dropout)
    return {**config, "dropout": dropout}


def row_initializer(units: int) -> keras.initializers.Initializer:
    """Return an initializer of embeddings whose rows have norms of about 1.

    Rows from Keras's default initializer have much smaller norms. If such an
    embedding is also the matrix of the softmax layer, the first predictions are
    almost uniform, and the gradients of the layers below the softmax layer are
    small. Training then needs hundreds of steps to change this.

    Args:
        units: dimension of the embedding, that is, number of values in a row.
    """
    return keras.initializers.RandomNormal(stddev=units**-0.5)
