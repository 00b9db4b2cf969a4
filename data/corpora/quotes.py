"""Detection and removal of the quotes that spreadsheet programs add to cells.

When a spreadsheet program saves a table as text, it doubles the quotes inside a
cell, and encloses each cell that contains quotes in another pair of quotes.
Some programs enclose all cells in quotes.
"""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator

import numpy as np

_NEWLINE, _TAB, _QUOTE = b'\n\t"'
_TO_THE_CLOSING = re.compile(rb'"[^"]*(?:""[^"]*)*')


class Quotes:
    """Statistics on the quotes of a file, collected block by block.

    The statistics decide whether a spreadsheet program added the quotes. Tabs
    and line ends separate the fields of the file. In two cases, a
    spreadsheet program is assumed to have added the quotes. First case: each
    field that begins with a quote also ends with one, and some of these fields
    have quotes inside, all doubled. Second case: every field is enclosed in
    quotes.
    """

    def __init__(self) -> None:
        self._quoted = False  # some field is enclosed in quotes
        self._doubled = False  # an enclosed field has a doubled quote
        self._bare = False  # some field does not begin with a quote
        self._spoken = False  # some field begins with a sentence's own quote
        self._unclosed: int | None = None  # line of the first unclosed field

    @property
    def of_spreadsheet(self) -> bool:
        """Whether a spreadsheet program added the quotes found so far."""
        if self._spoken or not self._quoted:
            return False
        return self._doubled or not (self._bare or self._unclosed)

    @property
    def unclosed(self) -> int | None:
        """Line number of the first field whose opening quote is not closed.

        Lines are counted from 1. The number is None if there is no such field.
        It is also None if the file shows that its quotes are part of the text,
        so that an unclosed quote is no error.
        """
        return None if self._spoken else self._unclosed

    def add(self, block: bytes, ends: np.ndarray, before: int) -> None:
        """Add the next lines of the file to the statistics.

        Args:
            block: bytes of whole lines.
            ends: indices in the block of the ends of its lines.
            before: number of lines of the file before the block.
        """
        if self._spoken:
            return
        starts = np.concatenate([[0], ends[:-1] + 1])
        for place in self._places(block, starts, ends):
            line = block[starts[place] : ends[place]].removesuffix(b"\r")
            if before + place == 0:
                line = line.removeprefix(BOM_UTF8)
            for field in line.split(b"\t"):
                self._look(field, before + place + 1)
            if self._spoken:
                return

    def _places(
        self, block: bytes, starts: np.ndarray, ends: np.ndarray
    ) -> Iterator[int]:
        """Yield the indices of the lines to look at.

        These are all lines up to the first field without a quote at its
        beginning. From there on, they are the lines with a field that begins
        with a quote.

        Args:
            block: bytes of whole lines.
            starts: indices in the block of the starts of its lines.
            ends: indices in the block of the ends of its lines.
        """
        place = 0
        while place < len(ends) and not self._bare:
            yield place
            place += 1
        found = _lines_with_quotes(block, starts, ends)
        yield from found[np.searchsorted(found, place) :].tolist()

    def _look(self, field: bytes, number: int) -> None:
        if not field.startswith(b'"'):
            self._bare = self._bare or bool(field.strip())
            return
        match = _TO_THE_CLOSING.match(field)
        assert match is not None  # the field begins with a quote
        rest = field[match.end() :]
        if rest == b'"':
            self._quoted = True
            self._doubled = self._doubled or b'""' in match[0][1:]
        elif rest:
            self._spoken = True
        else:
            self._unclosed = self._unclosed or number


def without_quotes(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without the quotes that a spreadsheet program added."""
    plain = (line.removesuffix("\r").replace("\r", " ") for line in lines)
    return map("\t".join, csv.reader(plain, delimiter="\t"))


def _lines_with_quotes(
    block: bytes, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Return the indices of the lines with a field that begins with a quote.

    Args:
        block: bytes of whole lines.
        starts: indices in the block of the starts of its lines.
        ends: indices in the block of the ends of its lines.
    """
    content = np.frombuffer(block, np.uint8)
    found = np.flatnonzero(content[starts] == _QUOTE)
    if b'\t"' not in block:
        return found
    after_tabs = (content[:-1] == _TAB) & (content[1:] == _QUOTE)
    places = np.searchsorted(ends, np.flatnonzero(after_tabs))
    return np.union1d(found, places)
