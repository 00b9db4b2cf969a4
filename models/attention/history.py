"""Additive attention whose scores depend on the weights of earlier steps."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.additive import BahdanauAttention
from models.attention.base import Memory, State
from models.building import Shape, build_once


@keras.saving.register_keras_serializable("glimpse")
class LocationSensitiveAttention(BahdanauAttention):
    """Additive attention whose scores depend on the previous step's weights.

    ```
    f_i = F * a_{i-1}                                (a convolution over S)
    e_i = v . tanh(W query_i + U value + V f_i + b)
    ```

    Chorowski et al. 2015, "Attention-based models for speech recognition",
    equations 8 and 9. At the first step, where there are no previous weights,
    a_{i-1} is 0.

    Args:
        units: dimension of the hidden layer.
        filters: number of convolution filters, that is, the dimension of f_i at
            each position.
        kernel_size: width of the convolution F, in tokens. The paper used 201
            for speech, counted in audio frames; a text has far fewer tokens.
        normalized, window: see `BahdanauAttention`.

    Call arguments, output: see `Attention`.
    """

    def __init__(
        self,
        units: int,
        filters: int = 10,
        kernel_size: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.convolution = layers.Conv1D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            dtype=self.dtype_policy,
        )
        self.feature_projection = layers.Dense(units, dtype=self.dtype_policy)

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        build_once(self.convolution, (None, None, 1))
        build_once(self.feature_projection, (None, None, self.filters))

    def initial_state(self, memory: Memory, num_queries: int) -> State:
        state = super().initial_state(memory, num_queries)
        return {**state, "previous": no_weights(memory, num_queries)}

    def next_state(self, state: State, weights: tf.Tensor) -> State:
        return {**super().next_state(state, weights), "previous": weights}

    def hidden(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        hidden = super().hidden(query, memory, state)
        previous = state["previous"]
        rows = ops.reshape(previous, (-1, ops.shape(previous)[-1], 1))
        features = self.feature_projection(self.convolution(rows))
        return hidden + ops.reshape(features, ops.shape(hidden))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable("glimpse")
class CoverageAttention(BahdanauAttention):
    """Additive attention whose scores depend on the sum of all earlier weights.

    ```
    k_i = sum over j < i of a_j
    e_i = v . tanh(W query_i + U value + w k_i + b)
    ```

    See, Liu and Manning 2017, "Get to the point", equations 10 and 11. Add
    `models.losses.coverage_loss` to the training loss: the paper found that
    coverage has no effect without this loss.

    Args:
        units: dimension of the hidden layer.
        normalized, window: see `BahdanauAttention`.

    Call arguments, output: see `Attention`.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.coverage_projection = layers.Dense(units, dtype=self.dtype_policy)

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        build_once(self.coverage_projection, (None, None, None, 1))

    def initial_state(self, memory: Memory, num_queries: int) -> State:
        state = super().initial_state(memory, num_queries)
        return {**state, "coverage": no_weights(memory, num_queries)}

    def next_state(self, state: State, weights: tf.Tensor) -> State:
        coverage = state["coverage"] + weights
        return {**super().next_state(state, weights), "coverage": coverage}

    def hidden(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        hidden = super().hidden(query, memory, state)
        return hidden + self.coverage_projection(state["coverage"][..., None])


def no_weights(memory: Memory, num_queries: int) -> tf.Tensor:
    """Return zeros (B, Q, S), the weights before the first step.

    The zeros are float32, even with a less precise dtype policy, since a layer
    may sum the weights of many steps.
    """
    rows, positions = ops.shape(memory.mask)
    return ops.zeros((rows, num_queries, positions), "float32")
