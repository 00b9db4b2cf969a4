"""Rules about whole words, which a hypothesis may spell in various pieces.

A word is complete only when the next piece begins another word, or ends the
hypothesis. So a rule forbids a word by forbidding the pieces that would
complete it; the pieces that make it another, longer word are allowed.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data.modalities import Symbols
from data.spelling import BASE, PRIME, Spelling, codes
from models.search.options import SearchOptions
from models.search.rules import Rule, at_least
from models.softmax import IMPOSSIBLE

_MIXER = 998_244_353  # distinguishes "a b" from "b a"
_LETTERS = 2**15  # largest number of letters in a hypothesis


# Function of the words of hypotheses and the number of their tokens.
Judge = Callable[["Words", tf.Tensor], tf.Tensor]


class Words(NamedTuple):
    """Words of hypotheses: at each token, the word that ends there.

    If the word goes on after the token, it is the part up to the token.
    """

    codes: tf.Tensor  # (B, K, L), codes of the words
    starts: tf.Tensor  # (B, K, L), index of each word's first token
    is_whole: tf.Tensor  # (B, K, L), True where the next token begins a word

    @classmethod
    def of(cls, tokens: tf.Tensor, t: tf.Tensor, spelling: Spelling) -> "Words":
        """Read the words of hypotheses.

        Args:
            tokens: (B, K, L), ids of the tokens so far, then padding.
            t: number of tokens.
            spelling: what each token writes.
        """
        begins, stands, lengths, codes = (
            tf.gather(tf.constant(each), tokens) for each in spelling[:4]
        )
        first = tf.zeros_like(begins[..., :1])
        after = tf.concat([~first, stands[..., :-1]], -1)
        begins |= after  # the first token, and those after a mark
        places = tf.range(tf.shape(tokens)[-1])
        numbers = tf.cumsum(tf.cast(begins, tf.int32), -1)  # of the words
        # The first place with the word's number.
        starts = tf.searchsorted(numbers, numbers)
        before = tf.cumsum(lengths, -1, exclusive=True)
        before = tf.minimum(before, _LETTERS - 1)
        # The code of a word from its letters' place in the hypothesis, moved
        # to the start of the word by a division.
        powers, inverses = map(tf.constant, _powers())
        shares = codes * tf.gather(powers, before) % PRIME
        sums = tf.cumsum(shares, -1)
        earlier = tf.gather(sums - shares, starts, batch_dims=2)
        shift = tf.gather(inverses, tf.gather(before, starts, batch_dims=2))
        codes = (sums - earlier) % PRIME * shift % PRIME
        next_begins = tf.concat([begins[..., 1:], first], -1)
        return cls(codes, starts, next_begins & (places + 1 < t))

    def grams(self, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return codes of the last `size` words at each token.

        Returns:
            The codes (B, K, L), and booleans (B, K, L), False where there are
            not so many words.
        """
        codes, ends = self.codes, self.starts - 1
        is_there = tf.ones_like(self.is_whole)
        for _ in range(size - 1):
            is_there &= ends >= 0
            place = tf.maximum(ends, 0)
            word = tf.gather(self.codes, place, batch_dims=2)
            codes = (codes * _MIXER + word) % PRIME
            ends = tf.gather(self.starts, place, batch_dims=2) - 1
        return codes, is_there


def rules_of(
    options: SearchOptions, symbols: Symbols, spelling: Spelling | None
) -> list[Rule]:
    """Return the rules that the options of a search name.

    Args:
        options: options of the search.
        symbols: ids of the padding, begin and end symbols.
        spelling: what each token writes, which rules about words need; without
            it, there are no such rules.
    """
    rules, end = [], symbols.end
    if options.min_length > 1 and end is not None:
        rules.append(at_least(options.min_length, end))
    if spelling is None:
        return rules
    if size := options.no_repeated_words:
        rules.append(no_repeated_words(size, spelling, end))
    phrases = [
        codes(form)
        for phrase in options.forbidden_words
        for form in dict.fromkeys(
            (
                phrase,
                *(f(phrase[:1]) + phrase[1:] for f in (str.lower, str.upper)),
            )
        )
    ]
    if phrases := [phrase for phrase in phrases if phrase]:
        rules.append(forbid_words(phrases, spelling, end))
    return rules


def no_repeated_words(size: int, spelling: Spelling, end: int | None) -> Rule:
    """Return a rule against two equal series of `size` words in a hypothesis.

    It is the n-gram blocking of Paulus, Xiong and Socher 2018 (section 2.5),
    with words in place of tokens.

    Args:
        size: number of words in a series, n; at least 1.
        spelling: what each token writes.
        end: id of the end symbol, or None.
    """

    def is_forbidden(words: Words, t: tf.Tensor) -> tf.Tensor:
        codes, is_there = words.grams(size)
        last = tf.maximum(t - 1, 0)
        same = codes == codes[..., last : last + 1]
        again = tf.reduce_any(same & is_there & words.is_whole, -1)
        return again & is_there[..., last]

    return _completion(is_forbidden, spelling, end)


def forbid_words(
    phrases: Sequence[Sequence[int]], spelling: Spelling, end: int | None
) -> Rule:
    """Return a rule that forbids words, and series of words.

    Args:
        phrases: codes of the words of each phrase; see `data.spelling.code`.
        spelling: what each token writes.
        end: id of the end symbol, or None.
    """

    def is_forbidden(words: Words, t: tf.Tensor) -> tf.Tensor:
        last = tf.maximum(t - 1, 0)
        found = [
            (codes[..., last] == _gram(phrase)) & is_there[..., last]
            for phrase in phrases
            for codes, is_there in [words.grams(len(phrase))]
        ]
        return tf.reduce_any(tf.stack(found), 0)

    return _completion(is_forbidden, spelling, end)


def _completion(
    is_forbidden: Judge, spelling: Spelling, end: int | None
) -> Rule:
    """Return a rule that keeps hypotheses from completing their last word.

    Args:
        is_forbidden: function of the words and the number t of tokens so far.
            It returns booleans (B, K), True where the last word must not be
            complete.
        spelling: what each token writes.
        end: id of the end symbol, or None.
    """
    vocabulary = len(spelling.begins)
    completes = spelling.begins | (np.arange(vocabulary) == end)

    def rule(
        log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
    ) -> tf.Tensor:
        forbidden = is_forbidden(Words.of(tokens, t, spelling), t) & (t > 0)
        last = tokens[..., tf.maximum(t - 1, 0)]
        stands = tf.gather(tf.constant(spelling.stands), last)
        completed = tf.constant(completes) | stands[..., None]
        return tf.where(forbidden[..., None] & completed, IMPOSSIBLE, log_probs)

    return rule


def _gram(codes: Sequence[int]) -> int:
    """Return the code of a series of words, as `Words.grams` computes it."""
    found = codes[-1]
    for word in reversed(codes[:-1]):
        found = (found * _MIXER + word) % PRIME
    return found


@lru_cache(maxsize=1)
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """Return the powers of `BASE` and of its inverse, modulo `PRIME`."""
    powers, inverses = np.ones((2, _LETTERS), np.int64)
    inverse = pow(BASE, -1, PRIME)
    for place in range(1, _LETTERS):
        powers[place] = powers[place - 1] * BASE % PRIME
        inverses[place] = inverses[place - 1] * inverse % PRIME
    return powers, inverses
