"""Beginnings: the texts that a target must begin with, for search.

A beginning may be spelt by any pieces, and the last of them may go on beyond
it: "Le cha" can begin "Le chat". So the tables of this module say, for each
number of bytes of the beginning that are written, which pieces may come next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from data.errors import GlimpseError
from data.spelling import written
from data.text import normalise


class Speller:
    """Speller of beginnings with the pieces of one vocabulary.

    Args:
        pieces: the pieces of a vocabulary, as `Tokenizer.pieces` returns them.
        marks: ids of pieces that write nothing, such as the end symbol.
    """

    def __init__(self, pieces: Sequence[str], marks: Sequence[int]) -> None:
        texts = [
            b"" if place in marks else written(piece)
            for place, piece in enumerate(pieces)
        ]
        self.sizes = np.array([len(each) for each in texts], np.int32)
        self._ids: dict[bytes, list[int]] = defaultdict(list)
        for place, text in enumerate(texts):
            self._ids[text].append(place)
        self._texts = sorted(self._ids)

    def tables(self, beginnings: Sequence[str]) -> np.ndarray:
        """Return the tables of the beginnings of B sentences.

        The result is an array (B, N, V), for `models.search.rules.begin_with`:
        True where a piece may come after n bytes of a beginning.

        Args:
            beginnings: texts; an empty one allows every target. A space at the
                end of a text means that its last word is complete.

        Raises:
            GlimpseError: the pieces cannot write one of them.
        """
        tables = [self._table(each) for each in beginnings]
        longest = max(map(len, tables))
        allowed = np.ones((len(tables), longest + 1, len(self.sizes)), bool)
        for rows, table in zip(allowed, tables, strict=True):
            rows[: len(table)] = table
        return allowed

    def _table(self, beginning: str) -> np.ndarray:
        """Return which pieces may come after each byte of one beginning."""
        text = normalise(beginning)
        if not text:
            return np.zeros((0, len(self.sizes)), bool)
        ended = " " if beginning[-1].isspace() else ""
        left = f" {text}{ended}".encode()
        table = np.zeros((len(left), len(self.sizes)), bool)
        can_end = np.ones(len(left) + 1, bool)
        for place in reversed(range(len(left))):
            ids = np.array(self._next(left[place:]), int)
            ends = np.minimum(place + self.sizes[ids], len(left))
            table[place, ids[can_end[ends]]] = True
            can_end[place] = table[place].any()
        if not can_end[0]:
            raise GlimpseError(
                f"A translation cannot begin with '{text}', since the model's "
                "vocabulary has no pieces for some of its words: give another "
                "beginning"
            )
        return table

    def _next(self, left: bytes) -> list[int]:
        """Return the pieces that begin with `left`, or that it begins with."""
        texts = [left[:size] for size in range(1, len(left))]
        first = bisect_left(self._texts, left)
        last = bisect_left(self._texts, left + b"\xff")
        texts += self._texts[first:last]
        return [place for text in texts for place in self._ids.get(text, ())]
