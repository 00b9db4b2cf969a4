"""What all attention shares: a memory, a state, and one step in named moves.

Every layer takes queries (B, Q, H) over one memory (B, S, M): Q is 1 in a
decoding loop, T when all steps are known at once, K in beam search, where the
beams of a sentence share its memory.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.windows import Window
from models.building import Shape, build_once
from models.precision import at_least_float32
from models.recurrence import scan

# Far below any score, yet finite: a fully masked row must not give NaN.
MASKED = -1e9

State = dict[str, tf.Tensor]  # leaves (B, Q, ...); empty where nothing is kept


class Memory(NamedTuple):
    """What attention looks at, made once a sentence by `remember`."""

    values: tf.Tensor  # (B, S, M)
    keys: tf.Tensor  # (B, S, D), the variant's own projection of the values
    mask: tf.Tensor  # (B, S), True on real tokens


class Places(NamedTuple):
    """In place of a memory: each query looks at one place of it alone."""

    contexts: tf.Tensor  # (B, S, M), of S queries


class Attention(layers.Layer):
    """Soft attention: weights over the memory, and their weighted mean.

    ```
    scores  e[q, s] = score(query[q], key[s])
    weights a[q, :] = softmax over unmasked s of e[q, :]
    context c[q]    = sum over s of a[q, s] value[s]
    ```

    A variant overrides `project_keys` and `scores`; one with a memory of its
    own past overrides `initial_state` and `next_state` too.

    Args:
        window: where to look: `LocalMonotonic`, `LocalPredictive`, or None
            for the whole memory.

    Call arguments:
        inputs: `[query, value]`, (B, Q, H) and (B, S, M). The queries are in
            the order of time: attention with a past sees them one by one.
        mask: `[query mask, value mask]`, boolean (B, Q) and (B, S); True marks
            a real token. Only the value mask is used.
        return_attention_weights: also return the weights.

    Output:
        Context vectors (B, Q, M), with the weights (B, Q, S) if asked for.
        A row of weights sums to 1; with every position masked it is 0.
    """

    def __init__(self, window: Window | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.window = window

    def build(self, input_shape: list[Shape]) -> None:
        if self.window is not None:
            build_once(self.window, input_shape[0])

    def call(
        self,
        inputs: list[tf.Tensor],
        mask: list[tf.Tensor | None] | None = None,
        return_attention_weights: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        query, value = inputs
        memory = self.remember(value, mask[1] if mask else None)
        state = self.initial_state(memory, 1)
        context, weights, _ = self.steps(query, memory, state)
        return (context, weights) if return_attention_weights else context

    def compute_mask(
        self, inputs: list[tf.Tensor], mask: list[tf.Tensor | None] | None
    ) -> tf.Tensor | None:
        return mask[0] if mask else None

    @property
    def draws_noise(self) -> bool:
        """Whether each step of training draws random numbers."""
        return False

    def output_units(self, value_units: int) -> int:
        """Dimension of the context vectors over values of `value_units`."""
        return value_units

    def remember(
        self, values: tf.Tensor, mask: tf.Tensor | None = None
    ) -> Memory:
        """Project `values` (B, S, M) to keys, once a sentence."""
        values = ops.cast(values, self.compute_dtype)
        if mask is None:
            mask = ops.ones(ops.shape(values)[:2], "bool")
        return Memory(values, self.project_keys(values), mask)

    def places(self, memory: Memory) -> Places:
        """What each place of the memory gives if nothing else is seen."""
        return Places(memory.values)

    def initial_state(self, memory: Memory, num_queries: int) -> State:
        """What the layer carries from step to step, for each query."""
        if self.window is None:
            return {}
        return self.window.initial_state(memory.mask, num_queries)

    def steps(
        self, queries: tf.Tensor, memory: Memory, state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """Attend T times, for queries (B, T, H) that follow one another.

        All at once where nothing is carried; shapes and results as `step`.
        """
        if not state:
            return self.step(queries, memory, state)

        def one(query: tf.Tensor, state: State) -> tuple[Any, State]:
            context, weights, state = self.step(query[:, None], memory, state)
            return (context[:, 0], weights[:, 0]), state

        (contexts, weights), state = scan(one, queries, state)
        return contexts, weights, state

    def step(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """Attend once.

        Args:
            query: (B, Q, H).
            memory: what `remember` returned.
            state: what `initial_state` or the last step returned.

        Returns:
            Context (B, Q, M), weights (B, Q, S), and the next state.
        """
        scores = at_least_float32(self.scores(query, memory, state))
        weights, emphasis = self.look(scores, query, memory, state)
        state = self.next_state(state, ops.cast(weights, "float32"))
        weights = ops.cast(weights * emphasis, self.compute_dtype)
        return ops.matmul(weights, memory.values), weights, state

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """Keys (B, S, D) of the values (B, S, M)."""
        return values

    def scores(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        """Unnormalised scores (B, Q, S)."""
        raise TypeError(
            f"{type(self).__name__} has no score: subclass Attention and "
            "override scores, or use one of its subclasses"
        )

    def look(
        self, scores: tf.Tensor, query: tf.Tensor, memory: Memory, state: State
    ) -> tuple[tf.Tensor, tf.Tensor | float]:
        """Weights (B, Q, S) through the window, and what it emphasises.

        Both float32 at least. They are kept apart because what is remembered
        is what the variant decided: a monotonic alignment would fade away if
        every step multiplied it by a Gaussian.
        """
        mask = memory.mask[:, None, :]
        if self.window is None:
            scores = ops.where(mask, scores, MASKED)
            return self.normalize(scores, query, memory, state), 1.0
        distance = self.window.distance(query, memory.mask, state)
        scores = ops.where(mask & self.window.holds(distance), scores, MASKED)
        weights = self.normalize(scores, query, memory, state)
        emphasis = self.window.emphasis(distance)
        return weights, ops.cast(emphasis, weights.dtype)

    def normalize(
        self, scores: tf.Tensor, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        """Softmax over scores that are `MASKED` where nothing is to be seen."""
        # Not Keras's softmax, which warns of a source of one token.
        weights = tf.nn.softmax(scores)
        return weights * ops.cast(memory.mask[:, None, :], weights.dtype)

    def next_state(self, state: State, weights: tf.Tensor) -> State:
        """The state after a step with these weights, (B, Q, S) float32.

        They are those before a window's emphasis.
        """
        return state if self.window is None else self.window.next_state(state)

    def get_config(self) -> dict[str, Any]:
        window = keras.saving.serialize_keras_object(self.window)
        return {**super().get_config(), "window": window}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Attention":
        window = keras.saving.deserialize_keras_object(config["window"])
        return cls(**{**config, "window": window})
