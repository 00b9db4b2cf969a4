"""Attention over an encoder memory: scores, weights, context.

Every layer takes queries (B, Q, H) over one memory (B, S, M): Q is 1 in a
decoding loop, T when all steps are known at once, K in beam search, where the
beams of a sentence share its memory.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.naming import choose

# Far below any score, yet finite: a fully masked row must not give NaN.
MASKED = -1e9


class Memory(NamedTuple):
    """What attention looks at, made once a sentence by `remember`."""

    values: tf.Tensor  # (B, S, M)
    keys: tf.Tensor  # (B, S, D), the variant's own projection of the values
    mask: tf.Tensor  # (B, S), True on real tokens


class Attention(layers.Layer):
    """Soft attention: weights over the memory, and their weighted mean.

    ```
    scores  e[q, s] = score(query[q], key[s])
    weights a[q, :] = softmax over unmasked s of e[q, :]
    context c[q]    = sum over s of a[q, s] value[s]
    ```

    A variant overrides `project_keys` and `scores`; one with a memory of its
    own past overrides `initial_state` and `next_state` too.

    Call arguments:
        inputs: `[query, value]`, (B, Q, H) and (B, S, M).
        mask: `[query mask, value mask]`, boolean (B, Q) and (B, S); True marks
            a real token. Only the value mask is used.
        return_attention_weights: also return the weights.

    Output:
        Context vectors (B, Q, M), with the weights (B, Q, S) if asked for.
        A row of weights sums to 1; with every position masked it is 0.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(
        self,
        inputs: list[tf.Tensor],
        mask: list[tf.Tensor | None] | None = None,
        return_attention_weights: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        query, value = inputs
        memory = self.remember(value, mask[1] if mask else None)
        state = self.initial_state(memory, ops.shape(query)[1])
        context, weights, _ = self.step(query, memory, state)
        return (context, weights) if return_attention_weights else context

    def compute_mask(
        self, inputs: list[tf.Tensor], mask: list[tf.Tensor | None] | None
    ) -> tf.Tensor | None:
        return mask[0] if mask else None

    def remember(
        self, values: tf.Tensor, mask: tf.Tensor | None = None
    ) -> Memory:
        """Project `values` (B, S, M) to keys, once a sentence."""
        values = ops.cast(values, self.compute_dtype)
        if mask is None:
            mask = ops.ones(ops.shape(values)[:2], "bool")
        return Memory(values, self.project_keys(values), mask)

    def initial_state(self, memory: Memory, num_queries: int) -> Any:
        """What the layer carries from step to step: `()` here, nothing."""
        return ()

    def step(
        self, query: tf.Tensor, memory: Memory, state: Any
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Attend once.

        Args:
            query: (B, Q, H).
            memory: what `remember` returned.
            state: what `initial_state` or the last step returned.

        Returns:
            Context (B, Q, M), weights (B, Q, S), and the next state.
        """
        scores = self.scores(query, memory, state)
        weights = self.normalize(scores, query, memory, state)
        context = ops.matmul(weights, memory.values)  # (B, Q, M)
        return context, weights, self.next_state(state, weights)

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """Keys (B, S, D) of the values (B, S, M)."""
        return values

    def scores(self, query: tf.Tensor, memory: Memory, state: Any) -> tf.Tensor:
        """Unnormalised scores (B, Q, S)."""
        raise TypeError(
            f"{type(self).__name__} has no score: subclass Attention and "
            "override scores, or use one of its subclasses"
        )

    def normalize(
        self,
        scores: tf.Tensor,
        query: tf.Tensor,
        memory: Memory,
        state: Any,
    ) -> tf.Tensor:
        """Softmax over the unmasked positions, in float32: (B, Q, S)."""
        mask = memory.mask[:, None, :]
        scores = ops.where(mask, ops.cast(scores, "float32"), MASKED)
        # Not Keras's softmax, which warns of a source of one token.
        weights = tf.nn.softmax(scores) * ops.cast(mask, "float32")
        return ops.cast(weights, self.compute_dtype)

    def next_state(self, state: Any, weights: tf.Tensor) -> Any:
        """The state after a step with these weights."""
        return state


@keras.saving.register_keras_serializable("glimpse")
class BahdanauAttention(Attention):
    """Additive attention, `e = v . tanh(W query + U value)`.

    Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly
    learning to align and translate", appendix A.1.2. `keras.layers.
    AdditiveAttention` is not this: it projects neither query nor value.

    Args:
        units: dimension of the projections (the paper's n').

    Call arguments, output: see `Attention`.

    Example:
        >>> layer = BahdanauAttention(64)
        >>> context = layer([decoder_states, encoder_states])
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.query_projection = layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy
        )
        self.key_projection = layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy
        )
        self.score_projection = layers.Dense(
            1, use_bias=False, dtype=self.dtype_policy
        )

    def build(self, input_shape: list[Shape]) -> None:
        query_shape, value_shape = input_shape
        build_once(self.query_projection, query_shape)
        build_once(self.key_projection, value_shape)
        build_once(self.score_projection, (None, None, None, self.units))

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        return self.key_projection(values)

    def scores(self, query: tf.Tensor, memory: Memory, state: Any) -> tf.Tensor:
        query = self.query_projection(query)
        hidden = ops.tanh(
            query[:, :, None, :] + memory.keys[:, None, :, :]
        )  # (B, Q, S, units)
        return ops.squeeze(self.score_projection(hidden), -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("glimpse")
class LuongAttention(Attention):
    """Luong's three scores between a query and a memory position.

    ```
    dot      e = query . value
    general  e = query . (W value)
    concat   e = v . tanh(W [query; value])
    ```

    Luong, Pham and Manning 2015, "Effective approaches to attention-based
    neural machine translation", section 3.1.

    Args:
        score: "dot", "general" or "concat". "dot" needs queries and values of
            the same dimension.
        units: dimension of the hidden layer of "concat"; the query's own
            dimension when None. The other scores have no use for it.

    Call arguments, output: see `Attention`.
    """

    def __init__(
        self, score: str = "general", units: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        choose(score, dict.fromkeys(LUONG_SCORES), "Luong score")
        if units is not None and score != "concat":
            raise ValueError(
                f"LuongAttention got units={units} with score={score!r}, "
                "which has no hidden layer; leave units out, or choose "
                "score='concat'"
            )
        self.score = score
        self.units = units

    def build(self, input_shape: list[Shape]) -> None:
        query_shape, value_shape = input_shape
        query_units, value_units = query_shape[-1], value_shape[-1]
        if self.score == "dot" and query_units != value_units:
            raise ValueError(
                f"Luong's dot score got queries of dimension {query_units} "
                f"and values of dimension {value_units}; it needs them equal: "
                "use score='general', or change the units of one side"
            )
        hidden = self.units or query_units
        if self.score == "general":
            self._add("key_projection", query_units, value_shape)
        if self.score == "concat":
            self._add("query_projection", hidden, query_shape)
            self._add("key_projection", hidden, value_shape)
            self._add("score_projection", 1, (None, None, None, hidden))

    def _add(self, name: str, units: int, input_shape: Shape) -> None:
        layer = layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy, name=name
        )
        build_once(layer, input_shape)
        setattr(self, name, layer)

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        return values if self.score == "dot" else self.key_projection(values)

    def scores(self, query: tf.Tensor, memory: Memory, state: Any) -> tf.Tensor:
        query = ops.cast(query, self.compute_dtype)
        if self.score == "concat":
            # W [query; value] is W1 query + W2 value, and W2 value is a key.
            query = self.query_projection(query)
            hidden = ops.tanh(query[:, :, None, :] + memory.keys[:, None])
            return ops.squeeze(self.score_projection(hidden), -1)
        return ops.matmul(query, ops.transpose(memory.keys, (0, 2, 1)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "score": self.score,
            "units": self.units,
        }


LUONG_SCORES = ("dot", "general", "concat")

ATTENTIONS: dict[str, Callable[..., Attention]] = {
    "bahdanau": BahdanauAttention,
    "luong-dot": lambda units, **kwargs: LuongAttention("dot", **kwargs),
    "luong-general": lambda units, **kwargs: LuongAttention(
        "general", **kwargs
    ),
    "luong-concat": lambda units, **kwargs: LuongAttention(
        "concat", units, **kwargs
    ),
}


def get(name: str, units: int, /, **kwargs: Any) -> Attention:
    """A new attention layer by name; `units` for those with a hidden layer.

    Raises:
        ValueError: if there is no such name, listing those there are.
    """
    return choose(name, ATTENTIONS, "attention")(units, **kwargs)
