"""Monotonic attention, whose position in the source never moves backward."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention.additive import BahdanauAttention
from models.attention.base import Attention, Memory, State
from models.attention.multiplicative import LuongAttention
from models.building import Shape, build_once

TINY = 1e-20  # a negligible weight whose logarithm is finite


class Monotonic(Attention):
    """Mixin class for attention whose position never moves backward.

    A step starts at the position where the previous step stopped, and goes
    through the positions from there on. At each position it stops with the
    probability `p = sigmoid(e)`, where e is the score. The step attends only to
    the position where it stops. If it stops at no position, all its weights are
    0.

    ```
    training   a_i[j] = p_i[j] sum over k <= j of
                        a_{i-1}[k] product over k <= l < j of (1 - p_i[l])
    inference  a_i[j] = 1 for the first j with e_i[j] > 0 at or after the
                        position where step i - 1 stopped; otherwise 0
    ```

    Raffel et al. 2017, "Online and linear-time attention by enforcing
    monotonic alignments", equations 8 to 14 and algorithm 1. In training,
    Gaussian noise is added to the scores, so that the model learns scores far
    from 0 (section 2.5). The weights of a step sum to at most 1, since a step
    may reach the end of the source without stopping. The sum of a step is never
    greater than the sum of the previous step.

    A subclass inherits from this class and from the class that computes the
    scores, in this order.

    Args:
        *args: arguments of the class that computes the scores.
        score_bias: initial value of r, a learnt number that is added to every
            score. The longer the sources are in comparison with their targets,
            the lower this value should be.
        noise: standard deviation of the noise in training.
        **kwargs: arguments of the class that computes the scores.
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
        """Return the state before the first step.

        The weights in this state are 1 at the first real position, where the
        first step starts, and 0 elsewhere.
        """
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
    """Layer that computes monotonic weights from scores; see `Monotonic`.

    The layer adds the learnt number r to the scores. In training, it also adds
    noise to them and returns the expected weights, computed by `soft`.
    At inference, it returns weights that are 0 or 1, computed by `hard`.

    Args:
        score_bias: initial value of r.
        noise: standard deviation of the noise that is added in training.

    Call arguments:
        scores: (B, Q, S), the scores of this step.
        previous: (B, Q, S), the weights of the previous step.

    Output:
        The weights of this step, (B, Q, S).
    """

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
    """Return the expected weights of a monotonic step, for training.

    The formula is in `Monotonic`. The products are computed as sums of
    logarithms, since products of many small numbers underflow to 0.

    Args:
        scores: (B, Q, S), the scores; their sigmoid is the probability to stop.
        previous: (B, Q, S), the weights of the previous step.
    """
    stop = -ops.softplus(-scores)  # log p
    go_on = -ops.softplus(scores)  # log (1 - p)
    passed = tf.cumsum(go_on, axis=-1, exclusive=True)
    start = ops.log(ops.maximum(previous, TINY))
    arrived = tf.math.cumulative_logsumexp(start - passed, axis=-1)
    return ops.exp(stop + passed + arrived)


def hard(scores: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """Return the weights of a monotonic step at inference, each 0 or 1.

    A search for a positive score starts at the position of the previous step
    and moves forward. The weight is 1 at the first position whose score is
    positive, and 0 elsewhere. If no such position exists, all weights are
    0.

    Args:
        scores: (B, Q, S), the scores.
        previous: (B, Q, S), the weights of the previous step: 1 at the position
            where that step stopped, 0 elsewhere.
    """
    reached = ops.cumsum(previous, -1) > 0
    stops = ops.cast(reached & (scores > 0), "float32")
    return stops * ops.cast(ops.cumsum(stops, -1) == 1, "float32")


@keras.saving.register_keras_serializable("glimpse")
class BahdanauMonotonicAttention(Monotonic, BahdanauAttention):
    """Monotonic attention with the additive score, see `Monotonic`.

    By default the score is the weight-normalised one of Raffel et al. 2017,
    section 2.4: `e = g (v / |v|) . tanh(W query + U value + b) + r`.

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
    """Monotonic attention with Luong's general score, see `Monotonic`.

    Args:
        scaled: see `LuongAttention`.
        score_bias, noise: see `Monotonic`.
        window: see `Attention`.

    Call arguments, output: see `Attention`.
    """
