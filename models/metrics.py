"""Metrics that are averages over target tokens."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("glimpse")
class TokenMean(keras.metrics.Mean):
    """Mean of a value over tokens; `count` is the number of tokens so far.

    Every token has the same weight, whatever batch it is in. In Keras's own
    mean, a token in a batch of long sentences weighs less than a token in a
    batch of short sentences, since Keras divides the sum over a sentence by the
    padded length T of its batch.
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = tf.reshape(values, [-1])
        if sample_weight is not None:
            sample_weight = tf.reshape(sample_weight, [-1])
        super().update_state(values, sample_weight)


@keras.saving.register_keras_serializable("glimpse")
class Perplexity(TokenMean):
    """Perplexity: `exp` of the mean negative log-likelihood over tokens."""

    def __init__(self, name: str = "perplexity", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def result(self) -> tf.Tensor:
        return tf.exp(super().result())


def correct_tokens(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return 1.0 where the target token has the highest logit, else 0.0.

    Args:
        target: (B, T) token ids.
        logits: (B, T, V), unnormalised scores of all tokens.

    Returns:
        (B, T), float32, one value for each target token.
    """
    likeliest = tf.argmax(logits, -1, output_type=target.dtype)
    return tf.cast(tf.equal(likeliest, target), tf.float32)
