"""Operations on the tensors of a search, whose first axis is the sentences."""

from typing import Any

import tensorflow as tf


def stacked(arrays: Any) -> Any:
    """Stack each TensorArray of L tensors (B, K) into a tensor (B, K, L)."""
    return tf.nest.map_structure(
        lambda array: tf.transpose(array.stack(), [1, 2, 0]), arrays
    )


def picked(nest: Any, indices: tf.Tensor) -> Any:
    """Gather items `indices` (B, K') along axis 1 of each tensor of `nest`."""
    return tf.nest.map_structure(
        lambda x: tf.gather(x, indices, batch_dims=1), nest
    )


def count(real: tf.Tensor) -> tf.Tensor:
    """Return the number of True values along the last axis, as int32."""
    return tf.reduce_sum(tf.cast(real, tf.int32), -1)


def spread(x: tf.Tensor, places: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """Return zeros (B, ...) with the rows at `places` replaced by `x`.

    Args:
        x: (B', ...), rows of the sentences that are still in the batch.
        places: (B',), index of each of these sentences in the whole batch.
        batch: size B of the whole batch.
    """
    shape = tf.concat([[batch], tf.shape(x)[1:]], 0)
    return tf.scatter_nd(places[:, None], x, shape)
