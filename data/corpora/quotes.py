"""Whose the quotes in a file are: its sentences', or a spreadsheet's.

A spreadsheet that saves its cells as text puts those with a quote inside, and
some put all, between quotes, and doubles the quotes inside.
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
    """What is known of the quotes in a file, as its blocks go by.

    A field is what stands between tabs and line ends. The quotes are a
    spreadsheet's if each field that begins with one ends with one, those
    inside are doubled, and there are some inside; or if every field is quoted.
    """

    def __init__(self) -> None:
        self._quoted = False  # a field
        self._doubled = False  # a quote in a quoted field
        self._bare = False  # a field
        self._spoken = False  # a quote at the start: a sentence's
        self._unclosed: int | None = None  # the line of the first such field

    @property
    def of_spreadsheet(self) -> bool:
        """Whether they are, as far as the file is known."""
        if self._spoken or not self._quoted:
            return False
        return self._doubled or not (self._bare or self._unclosed)

    @property
    def unclosed(self) -> int | None:
        """The first line with a field that is opened only, from 1."""
        return None if self._spoken else self._unclosed

    def add(self, block: bytes, ends: np.ndarray, before: int) -> None:
        """Look at the next lines.

        Args:
            block: whole lines.
            ends: where in it they end.
            before: how many lines came before.
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
        """Yield the lines that may tell something."""
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
        assert match is not None  # it begins with one
        rest = field[match.end() :]
        if rest == b'"':
            self._quoted = True
            self._doubled = self._doubled or b'""' in match[0][1:]
        elif rest:
            self._spoken = True
        else:
            self._unclosed = self._unclosed or number


def without_quotes(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of a spreadsheet's fields without the quotes it added."""
    plain = (line.removesuffix("\r").replace("\r", " ") for line in lines)
    return map("\t".join, csv.reader(plain, delimiter="\t"))


def _lines_with_quotes(
    block: bytes, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Return the lines with a field that begins with a quote."""
    content = np.frombuffer(block, np.uint8)
    found = np.flatnonzero(content[starts] == _QUOTE)
    if b'\t"' not in block:
        return found
    after_tabs = (content[:-1] == _TAB) & (content[1:] == _QUOTE)
    places = np.searchsorted(ends, np.flatnonzero(after_tabs))
    return np.union1d(found, places)
