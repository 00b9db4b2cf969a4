"""Baseline for translation: network of standard Keras layers."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention import Memory
from models.building import build_once
from models.decoder import DecoderState
from models.sequence_model import SequenceModel
from models.softmax import SoftmaxLayer, softmax_losses
from models.sources import Encoded, real_places
from models.targets import Seen


@keras.saving.register_keras_serializable("glimpse")
class StartingExample(SequenceModel):
    """Network of Keras layers `Embedding -> LSTM -> Attention -> Dense`.

    It is a baseline. The project started from these layers, with 64 units in
    the embedding and 128 in the LSTM, in a `Sequential`. A `Sequential` of them
    cannot translate: it passes one input to each layer, but Keras's attention
    needs two. Moreover, a `Sequential` does not shift the target, mask padding
    or decode.

    Here each language has its own embedding and LSTM. The outputs of the target
    LSTM are the queries of attention, and the outputs of the source LSTM are
    the values. The input of the target LSTM is the embedded target, shifted by
    one position, and padding is masked. As in that `Sequential`, the input of
    the softmax layer is only the output of attention, and the initial state of
    the target LSTM is zero instead of the last state of the source LSTM.

    Args:
        source_vocabulary_size: number of source token ids.
        target_vocabulary_size: number of target token ids.
        embedding_units: dimension of both embeddings.
        units: dimension of both LSTMs.

    The call arguments and the output are those of `Seq2Seq`.
    """

    def __init__(
        self,
        source_vocabulary_size: int,
        target_vocabulary_size: int,
        embedding_units: int = 64,
        units: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sizes = {
            "source_vocabulary_size": source_vocabulary_size,
            "target_vocabulary_size": target_vocabulary_size,
            "embedding_units": embedding_units,
            "units": units,
        }
        dtype = self.dtype_policy
        self.source_embedding = layers.Embedding(
            source_vocabulary_size, embedding_units, dtype=dtype
        )
        self.target_embedding = layers.Embedding(
            target_vocabulary_size, embedding_units, dtype=dtype
        )
        # cuDNN has no XLA kernel and fails on fully masked rows.
        self.source_lstm = layers.LSTM(
            units, return_sequences=True, use_cudnn=False, dtype=dtype
        )
        self.target_lstm = layers.LSTM(
            units, return_sequences=True, use_cudnn=False, dtype=dtype
        )
        self.attention = layers.Attention(dtype=dtype)
        self.softmax_projection = layers.Dense(
            target_vocabulary_size, dtype=dtype
        )

    def build(self, input_shape: Any = None) -> None:
        units = self.sizes["units"]
        embedded_shape = (None, None, self.sizes["embedding_units"])
        states_shape = (None, None, units)
        build_once(self.source_embedding)
        build_once(self.target_embedding)
        build_once(self.source_lstm, embedded_shape)
        build_once(self.target_lstm, embedded_shape)
        build_once(self.attention, [states_shape, states_shape])
        build_once(self.softmax_projection, states_shape)

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.build()

    def call(
        self, inputs: dict[str, tf.Tensor], training: bool = False
    ) -> dict[str, Any]:
        encoded, _ = self.encode(inputs["source"], inputs.get("source_length"))
        queries = self.target_lstm(self.target_embedding(inputs["target_in"]))
        context, weights = self._attend(queries, encoded.memory)
        layer = SoftmaxLayer.of_dense(self.softmax_projection)
        if "target" not in inputs:
            said = {"logits": layer.logits(context)}
        else:
            losses = softmax_losses(
                context,
                layer,
                inputs["target"],
                inputs["mask"],
                self.label_smoothing,
                self.real_only,
                self.signals.r_drop if training else 0.0,
            )
            said = {"losses": losses}
        return {**said, "attention_weights": weights}

    def encode(
        self, values: tf.Tensor, lengths: tf.Tensor | None = None
    ) -> tuple[Encoded, DecoderState]:
        """Return the encoded sources, and an initial decoder state of zeros.

        Args:
            values: (B, S), padded token ids.
            lengths: (B,), number of real tokens of each row; None if all tokens
                are real.
        """
        mask = real_places(values, lengths)
        values = self.source_lstm(self.source_embedding(values), mask=mask)
        zeros = ops.zeros_like(values[:, :1])
        memory = Memory(values, values, mask)
        return Encoded(memory), DecoderState(((zeros, zeros),))

    def step(
        self, tokens: tf.Tensor, state: DecoderState, encoded: Encoded
    ) -> tuple[tf.Tensor, Seen, DecoderState]:
        """Compute the log-probabilities of next words; see `Seq2Seq.step`."""
        embedded = self.target_embedding(tokens)  # (B, Q, E)
        rows, queries = ops.shape(embedded)[0], ops.shape(embedded)[1]
        # Keras's cell takes only (rows, E).
        flat = [_join_rows(x) for x in (embedded, *state.cells[0])]
        output, leaves = self.target_lstm.cell(flat[0], flat[1:])
        output, *leaves = (
            ops.reshape(x, (rows, queries, self.sizes["units"]))
            for x in (output, *leaves)
        )
        context, weights = self._attend(output, encoded.memory)
        logits = self.softmax_projection(context)
        log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        return log_probs, Seen(weights), DecoderState((tuple(leaves),))

    def _attend(
        self, queries: tf.Tensor, memory: Memory
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self.attention(
            [queries, memory.values],
            mask=[None, memory.mask],
            return_attention_scores=True,
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.sizes}


def _join_rows(x: tf.Tensor) -> tf.Tensor:
    """Reshape (B, Q, D) to (B * Q, D)."""
    return ops.reshape(x, (-1, x.shape[-1]))
