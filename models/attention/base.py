"""Base class of the attention layers, and the memory that they attend to.

Every layer computes contexts for queries (B, Q, H) from a memory (B, S, M), the
encoded source. The number of queries Q is 1 in a decoding loop, T when the
queries of all T steps are known beforehand, and K in beam search, where the K
beams of a sentence share one memory.
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

State = dict[str, tf.Tensor]  # tensors (B, Q, ...) by name; may be empty


class Memory(NamedTuple):
    """Encoded source that attention looks at.

    `Attention.remember` makes it, once for each batch of sentences.

    Attributes:
        values: (B, S, M), vectors whose weighted mean is the context.
        keys: (B, S, D), projection of the values; attention computes the scores
            from the query and these keys.
        mask: (B, S), True at real tokens, False at padding.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class Foreseen(NamedTuple):
    """Memory to which queries go that know the next word.

    If a decoder gets a `Foreseen` in place of a `Memory`, attention is computed
    with `query + shift`. See `models.foresight`.
    """

    memory: Memory
    shift: tf.Tensor  # (B, Q, H), what is added to the queries


class PlaceContexts(NamedTuple):
    """One context for each position of the source, computed beforehand.

    The context of position s is the context that attention computes if position
    s has all the attention weight. If a decoder gets a `PlaceContexts` in place
    of a `Memory`, it computes no attention: it has S queries for each sentence,
    and query s gets the context of position s.

    Attributes:
        contexts: (B, S, M), one context for each position of the source.
    """

    contexts: tf.Tensor


class Attention(layers.Layer):
    """Soft attention: weights over the memory, and the weighted mean of values.

    ```
    scores  e[q, s] = score(query[q], key[s])
    weights a[q, :] = softmax over unmasked s of e[q, :]
    context c[q]    = sum over s of a[q, s] value[s]
    ```

    A subclass overrides `project_keys` and `scores`. A subclass whose weights
    depend on earlier steps overrides `initial_state` and `next_state` too.

    Args:
        window: layer that limits attention to a part of the memory, a
            `LocalMonotonic` or `LocalPredictive`; None for the whole memory.

    Call arguments:
        inputs: list `[query, value]` of tensors (B, Q, H) and (B, S, M). The
            queries are in the order of time: a layer whose weights depend on
            earlier steps processes them one by one.
        mask: list `[query mask, value mask]` of boolean tensors (B, Q) and
            (B, S); True marks a real token. Only the value mask is used.
        return_attention_weights: whether to return the weights as well.

    Output:
        Context vectors (B, Q, M), or a pair of the context vectors and the
        weights (B, Q, S). The weights of a query sum to 1, or to less in some
        subclasses and windows. If the value mask is False at every position of
        a source, all weights over this source are 0.
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
        """Tell whether the layer draws random numbers at each training step."""
        return False

    def output_units(self, value_units: int) -> int:
        """Return the dimension of the contexts.

        Args:
            value_units: dimension of the values of the memory.
        """
        return value_units

    def remember(
        self, values: tf.Tensor, mask: tf.Tensor | None = None
    ) -> Memory:
        """Make the memory of a batch of sentences, before the first step.

        Args:
            values: (B, S, M), the encoded sources.
            mask: (B, S), True at real tokens; None if all tokens are real.
        """
        values = ops.cast(values, self.compute_dtype)
        if mask is None:
            mask = ops.ones(ops.shape(values)[:2], "bool")
        return Memory(values, self.project_keys(values), mask)

    def place_contexts(self, memory: Memory) -> PlaceContexts:
        """Return one context for each position of the memory.

        The context of a position is the context that attention computes if this
        position has all the attention weight.
        """
        return PlaceContexts(memory.values)

    def initial_state(self, memory: Memory, num_queries: int) -> State:
        """Return the initial state, a dictionary of tensors (B, Q, ...).

        The state holds the results of earlier steps that the layer or its
        window needs. If neither needs any, the state is empty.

        Args:
            memory: what `remember` returned.
            num_queries: number Q of queries for each sentence.
        """
        if self.window is None:
            return {}
        return self.window.initial_state(memory.mask, num_queries)

    def steps(
        self, queries: tf.Tensor, memory: Memory, state: State
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """Compute the contexts of T successive steps with queries (B, T, H).

        If the state is empty, all steps are computed in parallel, otherwise one
        by one. The arguments and results are those of `step`, with T instead of
        Q.
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
        """Compute the contexts of one step.

        Args:
            query: (B, Q, H), the queries.
            memory: what `remember` returned.
            state: state that `initial_state` or the previous step returned.

        Returns:
            The contexts (B, Q, M), the weights (B, Q, S), and the state for the
            next step.
        """
        scores = at_least_float32(self.scores(query, memory, state))
        weights, emphasis = self.look(scores, query, memory, state)
        state = self.next_state(state, ops.cast(weights, "float32"))
        weights = ops.cast(weights * emphasis, self.compute_dtype)
        return ops.matmul(weights, memory.values), weights, state

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """Return the keys (B, S, D) for the values (B, S, M) of a memory.

        In this base class, the keys are equal to the values.
        """
        return values

    def scores(
        self, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        """Return the score of each query and position, (B, Q, S)."""
        raise TypeError(
            f"{type(self).__name__} has no score: subclass Attention and "
            "override scores, or use one of its subclasses"
        )

    def look(
        self, scores: tf.Tensor, query: tf.Tensor, memory: Memory, state: State
    ) -> tuple[tf.Tensor, tf.Tensor | float]:
        """Return the attention weights, and a factor for them (the emphasis).

        The weights (B, Q, S) are 0 outside the window. The window determines
        the emphasis, such as the Gaussian of `LocalPredictive`; the caller
        multiplies the weights by the emphasis, a tensor (B, Q, S) or the
        number 1.

        The returned weights are not yet multiplied by the emphasis, because
        `next_state` must get weights without it. Otherwise the weights of a
        monotonic attention would shrink towards 0: each step computes its
        weights from those of the previous step, so the factors would multiply.

        Args:
            scores: (B, Q, S), the result of `scores`.
            query: (B, Q, H), the queries.
            memory: what `remember` returned.
            state: state before this step.
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
        """Convert scores (B, Q, S) to weights (B, Q, S) by a softmax.

        Subclasses may override this method.

        The caller has set the scores of padding and of positions outside the
        window to `MASKED`, a large negative number.
        """
        # Keras's softmax would warn if a source has one token.
        weights = tf.nn.softmax(scores)
        return weights * ops.cast(memory.mask[:, None, :], weights.dtype)

    def next_state(self, state: State, weights: tf.Tensor) -> State:
        """Return the state for the next step.

        Args:
            state: state before this step.
            weights: (B, Q, S) float32, the weights of this step, not
                multiplied by the emphasis of a window (see `look`).
        """
        return state if self.window is None else self.window.next_state(state)

    def get_config(self) -> dict[str, Any]:
        window = keras.saving.serialize_keras_object(self.window)
        return {**super().get_config(), "window": window}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Attention":
        window = keras.saving.deserialize_keras_object(config["window"])
        return cls(**{**config, "window": window})
