"""Monotonic attention: it never looks back."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.additive import BahdanauAttention
from models.attention.base import Attention, Memory, State
from models.attention.multiplicative import LuongAttention
from models.building import Shape, build_once

TINY = 1e-20  # a weight that counts for nothing and still has a logarithm


class Monotonic(Attention):
    """Monotonic weights for any score: each step goes on where the last was.

    At every position from there on attention stops with probability
    `p = sigmoid(e)`; it looks at the position where it stops, at none if it
    stops nowhere.

    ```
    training   a_i[j] = p_i[j] sum over k <= j of
                        a_{i-1}[k] product over k <= l < j of (1 - p_i[l])
    otherwise  a_i[j] = 1 at the first j from the last one on where e > 0
    ```

    Raffel et al. 2017, "Online and linear-time attention by enforcing
    monotonic alignments", equations 8 to 14 and algorithm 1. In training the
    scores get normal noise, so that they learn to be far from 0 (section
    2.5). A row sums to 1 at most: what has left the source does not return.

    Args:
        score_bias: r, added to every score, at the start of training; the
            longer the source beside the target, the lower it should be.
        noise: standard deviation of the noise in training.
    """

    def __init__(
        self,
        *args: Any,
        score_bias: float = 0.0,
        noise: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.score_bias = score_bias
        self.noise = noise
        self.stopping = Stopping(score_bias, noise, dtype="float32")

    def build(self, input_shape: list[Shape]) -> None:
        super().build(input_shape)
        build_once(self.stopping, (None, None, None))

    @property
    def draws_noise(self) -> bool:
        return self.noise > 0

    def initial_state(self, memory: Memory, num_queries: int) -> State:
        """All weight on the first position, where the first step sets out."""
        state = super().initial_state(memory, num_queries)
        rows, positions = ops.shape(memory.mask)
        real = ops.cumsum(ops.cast(memory.mask, "int32"), -1)
        first = ops.cast(memory.mask & (real == 1), "float32")
        first = ops.broadcast_to(first[:, None], (rows, num_queries, positions))
        return {**state, "previous": first}

    def next_state(self, state: State, weights: tf.Tensor) -> State:
        return {**super().next_state(state, weights), "previous": weights}

    def normalize(
        self, scores: tf.Tensor, query: tf.Tensor, memory: Memory, state: State
    ) -> tf.Tensor:
        return self.stopping(scores, state["previous"])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "score_bias": self.score_bias,
            "noise": self.noise,
        }


class Stopping(layers.Layer):
    """Where attention stops, of scores (B, Q, S) and the last weights."""

    def __init__(self, score_bias: float, noise: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bias_initializer = keras.initializers.Constant(score_bias)
        self.noise = layers.GaussianNoise(noise, dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        self.bias = self.add_weight(
            shape=(), initializer=self.bias_initializer, name="bias"
        )

    def call(
        self, scores: tf.Tensor, previous: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        scores = scores + self.bias
        if training:
            return soft(self.noise(scores, training=True), previous)
        return hard(scores, previous)


def soft(scores: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """Expected weights, in logarithms: products of small numbers vanish."""
    stop = -ops.softplus(-scores)  # log p
    go_on = -ops.softplus(scores)  # log (1 - p)
    passed = tf.cumsum(go_on, axis=-1, exclusive=True)
    start = ops.log(ops.maximum(previous, TINY))
    arrived = tf.math.cumulative_logsumexp(start - passed, axis=-1)
    return ops.exp(stop + passed + arrived)


def hard(scores: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """1 at the first positive score from the last position on."""
    reached = ops.cumsum(previous, -1) > 0
    stops = ops.cast(reached & (scores > 0), "float32")
    return stops * ops.cast(ops.cumsum(stops, -1) == 1, "float32")


@keras.saving.register_keras_serializable("glimpse")
class BahdanauMonotonicAttention(Monotonic, BahdanauAttention):
    """Monotonic attention with the additive score, normalised as it was made.

    `e = g (v / |v|) . tanh(W query + U value + b) + r`, Raffel et al. 2017,
    section 2.4; see `Monotonic`.

    Args:
        units: dimension of the hidden layer.
        normalized: see `BahdanauAttention`.
        score_bias, noise: see `Monotonic`.
        window: see `Attention`.

    Call arguments, output: see `Attention`.
    """

    def __init__(
        self, units: int, normalized: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(units, normalized=normalized, **kwargs)


@keras.saving.register_keras_serializable("glimpse")
class LuongMonotonicAttention(Monotonic, LuongAttention):
    """Monotonic attention with Luong's general score; see `Monotonic`.

    Args:
        scaled: see `LuongAttention`.
        score_bias, noise: see `Monotonic`.
        window: see `Attention`.

    Call arguments, output: see `Attention`.
    """
