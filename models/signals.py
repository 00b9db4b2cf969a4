"""Signals of training: what a step computes besides the loss of the tokens."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from models.losses import Losses


class Signals(NamedTuple):
    """Factors and options of the signals; by default, there are none.

    Attributes:
        r_drop: factor of R-Drop: each batch is computed twice, and the loss of
            a token grows with the divergence of the two predictions; see
            `models.softmax.softmax_losses`. If the factor is 0, a batch is
            computed once.
        scheduled_sampling: number k of steps. In training, the decoder reads
            fewer and fewer words of the target, and more and more of its own;
            see `forcing_probability`. None to read the target.
        seed: seed of the choice of these words.
        l2: factor of the sum of the squares of all elements of matrices in the
            loss of a batch. Metrics do not include this term.
    """

    r_drop: float = 0.0
    scheduled_sampling: float | None = None
    seed: int = 0
    l2: float = 0.0


NO_SIGNALS = Signals()


def doubled(inputs: Any) -> Any:
    """Repeat a batch: the second half of the result equals the first half.

    Args:
        inputs: nested structure of tensors (B, ...).
    """
    return tf.nest.map_structure(lambda x: tf.concat([x, x], 0), inputs)


def halved(losses: Losses) -> Losses:
    """Return the mean losses of the two halves of a batch from `doubled`."""
    return Losses(*(tf.add(*tf.split(each, 2)) / 2 for each in losses))


def forcing_probability(step: tf.Tensor, decay: float) -> tf.Tensor:
    """Return the probability that the decoder reads a word of the target.

    It is the inverse sigmoid `k / (k + exp(i / k))` of Bengio et al. 2015,
    "Scheduled sampling for sequence prediction with recurrent neural networks",
    section 2.4, where i is the number of the step, from 0, and k is `decay`.
    """
    # The same value, but large steps do not overflow.
    return tf.sigmoid(tf.math.log(decay) - tf.cast(step, tf.float32) / decay)


def forced(
    shape: tf.Tensor, step: tf.Tensor, decay: float, seed: int
) -> tf.Tensor:
    """Draw at which positions the decoder reads a word of the target.

    The result depends on nothing but the arguments.

    Args:
        shape: (B, T) of the result.
        step: number of the step, from 0.
        decay: k of `forcing_probability`.
        seed: seed of the training run.

    Returns:
        Booleans; False where the decoder reads its own word instead.
    """
    seeds = tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)])
    drawn = tf.random.stateless_uniform(shape, seeds)
    return drawn < forcing_probability(step, decay)


def with_own_words(
    target_in: tf.Tensor, logits: tf.Tensor, forced: tf.Tensor
) -> tf.Tensor:
    """Replace words that the decoder reads by those that it would have said.

    The words come from a first pass, in which the decoder has read the target
    (Mihaylova and Martins 2019, "Scheduled sampling for transformers", section
    3). The first word of each row, which begins the target, is not replaced.

    Args:
        target_in: (B, T), ids of the words before each target word.
        logits: (B, T, V), logits of the first pass.
        forced: (B, T), False where a word is to be replaced.
    """
    said = tf.argmax(logits, -1, target_in.dtype)
    before = tf.concat([target_in[:, :1], said[:, :-1]], 1)
    return tf.where(forced, target_in, before)


def l2_penalty(weights: Sequence[keras.Variable]) -> tf.Tensor:
    """Return the sum of the squares of all elements of matrices.

    Vectors, such as biases, and numbers are left out.
    """
    matrices = [each for each in weights if len(each.shape) > 1]
    return tf.add_n([tf.reduce_sum(tf.square(each)) for each in matrices])
