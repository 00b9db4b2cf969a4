"""Metrics over target tokens."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("glimpse")
class Perplexity(keras.metrics.Mean):
    """`exp` of the mean negative log-likelihood of a token."""

    def __init__(self, name: str = "perplexity", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def result(self) -> tf.Tensor:
        return tf.exp(super().result())


def correct_tokens(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """1.0 where the likeliest token is the target's: (B, T), float32."""
    likeliest = tf.argmax(logits, -1, output_type=target.dtype)
    return tf.cast(tf.equal(likeliest, target), tf.float32)
