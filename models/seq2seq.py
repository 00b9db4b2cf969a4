"""Encoder-decoder network."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from models.attention.base import MASKED
from models.building import build_once
from models.compatibility import ReadsOldFiles, is_old_config
from models.decoder import Decoder, DecoderState
from models.encoder import Encoder
from models.fused import fused
from models.recurrence import scan
from models.search import StepFunction, Unnormalised
from models.sequence_model import SequenceModel
from models.sources import EmbeddingDropout, Encoded, Source, TokenSource
from models.targets import Seen, Target, TokenTarget


@keras.saving.register_keras_serializable("glimpse")
class Seq2Seq(ReadsOldFiles, SequenceModel):
    """Encoder-decoder network, with layers for its input and its output.

    Args:
        source: layer that embeds the input, such as a `TokenSource`.
        encoder: encoder of the embedded input.
        decoder: decoder, which attends to the encoder's output.
        target: layer that embeds the previous words and predicts the next ones,
            such as a `TokenTarget`.
        shared_embeddings: whether the source uses the embedding of the target;
            if so, both must have the same vocabulary.

    Call arguments:
        inputs: dict of tensors. "source", (B, S, ...), contains the padded
            sources. "target_in", (B, T), contains the word before each target
            word, and is padded. "source_length", (B,), is the number of real
            positions of each source; without it, all positions are real.

    Output:
        `{"logits": (B, T, V), "attention_weights": (B, T, S')}`; S' is the
        number of encoded positions. The weights are `()` if the decoder has no
        attention.
    """

    def __init__(
        self,
        source: Source,
        encoder: Encoder,
        decoder: Decoder,
        target: Target,
        shared_embeddings: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check_ends(source, target, decoder, shared_embeddings)
        self.shared_embeddings = shared_embeddings
        # The order of these lines is the order of the weights. In another
        # order, sums over all weights, such as the norm of gradients, would
        # round differently.
        self.encoder = encoder
        self.decoder = decoder
        self.target = target
        if shared_embeddings:
            source.embedding = target.embedding
        self.source = source

    @classmethod
    def of_tokens(
        cls,
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
    ) -> "Seq2Seq":
        """Return a model whose sources and targets consist of token ids.

        Args:
            source_vocabulary_size: number of source token ids.
            target_vocabulary_size: number of target token ids.
            embedding_units: dimension E of both embeddings.
            encoder: encoder of the embedded source.
            decoder: decoder, which attends to the encoder's output.
            tied_embeddings: whether the target's embedding is also the matrix
                of the softmax layer; see `TokenTarget`.
            shared_embeddings: whether source and target use one embedding.
            dropout: dropout rate on the units of embedded words.
            word_dropout: dropout rate on whole words; see `EmbeddingDropout`.
            **kwargs: arguments of `keras.Model`, such as `dtype`.
        """
        dtype = {"dtype": kwargs.get("dtype")}
        drop = EmbeddingDropout(dropout, word_dropout, **dtype)
        target = TokenTarget(
            target_vocabulary_size,
            embedding_units,
            drop,
            tied_embeddings,
            **dtype,
        )
        source = TokenSource(
            source_vocabulary_size, embedding_units, drop, **dtype
        )
        return cls(
            source, encoder, decoder, target, shared_embeddings, **kwargs
        )

    def build(self, input_shape: Any = None) -> None:
        # The source comes first: its initializer draws a seed as it is made.
        embedded_shape = (None, None, self.source.units)
        build_once(self.source)
        build_once(self.encoder, embedded_shape)
        build_once(
            self.decoder,
            (None, None, self.target.units),
            self.encoder.output_units,
        )
        build_once(self.target, (None, None, self.decoder.readout_units))

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layers when a saved model is loaded.

        `config` is not used, since the constructor's arguments determine all
        dimensions.
        """
        self.build()

    def call(
        self, inputs: dict[str, tf.Tensor], training: bool = False
    ) -> dict[str, Any]:
        encoded, state = self.encode(
            inputs["source"], inputs.get("source_length")
        )
        embedded = self.target.embed(inputs["target_in"])
        steps, _ = self.decoder(embedded, state, encoded.memory)
        readout = self.decoder.readout(steps, embedded)
        if "target" not in inputs:
            said = {"logits": self.target.logits(readout)}
        else:
            losses = self.target.losses(
                inputs["target"],
                inputs["mask"],
                readout,
                steps,
                embedded,
                encoded,
                label_smoothing=self.label_smoothing,
                real_only=self.real_only,
                agreement=self.signals.r_drop if training else 0.0,
            )
            said = {"losses": losses}
        return {**said, "attention_weights": steps.weights}

    @property
    def attends(self) -> bool:
        return self.decoder.attention is not None

    @property
    def has_posterior(self) -> bool:
        return self.attends

    @property
    def is_divisible(self) -> bool:
        return not (self.attends and self.decoder.attention.draws_noise)

    def plain_parts(self) -> list[str]:
        with fused(self.fused):
            is_plain = {
                "encoder": not self.encoder.is_fused,
                "decoder": not self.decoder.is_fused,
            }
        return [name for name, plain in is_plain.items() if plain]

    def encode(
        self, values: tf.Tensor, lengths: tf.Tensor | None = None
    ) -> tuple[Encoded, DecoderState]:
        """Return encoded sources, and the decoder's initial state.

        Args:
            values: (B, S, ...), padded sources, such as token ids.
            lengths: (B,), number of real positions of each source; None if all
                positions are real.

        Returns:
            The encoded sources, and the initial state, whose tensors are
            (B, 1, ...): one hypothesis for each source.
        """
        embedded, mask = self.source(values, lengths)
        values, summary = self.encoder(embedded, mask)
        attention = self.decoder.attention
        memory = () if attention is None else attention.remember(values, mask)
        return Encoded(memory), self.decoder.initial_state(summary, memory)

    def step(
        self, tokens: tf.Tensor, state: DecoderState, encoded: Encoded
    ) -> tuple[tf.Tensor, Seen, DecoderState]:
        """Compute one step of decoding, for Q hypotheses of each source.

        Args:
            tokens: (B, Q) ids of the last words of the hypotheses.
            state: state before the step; its tensors are (B, Q, ...).
            encoded: encoded sources, from `encode`.

        Returns:
            Log-probabilities (B, Q, V) of the next words, in float32; a `Seen`
            with the step's attention weights and copy probabilities; and the
            state after the step.
        """
        embedded = self.target.embed(tokens)
        projected = self.decoder.project(embedded)
        result, state = self.decoder.step(projected, state, encoded.memory)
        readout = self.decoder.readout(result, embedded)
        log_probs, copied = self.target.log_probs(
            readout, result, embedded, encoded
        )
        return log_probs, Seen(result.weights, copied), state

    def stepper(self, encoded: Encoded) -> tuple[StepFunction, Any]:
        readout, memory = self.decoder.stepper(encoded.memory)
        speaker = self.target.speaker()

        def step(
            tokens: tf.Tensor, state: DecoderState, memory: Any
        ) -> tuple[Unnormalised, Seen, DecoderState]:
            embedded = speaker.embed(tokens)
            read, weights, state = readout(embedded, state, memory)
            return speaker.say(read), Seen(weights), state

        return step, memory

    def posterior(
        self,
        encoded: Encoded,
        state: DecoderState,
        target_in: tf.Tensor,
        target: tf.Tensor,
    ) -> tf.Tensor:
        """Return posterior attention: attention weights, given the next word.

        Ordinary attention weights a[t, s] are computed before word y_t is
        known. They can be read as the prior probability that y_t comes from
        source position s. Posterior attention is the probability of s when y_t
        is known. By Bayes's rule, this probability is proportional to the
        following product, where c_s is the context if all attention is on s:

        ```
        a[t, s] p(y_t | context = c_s)
        ```

        Shankar and Sarawagi 2019, "Posterior attention models for sequence to
        sequence learning", section 2, train models with posterior attention.
        This method, however, is for models trained with ordinary attention: the
        contexts that enter the decoder's state are those of ordinary attention.

        Args:
            encoded: encoded sources, from `encode`.
            state: the decoder's state before its first step, from `encode`.
            target_in: (B, T), ids of the word before each target word.
            target: (B, T), ids of the target words.

        Returns:
            Posterior attention (B, T, S), float32. Its sum over S is 1, or 0 if
            all attention weights of the step are 0.
        """
        memory = encoded.memory
        places = Encoded(self.decoder.attention.place_contexts(memory))
        size = ops.shape(memory.values)[1]

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
            _, seen, state = self.step(last, state, encoded)
            prior = ops.cast(seen.attention[:, 0], "float32")
            scores = tf.math.log(prior) + said
            # A row without weights has no posterior either.
            scores = tf.where(prior > 0, scores, MASKED)
            found = tf.nn.softmax(scores) * tf.sign(prior)
            return found, state

        return scan(step, ops.stack([target_in, target], -1), state)[0]

    def get_config(self) -> dict[str, Any]:
        parts = ("source", "encoder", "decoder", "target")
        return {
            **super().get_config(),
            **{
                name: keras.saving.serialize_keras_object(getattr(self, name))
                for name in parts
            },
            "shared_embeddings": self.shared_embeddings,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Seq2Seq":
        old = is_old_config(config)
        names = (
            ("encoder", "decoder") if old else ("encoder", "decoder", "target")
        )
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in names
        }
        if old:
            return cls.of_tokens(**{**config, **parts})
        source = _beside(config["source"], parts["target"])
        parts["source"] = keras.saving.deserialize_keras_object(source)
        return cls(**{**config, **parts})


def _beside(source: dict[str, Any], target: Any) -> dict[str, Any]:
    """Let a source share the target's dropout layer, if their rates are equal.

    `source` is the configuration of a source; `target` is a target layer. If
    both have the same dropout rates, the function returns a copy of `source`
    that contains the target's dropout layer. Otherwise it returns `source`.
    With the copy, source and target share one dropout layer, just as in a model
    that `Seq2Seq.of_tokens` makes.
    """
    inner = source["config"]
    dropout = inner.get("dropout")
    if dropout is None or not hasattr(target, "dropout"):
        return source
    rates = {name: dropout["config"][name] for name in target.dropout.rates}
    if rates != target.dropout.rates:
        return source
    return {**source, "config": {**inner, "dropout": target.dropout}}


def _check_ends(
    source: Any, target: Any, decoder: Decoder, shared: bool
) -> None:
    if getattr(target, "tied", False) and decoder.readout_units != target.units:
        raise ValueError(
            f"A tied target got units={target.units} and a decoder of "
            f"readout_units={decoder.readout_units}; they must be equal: "
            "change one, or untie"
        )
    sizes = [(each.vocabulary_size, each.units) for each in (source, target)]
    if shared and sizes[0] != sizes[1]:
        raise ValueError(
            f"shared_embeddings got vocabularies and units of {sizes[0]} and "
            f"{sizes[1]}; they must be one: train a joint tokenizer, or do "
            "not share"
        )
