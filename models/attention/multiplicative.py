"""Attention of Luong et al. 2015 with dot products of queries and keys."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.adam import learn_slower
from models.attention.base import Attention, Memory, State
from models.building import Shape, build_once


class ProductAttention(Attention):
    """Attention whose scores are the dot products `query . key`.

    Args:
        scaled: if True, multiply the scores by a learnt number that starts at
            1, as the scaled Luong attention of tensorflow/nmt does.
        window: see `Attention`.
    """

    def __init__(self, scaled: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scaled = scaled

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        if self.scaled:
            self.scale = self.add_weight(
                shape=(), initializer="ones", name="scale"
            )

    def scores(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        query = ops.cast(query, self.compute_dtype)
        scores = ops.matmul(query, ops.transpose(memory.keys, (0, 2, 1)))
        if not self.scaled:
            return scores
        return scores * ops.cast(self.scale, scores.dtype)

    def scaled_keys(self, memory: Memory) -> tf.Tensor:
        """Return the keys (B, S, D) whose dot products with a query are scores.

        If `scaled` is True, the keys are multiplied by the learnt number.
        """
        if not self.scaled:
            return memory.keys
        return memory.keys * ops.cast(self.scale, memory.keys.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scaled": self.scaled}


@keras.saving.register_keras_serializable("glimpse")
class LuongDotAttention(ProductAttention):
    """Attention with Luong's dot score, `e = query . value`.

    Luong, Pham and Manning 2015, "Effective approaches to attention-based
    neural machine translation", section 3.1.

    Args:
        scaled: see `ProductAttention`.
        window: see `Attention`.

    Call arguments, output: see `Attention`.

    Raises:
        ValueError: the dimensions of queries and values are not equal.
    """

    def build(self, input_shape: list[Shape]) -> None:
        query_units, value_units = (shape[-1] for shape in input_shape)
        if query_units != value_units:
            raise ValueError(
                f"Luong's dot score got queries of dimension {query_units} "
                f"and values of dimension {value_units}; it needs them equal: "
                "use LuongAttention, or change the units of one side"
            )
        super().build(input_shape)


@keras.saving.register_keras_serializable("glimpse")
class LuongAttention(ProductAttention):
    """Attention with Luong's general score, `e = query . (W value)`.

    Luong et al. 2015, section 3.1. W maps a value to the dimension of queries.
    A score is a sum over all elements of W, so with the learning rate of other
    weights, W makes scores so large in a few steps that attention is sharp
    before it is right. `models.Adam` multiplies the learning rate of W by
    1 / sqrt(M), where M is the dimension of values. Other optimizers do not, so
    they need a smaller learning rate for the whole model.

    Args:
        scaled: see `ProductAttention`.
        window: see `Attention`.

    Call arguments, output: see `Attention`.

    Example:
        >>> layer = LuongAttention()
        >>> context = layer([decoder_states, encoder_states])
    """

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        self.key_projection = layers.Dense(
            input_shape[0][-1], use_bias=False, dtype=self.dtype_policy
        )
        build_once(self.key_projection, input_shape[1])
        learn_slower(self.key_projection.kernel, input_shape[1][-1] ** -0.5)

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        return self.key_projection(values)
