"""What half precision cannot hold, and double need not lose."""

import tensorflow as tf


def at_least_float32(x: tf.Tensor) -> tf.Tensor:
    """`x` in float32; in float64 where it is that already."""
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)
