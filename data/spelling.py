"""Spelling: the words that sequences of pieces write, as numbers.

A graph cannot compare texts, so a word is compared by its code, a number that
depends on its letters, but not on the pieces that spell them. Two different
words have the same code with a probability of about 1e-9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from data.text import normalise

PRIME = 2**31 - 1  # codes are below it, so that products fit into 64 bits
BASE = 1_000_003
_SPACE = "▁"  # SentencePiece's mark of a space


class Spelling(NamedTuple):
    """What each piece of a vocabulary writes.

    A word ends where a piece begins another word, and at the end of a sentence.
    Each punctuation mark is a word of its own.

    Attributes:
        begins: (V,), True for pieces that begin a word, whatever comes before.
        stands: (V,), True for pieces that are words of their own, so that the
            piece after them begins a word too.
        lengths: (V,), number of letters.
        codes: (V,), code of the letters.
        sizes: (V,), number of bytes, with the space before a word.
    """

    begins: np.ndarray
    stands: np.ndarray
    lengths: np.ndarray
    codes: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(
        cls,
        pieces: Sequence[str],
        marks: Sequence[int],
        unknown: int,
        is_spaced: bool = True,
    ) -> Spelling:
        """Make an instance.

        Args:
            pieces: the pieces of a vocabulary, as `Tokenizer.pieces` returns
                them.
            marks: ids of pieces without letters, such as the end symbol.
            unknown: id that stands for unknown words, which count as equal.
            is_spaced: whether spaces separate words; if not, each piece is a
                word.
        """
        nothing = {*marks, unknown}
        texts = ["" if i in nothing else x for i, x in enumerate(pieces)]
        letters = [_letters(text.removeprefix(_SPACE)) for text in texts]
        stands = np.array(
            [
                not is_spaced or (bool(part) and not any(map(_is_letter, part)))
                for part in letters
            ]
        )
        stands[unknown] = True
        spaced = [text.startswith(_SPACE) for text in texts]
        return cls(
            stands | np.array(spaced),
            stands,
            np.array([len(part) for part in letters], np.int64),
            np.array([_code(part) for part in letters], np.int64),
            np.array([len(written(text)) for text in texts], np.int32),
        )


def codes(phrase: str) -> list[int]:
    """Return the codes of the words of a phrase; see `Spelling`."""
    words = re.findall(r"[^\W_]+|[^\w ]|_", normalise(phrase))
    return [code(word) for word in words]


def code(word: str) -> int:
    """Return the code of a word, as pieces that spell it have it."""
    return _code([ord(letter) for letter in normalise(word)])


def written(piece: str) -> bytes:
    """Return what a piece writes, with a space for SentencePiece's mark."""
    if _is_byte(piece):
        return bytes([int(piece[3:5], 16)])
    return piece.replace(_SPACE, " ").encode()


def _is_byte(piece: str) -> bool:
    return len(piece) == 6 and piece.startswith("<0x") and piece[-1] == ">"


def _letters(piece: str) -> list[int]:
    """Return the letters of a piece as numbers; a byte has a number of its own.

    No letter has the number of a byte.
    """
    if _is_byte(piece):
        return [0x110000 + int(piece[3:5], 16)]
    return [ord(letter) for letter in piece]


def _is_letter(number: int) -> bool:
    return number >= 0x110000 or chr(number).isalnum()


def _code(letters: Sequence[int]) -> int:
    found = 0
    for letter in reversed(letters):
        found = (found * BASE + letter + 1) % PRIME
    return found
