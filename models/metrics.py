"""Metrics over target tokens."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("glimpse")
class TokenMean(keras.metrics.Mean):
    """Mean over tokens, however they were batched; `count` is their number.

    Keras's own divides by T before it adds, so that a token of a batch of
    long sentences would weigh less than one of a batch of short ones.
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = tf.reshape(values, [-1])
        if sample_weight is not None:
            sample_weight = tf.reshape(sample_weight, [-1])
        super().update_state(values, sample_weight)


@keras.saving.register_keras_serializable("glimpse")
class Perplexity(TokenMean):
    """`exp` of the mean negative log-likelihood of a token."""

    def __init__(self, name: str = "perplexity", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def result(self) -> tf.Tensor:
        return tf.exp(super().result())


def correct_tokens(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """1.0 where the likeliest token is the target's: (B, T), float32."""
    likeliest = tf.argmax(logits, -1, output_type=target.dtype)
    return tf.cast(tf.equal(likeliest, target), tf.float32)
