"""The encoder-decoder."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.base import MASKED
from models.building import build_once
from models.decoder import Decoder, DecoderState
from models.encoder import Encoder
from models.extensions import BLOCK, Unnormalised
from models.fused import fused
from models.parts import Dropout
from models.recurrence import scan
from models.search import StepFunction
from models.softmax import SoftmaxLayer
from models.translation import TranslationModel


@keras.saving.register_keras_serializable("glimpse")
class Seq2Seq(TranslationModel):
    """Encoder, decoder, embeddings and the softmax layer between two tongues.

    Args:
        source_vocabulary_size: number of source token ids.
        target_vocabulary_size: number of target token ids.
        embedding_units: dimension E of both embeddings.
        encoder: an `Encoder`.
        decoder: a `Decoder`.
        tied_embeddings: the softmax layer's matrix is the target embedding
            (Press and Wolf 2017); needs the decoder's readout_units to be E.
        shared_embeddings: one embedding for source and target; needs one
            vocabulary.
        dropout: rate on the units of embedded words.
        word_dropout: rate on whole words, source and target, whose embedding
            is then zero, each occurrence by itself (Sennrich et al. 2016,
            "Edinburgh neural machine translation systems").

    Call arguments:
        inputs: `{"source": (B, S), "target_in": (B, T)}`, token ids, 0 on
            padding.

    Output:
        `{"logits": (B, T, V), "attention_weights": (B, T, S)}`; the weights
        are `()` with a decoder that has no attention.
    """

    def __init__(
        self,
        source_vocabulary_size: int,
        target_vocabulary_size: int,
        embedding_units: int,
        encoder: Encoder,
        decoder: Decoder,
        tied_embeddings: bool = False,
        shared_embeddings: bool = False,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check_embeddings(
            source_vocabulary_size,
            target_vocabulary_size,
            embedding_units,
            decoder.readout_units,
            tied_embeddings,
            shared_embeddings,
        )
        self.source_vocabulary_size = source_vocabulary_size
        self.target_vocabulary_size = target_vocabulary_size
        self.embedding_units = embedding_units
        self.tied_embeddings = tied_embeddings
        self.shared_embeddings = shared_embeddings
        self.encoder = encoder
        self.decoder = decoder
        self.dropout = Dropout(dropout, dtype=self.dtype_policy)
        self.word_dropout = Dropout(
            word_dropout, (None, None, 1), dtype=self.dtype_policy
        )
        self.target_embedding = layers.ReversibleEmbedding(
            target_vocabulary_size,
            embedding_units,
            embeddings_initializer=_initializer(embedding_units),
            reverse_dtype=self.compute_dtype,  # float32 otherwise
            dtype=self.dtype_policy,
        )
        self.source_embedding = (
            self.target_embedding
            if shared_embeddings
            else layers.Embedding(
                source_vocabulary_size,
                embedding_units,
                embeddings_initializer=_initializer(embedding_units),
                dtype=self.dtype_policy,
            )
        )
        self.softmax_projection = (
            None
            if tied_embeddings
            else layers.Dense(target_vocabulary_size, dtype=self.dtype_policy)
        )

    def build(self, input_shape: Any = None) -> None:
        embedded_shape = (None, None, self.embedding_units)
        build_once(self.target_embedding)
        build_once(self.source_embedding)
        build_once(self.encoder, embedded_shape)
        build_once(self.decoder, embedded_shape, self.encoder.output_units)
        if self.softmax_projection is not None:
            build_once(
                self.softmax_projection,
                (None, None, self.decoder.readout_units),
            )

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Every dimension is in the constructor's arguments."""
        self.build()

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, Any]:
        memory, state = self.encode(inputs["source"])
        embedded = self.embed_target(inputs["target_in"])
        steps, _ = self.decoder(embedded, state, memory)
        readout = self.decoder.readout(steps, embedded)
        said = self.said(readout, self.softmax_layer(), inputs)
        return {**said, "attention_weights": steps.weights}

    @property
    def is_divisible(self) -> bool:
        attention = self.decoder.attention
        return attention is None or not attention.draws_noise

    def plain_parts(self) -> list[str]:
        with fused(self.fused):
            is_plain = {
                "encoder": not self.encoder.is_fused,
                "decoder": not self.decoder.is_fused,
            }
        return [name for name, plain in is_plain.items() if plain]

    def encode(self, source: tf.Tensor) -> tuple[Any, DecoderState]:
        """Read source tokens (B, S): the memory, and the state at Q = 1."""
        mask = ops.not_equal(source, 0)
        embedded = self._drop(self.source_embedding(source))
        values, summary = self.encoder(embedded, mask)
        attention = self.decoder.attention
        memory = () if attention is None else attention.remember(values, mask)
        return memory, self.decoder.initial_state(summary, memory)

    def step(
        self, tokens: tf.Tensor, state: DecoderState, memory: Any
    ) -> tuple[tf.Tensor, Any, DecoderState]:
        """One step of decoding.

        Args:
            tokens: (B, Q) ids of the last words.
            state: with leaves (B, Q, ...).
            memory: as `encode` gave it.

        Returns:
            Log-probabilities of the next words (B, Q, V) in float32, weights
            (B, Q, S) or `()`, and the next state.
        """
        embedded = self.embed_target(tokens)
        projected = self.decoder.project(embedded)
        result, state = self.decoder.step(projected, state, memory)
        logits = self.logits(self.decoder.readout(result, embedded))
        log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        return log_probs, result.weights, state

    def stepper(
        self, memory: Any, never: Sequence[int] = ()
    ) -> tuple[StepFunction, Any]:
        readout, memory = self.decoder.stepper(memory)
        words = SoftmaxLayer.of_embedding(self.target_embedding).matrix
        layer = self.softmax_layer().blocked(BLOCK, never)

        def step(
            tokens: tf.Tensor, state: DecoderState, memory: Any
        ) -> tuple[Unnormalised, Any, DecoderState]:
            # An impossible hypothesis may end with a word of the last block
            # that is none.
            known = tf.minimum(tokens, self.target_vocabulary_size - 1)
            embedded = tf.gather(words, known)
            read, weights, state = readout(embedded, state, memory)
            shape = [-1, tokens.shape[1], layer.vocabulary]
            rows = tf.reshape(read, [-1, read.shape[-1]])
            logits = tf.cast(layer.logits(rows), tf.float32)
            said = Unnormalised.of(tf.reshape(logits, shape))
            return said, weights, state

        return step, memory

    def posterior(
        self, source: tf.Tensor, target_in: tf.Tensor, target: tf.Tensor
    ) -> tf.Tensor:
        """Where given words came from: attention, knowing which they are.

        Attention says where a word will come from before there is one. By
        Bayes's rule, of place s and word y_t:

        ```
        p(s | y_t) ~ a[t, s] p(y_t | context = value s)
        ```

        Shankar and Sarawagi 2019, "Posterior attention models for sequence to
        sequence learning", section 2, who train so; here it is read off a
        model that was trained as usual, and goes on from the usual context.

        Args:
            source: (B, S) ids, 0 on padding.
            target_in: (B, T) ids of the words before.
            target: (B, T) ids of the words.

        Returns:
            (B, T, S) float32; rows sum to 1, or to 0 where attention is 0.
        """
        memory, state = self.encode(source)
        places = self.decoder.attention.places(memory)
        size = ops.shape(source)[1]

        def to_places(x: tf.Tensor) -> tf.Tensor:
            return ops.repeat(x, size, axis=1)

        def step(
            words: tf.Tensor, state: DecoderState
        ) -> tuple[tf.Tensor, DecoderState]:
            last, word = words[:, :1], words[:, 1:]
            log_probs, _, _ = self.step(
                to_places(last),
                tf.nest.map_structure(to_places, state),
                places,
            )
            said = tf.gather(log_probs, to_places(word), batch_dims=2)
            _, weights, state = self.step(last, state, memory)
            prior = ops.cast(weights[:, 0], "float32")
            scores = tf.math.log(prior) + said
            # A row without weights has no posterior either.
            scores = tf.where(prior > 0, scores, MASKED)
            found = tf.nn.softmax(scores) * tf.sign(prior)
            return found, state

        return scan(step, ops.stack([target_in, target], -1), state)[0]

    def embed_target(self, tokens: tf.Tensor) -> tf.Tensor:
        """Embedded target words (..., E), after dropout."""
        return self._drop(self.target_embedding(tokens))

    def _drop(self, embedded: tf.Tensor) -> tf.Tensor:
        return self.word_dropout(self.dropout(embedded))

    def softmax_layer(self) -> SoftmaxLayer:
        """Its weights, whichever layer has them."""
        if self.softmax_projection is None:
            return SoftmaxLayer.of_embedding(self.target_embedding)
        return SoftmaxLayer.of_dense(self.softmax_projection)

    def logits(self, readout: tf.Tensor) -> tf.Tensor:
        """Unnormalised scores of the vocabulary: (..., V)."""
        if self.softmax_projection is None:
            return self.target_embedding(readout, reverse=True)
        return self.softmax_projection(readout)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "source_vocabulary_size": self.source_vocabulary_size,
            "target_vocabulary_size": self.target_vocabulary_size,
            "embedding_units": self.embedding_units,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "tied_embeddings": self.tied_embeddings,
            "shared_embeddings": self.shared_embeddings,
            "dropout": self.dropout.rate,
            "word_dropout": self.word_dropout.rate,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Seq2Seq":
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


def _initializer(units: int) -> keras.initializers.Initializer:
    """Rows of length about 1.

    Keras's own are so short that a tied softmax layer, and what is learnt
    through it, takes hundreds of steps to leave its flat start.
    """
    return keras.initializers.RandomNormal(stddev=units**-0.5)


def _check_embeddings(
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    embedding_units: int,
    readout_units: int,
    tied: bool,
    shared: bool,
) -> None:
    if tied and readout_units != embedding_units:
        raise ValueError(
            f"tied_embeddings got embedding_units={embedding_units} and "
            f"readout_units={readout_units}; they must be equal: change one, "
            "or untie"
        )
    if shared and source_vocabulary_size != target_vocabulary_size:
        raise ValueError(
            f"shared_embeddings got vocabularies of {source_vocabulary_size} "
            f"and {target_vocabulary_size}; they must be one: train a joint "
            "tokenizer, or do not share"
        )
