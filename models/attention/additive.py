"""Additive attention: a hidden layer between query and memory."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.base import Attention, Memory, State
from models.building import Shape, build_once
from models.precision import at_least_float32


@keras.saving.register_keras_serializable("glimpse")
class BahdanauAttention(Attention):
    """Additive attention, `e = v . tanh(W query + U value)`.

    Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly
    learning to align and translate", appendix A.1.2. `keras.layers.
    AdditiveAttention` is not this: it projects neither query nor value.

    Normalised, it is `e = g (v / |v|) . tanh(W query + U value + b)` with a
    learnt length g, `1 / sqrt(units)` at the start: weight normalisation of
    Salimans and Kingma 2016, equation 2, as Raffel et al. 2017 use it,
    section 2.4.

    Args:
        units: dimension of the projections (the paper's n').
        normalized: learn the length of v apart from its direction, and b.
        window: see `Attention`.

    Call arguments, output: see `Attention`.

    Example:
        >>> layer = BahdanauAttention(64)
        >>> context = layer([decoder_states, encoder_states])
    """

    def __init__(
        self, units: int, normalized: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.normalized = normalized
        self.query_projection = layers.Dense(
            units, use_bias=normalized, dtype=self.dtype_policy
        )
        self.key_projection = layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy
        )
        projection = NormalizedProjection if normalized else _plain_projection
        self.score_projection = projection(dtype=self.dtype_policy)

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        query_shape, value_shape = input_shape
        build_once(self.query_projection, query_shape)
        build_once(self.key_projection, value_shape)
        build_once(self.score_projection, (None, None, None, self.units))

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        return self.key_projection(values)

    def scores(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        hidden = ops.tanh(self.hidden(query, memory, state))
        return ops.squeeze(self.score_projection(hidden), -1)

    def hidden(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        """The hidden layer before its tanh: (B, Q, S, units)."""
        query = self.query_projection(query)
        return query[:, :, None, :] + memory.keys[:, None, :, :]

    def score_vector(self) -> tf.Tensor:
        """What the hidden layer is multiplied with: (units,)."""
        identity = ops.eye(self.units, dtype=self.compute_dtype)
        return self.score_projection(identity)[:, 0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "normalized": self.normalized,
        }


def _plain_projection(dtype: Any) -> layers.Dense:
    return layers.Dense(1, use_bias=False, dtype=dtype)


class NormalizedProjection(layers.Layer):
    """`g (v / |v|) . x`: weight normalisation of a product with one vector."""

    def build(self, input_shape: Shape) -> None:
        units = input_shape[-1]
        self.vector = self.add_weight(shape=(units, 1), name="vector")
        self.length = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(units**-0.5),
            name="length",
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        vector = at_least_float32(ops.convert_to_tensor(self.vector))
        norm = ops.sqrt(ops.sum(ops.square(vector)))
        vector = vector * ops.cast(self.length, vector.dtype) / norm
        return ops.matmul(inputs, ops.cast(vector, inputs.dtype))


@keras.saving.register_keras_serializable("glimpse")
class LuongConcatAttention(BahdanauAttention):
    """Luong's concat score, `e = v . tanh(W [query; value])`.

    Luong, Pham and Manning 2015, section 3.1. As W of the two side by side is
    the sum of a W of each, this is the function of `BahdanauAttention`; the
    papers differ in what asks, which is the decoder's affair.

    Args:
        units: dimension of the hidden layer.
        normalized, window: see `BahdanauAttention`.

    Call arguments, output: see `Attention`.
    """
