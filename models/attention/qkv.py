"""Scaled dot-product attention, with one head or several heads."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.base import Attention, Memory, PlaceContexts, State
from models.building import Shape, build_once


@keras.saving.register_keras_serializable("glimpse")
class ScaledDotProductAttention(Attention):
    """Scaled dot-product attention, `e = (Wq query) . (Wk value) / sqrt(d)`.

    The context is the weighted mean of the projected values, `Wv value`. This
    is the attention of Vaswani et al. 2017, "Attention is all you need",
    section 3.2.1, with the projections Wq, Wk and Wv of section 3.2.2 for one
    head, but without the output projection Wo. Here the values are the outputs
    of a recurrent encoder.

    Args:
        units: dimension d of the projected queries, keys and values.
        window: see `Attention`.

    Call arguments: see `Attention`.

    Output:
        Context vectors (B, Q, units). If `return_attention_weights` is True, a
        pair of the context vectors and the weights (B, Q, S).
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.query_projection = self._dense()
        self.key_projection = self._dense()
        self.value_projection = self._dense()

    def _dense(self) -> layers.Dense:
        return layers.Dense(self.units, use_bias=False, dtype=self.dtype_policy)

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        build_once(self.query_projection, input_shape[0])
        build_once(self.key_projection, input_shape[1])
        build_once(self.value_projection, input_shape[1])

    def output_units(self, value_units: int) -> int:
        return self.units

    def remember(
        self, values: tf.Tensor, mask: tf.Tensor | None = None
    ) -> Memory:
        memory = super().remember(values, mask)
        return memory._replace(values=self.value_projection(memory.values))

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        return self.key_projection(values)

    def scores(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        query = self.query_projection(query) * self.units**-0.5
        return ops.matmul(query, ops.transpose(memory.keys, (0, 2, 1)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("glimpse")
class MultiHeadAttention(ScaledDotProductAttention):
    """Multi-head attention: several scaled dot-product attentions in parallel.

    ```
    head_n  = attention(Wq_n query, Wk_n value, Wv_n value)
    context = Wo [head_1; ...; head_N]
    ```

    Vaswani et al. 2017, section 3.2.2. Here the values are the outputs of a
    recurrent encoder. The returned weights are the mean of the heads' weights.

    Args:
        units: dimension of the context, and sum of the heads' dimensions.
        num_heads: number N of heads, a divisor of `units`.
        window: see `Attention`; all heads share the window.

    Call arguments, output: see `ScaledDotProductAttention`.

    Raises:
        ValueError: `num_heads` is below 1, or `units` is not a multiple of
            `num_heads`.
    """

    def __init__(self, units: int, num_heads: int = 4, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        if num_heads < 1 or units % num_heads:
            raise ValueError(
                f"MultiHeadAttention got units={units} and "
                f"num_heads={num_heads}; every head has an equal share of the "
                "units: give a num_heads that divides them"
            )
        self.num_heads = num_heads
        self.output_projection = self._dense()

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        build_once(self.output_projection, (None, None, self.units))

    def remember(
        self, values: tf.Tensor, mask: tf.Tensor | None = None
    ) -> Memory:
        """Make a memory whose values and keys are split into heads.

        Both are (B, N, S, units / N), where N is the number of heads.
        """
        memory = super().remember(values, mask)
        return memory._replace(
            values=self.split(memory.values), keys=self.split(memory.keys)
        )

    def split(self, x: tf.Tensor) -> tf.Tensor:
        """Split a tensor (B, S, units) into N heads: (B, N, S, units / N)."""
        size = self.units // self.num_heads
        x = ops.reshape(x, (*ops.shape(x)[:2], self.num_heads, size))
        return ops.transpose(x, (0, 2, 1, 3))

    def join(self, contexts: tf.Tensor) -> tf.Tensor:
        """Join the contexts of N heads, and apply the output projection Wo.

        Args:
            contexts: (B, N, Q, units / N).

        Returns:
            The contexts (B, Q, units).
        """
        contexts = ops.transpose(contexts, (0, 2, 1, 3))
        shape = (*ops.shape(contexts)[:2], self.units)
        return self.output_projection(ops.reshape(contexts, shape))

    def place_contexts(self, memory: Memory) -> PlaceContexts:
        return PlaceContexts(self.join(memory.values))

    def step(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        scores = ops.cast(self.scores(query, memory, state), "float32")
        looks = [
            self.look(scores[:, head], query, memory, state)
            for head in range(self.num_heads)
        ]
        plain = ops.stack([weights for weights, _ in looks], 1)
        seen = ops.stack([weights * emphasis for weights, emphasis in looks], 1)
        weights = ops.cast(seen, self.compute_dtype)
        context = self.join(ops.matmul(weights, memory.values))
        state = self.next_state(state, ops.mean(plain, 1))
        return context, ops.mean(weights, 1), state

    def scores(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        """Return the scores of all N heads before the softmax: (B, N, Q, S)."""
        size = self.units // self.num_heads
        query = self.split(self.query_projection(query)) * size**-0.5
        return ops.matmul(query, ops.transpose(memory.keys, (0, 1, 3, 2)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads}
