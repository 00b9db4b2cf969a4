"""The best extensions of beams, found without normalising every word.

Most of a large vocabulary is looked at once, for the largest logit of each
block of words.
"""

from typing import NamedTuple

import tensorflow as tf

from data.tokenizer import Tokenizer
from models.softmax import IMPOSSIBLE

PAD, BOS, EOS = Tokenizer.PAD, Tokenizer.BOS, Tokenizer.EOS
BLOCK = 64  # words of which the largest logit is looked at first


class Unnormalised(NamedTuple):
    """Log-probabilities `logits - total`, of which few are ever needed.

    The few are in the blocks of words whose largest logits are the largest.
    """

    logits: tf.Tensor  # (B, K, V)
    heights: tf.Tensor  # (B, K, N), the largest logit of each of N blocks
    total: tf.Tensor  # (B, K), log of the sum of their exponentials

    @classmethod
    def of(cls, logits: tf.Tensor) -> "Unnormalised":
        """Those of logits (B, K, V), float32."""
        heights = _heights(logits)
        highest = tf.reduce_max(heights, -1, keepdims=True)
        total = tf.reduce_sum(tf.exp(logits - highest), -1)
        return cls(logits, heights, tf.math.log(total) + highest[..., 0])

    @classmethod
    def normalised(cls, log_probs: tf.Tensor) -> "Unnormalised":
        """Those that are log-probabilities (B, K, V) already."""
        return cls(
            log_probs, _heights(log_probs), tf.zeros_like(log_probs[..., 0])
        )


def extensions(
    said: Unnormalised, log_probs: tf.Tensor, at_limit: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The best extensions of all beams of a sentence together.

    Returns their log-probabilities, words and beams, (B, count) each. Where
    there are fewer, and at a limit for all words but EOS, they are impossible.
    """
    beams = said.logits.shape[1]
    base = log_probs - said.total  # (B, K)
    best, words, parents = _best(said, base, count)
    ends = said.logits[..., EOS] + base
    lacking = count - best.shape[1]
    best, words, parents = (
        tf.pad(x, [[0, 0], [0, lacking]], constant_values=value)
        if lacking
        else x
        for x, value in ((best, IMPOSSIBLE), (words, EOS), (parents, 0))
    )
    only_ends = tf.pad(
        ends, [[0, 0], [0, count - beams]], constant_values=IMPOSSIBLE
    )
    at_limit = at_limit[:, None]
    return (
        tf.where(at_limit, only_ends, best),
        tf.where(at_limit, EOS, words),
        tf.where(at_limit, tf.minimum(tf.range(count), beams - 1), parents),
    )


def _best(
    said: Unnormalised, base: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The highest of `logits + base`, with their words and beams.

    They are (B, count), or as many as there are.
    """
    beams, vocabulary = said.logits.shape[1:]
    blocks = said.heights.shape[-1]  # of a beam
    block = vocabulary // blocks
    never = tf.reshape(_never(vocabulary), [blocks, block])
    some = max(PAD, BOS) // block + 1  # blocks that have what is never said
    first = tf.reshape(
        said.logits[..., : some * block], [-1, beams, some, block]
    )
    first = tf.reduce_max(first + never[:some], -1)
    heights = tf.concat([first, said.heights[..., some:]], -1)
    heights = tf.reshape(heights + base[..., None], [-1, beams * blocks])
    _, chosen = tf.nn.top_k(heights, min(count, beams * blocks))
    parents, block_of_beam = chosen // blocks, chosen % blocks
    left = tf.gather(
        tf.reshape(said.logits, [-1, beams * blocks, block]),
        chosen,
        batch_dims=1,
    )  # (B, N', block)
    left += tf.gather(never, block_of_beam)
    left += tf.gather(base, parents, batch_dims=1)[..., None]
    size = chosen.shape[1] * block
    best, places = tf.nn.top_k(tf.reshape(left, [-1, size]), min(count, size))
    first_words = tf.gather(
        block_of_beam * block, places // block, batch_dims=1
    )
    return (
        best,
        first_words + places % block,
        tf.gather(parents, places // block, batch_dims=1),
    )


def _heights(logits: tf.Tensor) -> tf.Tensor:
    """The largest logit of each block; without blocks, the logits."""
    beams, vocabulary = logits.shape[1:]
    if vocabulary % BLOCK:
        return logits
    shape = [-1, beams, vocabulary // BLOCK, BLOCK]
    return tf.reduce_max(tf.reshape(logits, shape), -1)


def _never(vocabulary: int) -> tf.Tensor:
    """What keeps PAD and BOS from being said: (V,)."""
    ids = tf.range(vocabulary)
    return tf.where((ids == PAD) | (ids == BOS), IMPOSSIBLE, 0.0)
