"""Best one-word extensions of beams, found without normalising all logits.

The vocabulary is divided into blocks of words. All logits are used to find the
largest logit of each block. The best words are in the blocks whose largest
logits are the highest, so only these blocks are searched for the best words.
"""

from typing import NamedTuple

import tensorflow as tf

from data.modalities import Symbols
from models.softmax import IMPOSSIBLE

BLOCK = 64  # number of words in a block of the vocabulary


class Unnormalised(NamedTuple):
    """Log-probabilities `logits - total` that are computed only where needed.

    `total` is the logarithm of the sum of the exponentials of all logits. The
    words are divided into blocks, and `heights` contains the largest logit of
    each block. Search needs only the best log-probabilities, which are in the
    blocks with the highest `heights`. So search computes log-probabilities only
    for the words of these blocks.
    """

    logits: tf.Tensor  # (B, K, V); beyond the first `words` is filler
    heights: tf.Tensor  # (B, K, N), the largest logit of each of N blocks
    total: tf.Tensor  # (B, K), log of the sum of the logits' exponentials
    words: int  # number of words

    @classmethod
    def of(cls, logits: tf.Tensor, words: int) -> "Unnormalised":
        """Make an instance from logits.

        Args:
            logits: (B, K, V), float32.
            words: number of words; logits after the first `words` are filler.
        """
        heights = _heights(logits)
        highest = tf.reduce_max(heights, -1, keepdims=True)
        total = tf.reduce_sum(tf.exp(logits - highest), -1)
        total = tf.math.log(total) + highest[..., 0]
        return cls(logits, heights, total, words)

    @classmethod
    def normalised(cls, log_probs: tf.Tensor) -> "Unnormalised":
        """Make an instance from normalised log-probabilities; `total` is 0.

        Args:
            log_probs: (B, K, V), log-probabilities of all V words.
        """
        zeros = tf.zeros_like(log_probs[..., 0])
        words = log_probs.shape[-1]
        return cls(log_probs, _heights(log_probs), zeros, words)

    def log_probs(self) -> tf.Tensor:
        """Return normalised log-probabilities of all words: (B, K, words)."""
        return self.logits[..., : self.words] - self.total[..., None]


class Extensions(NamedTuple):
    """One-word extensions of the beams of each sentence, best first."""

    log_probs: tf.Tensor  # (B, N), of the extended hypotheses
    words: tf.Tensor  # (B, N), ids of the added words
    parents: tf.Tensor  # (B, N), numbers of the extended beams


def extensions(
    said: Unnormalised,
    log_probs: tf.Tensor,
    at_limit: tf.Tensor,
    count: int,
    symbols: Symbols,
) -> Extensions:
    """Find the best one-word extensions of the beams of each sentence.

    Args:
        said: log-probabilities of the possible next words of each beam.
        log_probs: (B, K), log-probability of the hypothesis of each beam.
        at_limit: (B,), True if the next word reaches the length limit. Then the
            end symbol, if there is one, is the only possible next word.
        count: number N of extensions to return. If fewer than N are possible,
            fillers with log-probabilities of about -1e9 or lower are added.
        symbols: ids of the padding, begin and end symbols; padding and begin
            are never the next word.
    """
    beams = said.logits.shape[1]
    base = log_probs - said.total  # (B, K)
    best, words, parents = _best(said, base, count, symbols)
    filler = symbols.pad if symbols.end is None else symbols.end
    lacking = count - best.shape[1]
    best, words, parents = (
        tf.pad(x, [[0, 0], [0, lacking]], constant_values=value)
        if lacking
        else x
        for x, value in ((best, IMPOSSIBLE), (words, filler), (parents, 0))
    )
    if symbols.end is None:
        return Extensions(best, words, parents)
    ends = said.logits[..., symbols.end] + base
    only_ends = tf.pad(
        ends, [[0, 0], [0, count - beams]], constant_values=IMPOSSIBLE
    )
    at_limit = at_limit[:, None]
    return Extensions(
        tf.where(at_limit, only_ends, best),
        tf.where(at_limit, symbols.end, words),
        tf.where(at_limit, tf.minimum(tf.range(count), beams - 1), parents),
    )


def _best(
    said: Unnormalised, base: tf.Tensor, count: int, symbols: Symbols
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Find the extensions with the highest scores, `base` plus logit.

    Args:
        said: unnormalised scores (logits) of each beam's possible next words.
        base: (B, K), value that is added to all logits of a beam.
        count: number of extensions to find.
        symbols: ids of the padding, begin and end symbols; padding and begin
            are never the next word.

    Returns:
        The scores, the ids of the added words, and the numbers of the extended
        beams, each (B, count). Only some blocks of the vocabulary are searched;
        if these blocks contain n < count words, the shapes are (B, n).
    """
    beams, vocabulary = said.logits.shape[1:]
    blocks = said.heights.shape[-1]  # in a beam
    block = vocabulary // blocks
    never = tf.reshape(_never(vocabulary, symbols), [blocks, block])
    # Padding and begin are in the first blocks; they are never the next word.
    unsaid = [each for each in symbols[:2] if each < vocabulary]
    some = max(unsaid, default=-1) // block + 1
    heights = said.heights
    if some:
        first = tf.reshape(
            said.logits[..., : some * block], [-1, beams, some, block]
        )
        first = tf.reduce_max(first + never[:some], -1)
        heights = tf.concat([first, heights[..., some:]], -1)
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
    """Return the largest logit of each block of words: (B, K, N).

    If V is not a multiple of `BLOCK`, each word is a block of its own, so the
    result is the logits (B, K, V).
    """
    beams, vocabulary = logits.shape[1:]
    if vocabulary % BLOCK:
        return logits
    shape = [-1, beams, vocabulary // BLOCK, BLOCK]
    return tf.reduce_max(tf.reshape(logits, shape), -1)


def _never(vocabulary: int, symbols: Symbols) -> tf.Tensor:
    """Return terms (V,) that are added to logits: `IMPOSSIBLE` or 0.

    A term is `IMPOSSIBLE` for the padding and begin symbols, which are never
    the next word, and 0 for all other words.
    """
    ids = tf.range(vocabulary)
    unsaid = (ids == symbols.pad) | (ids == symbols.begin)
    return tf.where(unsaid, IMPOSSIBLE, 0.0)
