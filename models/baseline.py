"""The starting example, repaired by the least that makes it a translator."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention import Memory
from models.building import build_once
from models.decoder import DecoderState
from models.softmax import SoftmaxLayer
from models.translation import TranslationModel


@keras.saving.register_keras_serializable("glimpse")
class StartingExample(TranslationModel):
    """`Embedding(64) -> LSTM(128) -> Attention -> Dense`, with stock layers.

    As a `Sequential` it cannot translate: Keras's attention takes two inputs,
    nothing shifts the target, nothing masks padding, nothing decodes. Here
    the embedding and the LSTM stand once for each language, the target's
    states are the queries over the source's, the target is shifted by one and
    padding is masked. All else stays as it was: the softmax layer sees the
    context vector alone, and the encoder hands over no state.

    Args:
        source_vocabulary_size: number of source token ids.
        target_vocabulary_size: number of target token ids.
        embedding_units: dimension of the embeddings.
        units: dimension of the LSTMs.

    Call arguments, output: see `Seq2Seq`.
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

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        memory, _ = self.encode(inputs["source"])
        queries = self.target_lstm(self.target_embedding(inputs["target_in"]))
        context, weights = self._attend(queries, memory)
        layer = SoftmaxLayer.of_dense(self.softmax_projection)
        said = self.said(context, layer, inputs)
        return {**said, "attention_weights": weights}

    def encode(self, source: tf.Tensor) -> tuple[Memory, DecoderState]:
        """Read source tokens (B, S): the memory, and a state of zeros."""
        mask = ops.not_equal(source, 0)
        values = self.source_lstm(self.source_embedding(source), mask=mask)
        zeros = ops.zeros_like(values[:, :1])
        return Memory(values, values, mask), DecoderState(((zeros, zeros),))

    def step(
        self, tokens: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """One step for Q words a sentence; see `Seq2Seq.step`."""
        embedded = self.target_embedding(tokens)  # (B, Q, E)
        rows, queries = ops.shape(embedded)[0], ops.shape(embedded)[1]
        # Keras's cell takes (rows, E) alone.
        flat = [_join_rows(x) for x in (embedded, *state.cells[0])]
        output, leaves = self.target_lstm.cell(flat[0], flat[1:])
        output, *leaves = (
            ops.reshape(x, (rows, queries, self.sizes["units"]))
            for x in (output, *leaves)
        )
        context, weights = self._attend(output, memory)
        logits = self.softmax_projection(context)
        log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        return log_probs, weights, DecoderState((tuple(leaves),))

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
    """(B, Q, D) to (B * Q, D)."""
    return ops.reshape(x, (-1, x.shape[-1]))
