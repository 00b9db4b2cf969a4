"""Scaled dot products of projected queries, keys and values."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.base import Attention, Memory, Places, State
from models.building import Shape, build_once


@keras.saving.register_keras_serializable("glimpse")
class ScaledDotProductAttention(Attention):
    """Query, key and value: `e = (Wq query) . (Wk value) / sqrt(d)`.

    The context is the weighted mean of `Wv value`. Vaswani et al. 2017,
    "Attention is all you need", section 3.2.1 with the projections of
    3.2.2, one head and no Wo, over the memory of an RNN.

    Args:
        units: dimension d of queries, keys and projected values.
        window: see `Attention`.

    Call arguments: see `Attention`.

    Output:
        Context vectors (B, Q, units), with the weights (B, Q, S) if asked
        for.
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
    """Several scaled dot products side by side, and a projection of them all.

    ```
    head_n  = attention(Wq_n query, Wk_n value, Wv_n value)
    context = Wo [head_1; ...; head_N]
    ```

    Vaswani et al. 2017, section 3.2.2, over the memory of an RNN. The weights
    returned are the mean over the heads.

    Args:
        units: dimension of all heads together, and of the context.
        num_heads: N, a divisor of `units`.
        window: see `Attention`; the heads share it.

    Call arguments, output: see `ScaledDotProductAttention`.

    Raises:
        ValueError: `units` is no multiple of `num_heads`.
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
        """Values and keys by heads: (B, N, S, units / N)."""
        memory = super().remember(values, mask)
        return memory._replace(
            values=self.split(memory.values), keys=self.split(memory.keys)
        )

    def split(self, x: tf.Tensor) -> tf.Tensor:
        """(B, S, units) to (B, N, S, units / N)."""
        size = self.units // self.num_heads
        x = ops.reshape(x, (*ops.shape(x)[:2], self.num_heads, size))
        return ops.transpose(x, (0, 2, 1, 3))

    def join(self, contexts: tf.Tensor) -> tf.Tensor:
        """Contexts of the heads (B, N, Q, units / N) to one (B, Q, units)."""
        contexts = ops.transpose(contexts, (0, 2, 1, 3))
        shape = (*ops.shape(contexts)[:2], self.units)
        return self.output_projection(ops.reshape(contexts, shape))

    def places(self, memory: Memory) -> Places:
        return Places(self.join(memory.values))

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
        """Unnormalised scores of every head: (B, N, Q, S)."""
        size = self.units // self.num_heads
        query = self.split(self.query_projection(query)) * size**-0.5
        return ops.matmul(query, ops.transpose(memory.keys, (0, 1, 3, 2)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads}
