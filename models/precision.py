"""Casting to float32, for computations that need more than half precision."""

import tensorflow as tf


def at_least_float32(x: tf.Tensor) -> tf.Tensor:
    """Return `x` cast to float32, or `x` unchanged if it is float64."""
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)
