"""TSV tables: a check of their columns, and the two sentences of a line."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.errors import GlimpseError

_TAB = ord("\t")
_LAYOUTS = {2: (0, 1), 3: (0, 1), 4: (1, 3)}  # columns of source and target
_NUMBERED = re.compile(
    rb'(?:"\d+"|\d+)[ ]*\t[^\t]*\t[ ]*(?:"\d+"|\d+)[ ]*\t[^\t]*'
)
_ACCEPTED = (
    "source and target, with or without a third column that is left aside, or "
    "Tatoeba's four: number, source, number, target"
)


class Columns:
    """Checker of a table, whose lines must have the same number of columns.

    The table is checked block by block. The first line that is not blank
    decides how many columns the table must have: two, three or four.

    Attributes:
        count: number of columns; 0 if all lines so far were blank.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path

    def check(
        self, block: bytes, ends: np.ndarray, before: int, unclosed: int | None
    ) -> None:
        """Check the next lines of the table.

        Args:
            block: bytes of whole lines.
            ends: indices in the block of the ends of its lines.
            before: number of lines of the table before the block.
            unclosed: line number of the first field whose opening quote is not
                closed, for the error message: see `Quotes.unclosed`.

        Raises:
            GlimpseError: a line has a wrong number of columns, or a line of a
                table of four columns has no number in column 1 or column 3.
        """
        starts = np.concatenate([[0], ends[:-1] + 1])
        places = np.flatnonzero(np.frombuffer(block, np.uint8) == _TAB)
        found = np.diff(np.searchsorted(places, ends), prepend=0) + 1  # by line

        def text(place: int) -> bytes:
            line = block[starts[place] : ends[place]].strip(b"\r")
            return line.removeprefix(BOM_UTF8) if before + place == 0 else line

        if not self.count:
            self._begin(text, found)
        for place in np.flatnonzero(found != self.count).tolist():
            if text(place).strip():
                self._refuse(found[place], before + place + 1, unclosed)
        if self.count == 4:
            for place in np.flatnonzero(found == 4).tolist():
                self._check_numbers(text(place), before + place + 1)

    def _begin(self, text: Callable[[int], bytes], found: np.ndarray) -> None:
        for place, count in enumerate(found):
            line = text(place)
            if line.strip():
                four = count == 4 and _NUMBERED.fullmatch(line)
                self.count = 4 if four else min(max(int(count), 2), 3)
                return

    def _check_numbers(self, line: bytes, number: int) -> None:
        if line.strip() and not _NUMBERED.fullmatch(line):
            raise GlimpseError(
                f"{self._path} has 4 columns in line {number}, but not a "
                "number in both the first and the third, as the lines before; "
                f"wanted in every line are {_ACCEPTED}: mend that line."
            )

    def _refuse(self, found: int, number: int, unclosed: int | None) -> None:
        hint = ""
        if unclosed is not None and unclosed <= number:
            hint = (
                f", or line {unclosed}, if its quote begins a spreadsheet's "
                "cell that holds a tab or a line end"
            )
        raise GlimpseError(
            f"{self._path} has {found} columns in line {number}, but "
            f"{self.count} separated by tabs are wanted in every line "
            f"({_ACCEPTED}): mend that line{hint}."
        )


def pick(line: str, count: int) -> tuple[str, str]:
    """Return the source and the target sentence of a line of a table.

    The two sentences of a blank line are empty.

    Args:
        line: line of the table.
        count: number of columns of the table: 2, 3 or 4.
    """
    if not line.strip():
        return "", ""
    columns = line.split("\t")
    source, target = _LAYOUTS[count]
    return columns[source], columns[target]
