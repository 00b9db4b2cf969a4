"""Additive attention: scores from a small network with one hidden layer."""

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
    learning to align and translate", appendix A.1.2. In contrast,
    `keras.layers.AdditiveAttention` projects neither query nor value.

    With `normalized=True`, the score is `e = g (v / |v|) . tanh(W query + U
    value + b)`. The number g is learnt in place of the length of v, and starts
    at `1 / sqrt(units)`. This is the weight normalisation of Salimans and
    Kingma 2016, equation 2, as used in Raffel et al. 2017, section 2.4.

    Args:
        units: dimension of the projected queries and values (n' in the paper).
        normalized: if True, use the weight-normalised score: the length of v is
            learnt separately from its direction, and the hidden layer has a
            bias b.
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
        """Return the input of the tanh in the hidden layer, (B, Q, S, units).

        For each query and each position of the memory, this input is the sum
        of the projected query and the key.
        """
        query = self.query_projection(query)
        return query[:, :, None, :] + memory.keys[:, None, :, :]

    def score_vector(self) -> tf.Tensor:
        """Return the vector v of the formula, (units,).

        The score is the dot product of v and `tanh(hidden)`, where `hidden` is
        the result of the method `hidden`.
        With `normalized=True`, the returned vector is `g (v / |v|)`.
        """
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
    """Layer that computes `g (v / |v|) . x`, with weight normalisation.

    The inputs x have the shape (..., D), and the outputs have the shape
    (..., 1). Both the vector v, of shape (D,), and the number g are learnt.
    """

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

    Luong, Pham and Manning 2015, section 3.1. The product `W [query; value]`
    equals `W1 query + W2 value`, where W1 and W2 are the two parts of W. So
    this class computes the same score as `BahdanauAttention`. In the two
    papers, only the queries differ: Luong's query is the new decoder state,
    Bahdanau's the previous one. The decoder class determines the query.

    Args:
        units: dimension of the hidden layer.
        normalized, window: see `BahdanauAttention`.

    Call arguments, output: see `Attention`.
    """
