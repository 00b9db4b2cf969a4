"""Reading the lines of a corpus's raw files, and saying what ails them."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data.corpora.columns import Columns
from data.corpora.quotes import Quotes, without_quotes
from data.corpora.recoding import (
    how_to_convert,
    marked_encoding,
    recoded,
    unmarked_encoding,
    with_line_feeds,
)
from data.corpora.unpacking import opened, refuse_tar
from data.errors import GlimpseError

LONGEST_LINE = 10_000  # characters; no sentence is, a lost line end makes one

_BLOCK = 1 << 22  # bytes read at a time
_MARK = "\ufeff"  # the byte order mark some editors put first
_NEWLINE = ord("\n")
_OF_QUOTED_TEXT = b"without the quotes"  # a file whose quotes were kept differs
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scan:
    """What one pass over a file found.

    Attributes:
        lines: how many it has.
        checksum: CRC-32 of its text, unpacked, in UTF-8.
        step: every so many lines one was kept.
        sample: the lines 0, `step`, 2 `step`, … of the file.
        quoted: whether a spreadsheet put quotes around its cells; the sample
            is without them.
        columns: how many a table has; 0 for a file that is read as none.
    """

    lines: int
    checksum: int
    step: int
    sample: list[str]
    quoted: bool = False
    columns: int = 0


def find_file(folder: Path, name: str) -> Path | None:
    """Return `folder/name.gz`, else `folder/name`, else None."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a text file.

    It is unpacked if it is gzip, bzip2 or xz, whatever its name. It is in
    UTF-8, or begins with the mark of UTF-16 or UTF-32. A line is what ends in
    `\n`, whatever other Unicode separators it holds, or in `\r` where there is
    no `\n` at all. A byte order mark is none of the text, and neither are the
    quotes that a spreadsheet puts around its cells.

    Raises:
        GlimpseError: what `scan` refuses.
    """
    return list(iterate_lines(path, quoted=scan(path).quoted))


def iterate_lines(path: Path, *, quoted: bool = False) -> Iterator[str]:
    """Yield what `read_lines` returns, without holding it.

    Args:
        path: of the file.
        quoted: whether a spreadsheet put quotes around its cells: see `Scan`.
    """
    lines = _lines(path)
    yield from without_quotes(lines) if quoted else lines


def scan(path: Path, sample_size: int = 1, *, table: bool = False) -> Scan:
    """Read a whole file in one fast pass and check that it is text.

    Which lines are kept as a sample depends on their number alone, so that of
    line-aligned files the same are. A warning says if the quotes of a
    spreadsheet are taken off.

    Args:
        path: see `read_lines`.
        sample_size: most lines kept; of more lines, at least half of it.
        table: whether each line must hold two columns, or each three, or each
            Tatoeba's four, separated by tabs; blank lines may stand between.

    Raises:
        GlimpseError: the file is unreadable, truncated, no text, in another
            encoding, or has a NUL, a line of more than `LONGEST_LINE`
            characters, a spreadsheet's cell of several lines, or not the
            columns it must have; names the file and, for bad text, the line
            and the byte in it, from 1.
    """
    lines = checksum = 0
    sample, quotes, columns = _Sample(sample_size), Quotes(), Columns(path)
    for block in _blocks(path):
        checksum = zlib.crc32(block, checksum)
        _check_text(path, block, lines)
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)
        if not block.endswith(b"\n"):  # the last line of the file
            ends = np.append(ends, len(block))
        _check_lengths(path, block, ends, lines)
        quotes.add(block, ends, lines)
        if table:
            columns.check(block, ends, lines, quotes.unclosed)
        sample.add(block, ends, lines)
        lines += len(ends)
    quoted = _check_quotes(path, quotes)
    return Scan(
        lines,
        zlib.crc32(_OF_QUOTED_TEXT, checksum) if quoted else checksum,
        sample.step,
        sample.texts(quoted),
        quoted,
        columns.count,
    )


class _Sample:
    """Every `step`-th line of a file whose length is not known beforehand."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.step = 1
        self._lines: list[bytes] = []

    def add(self, block: bytes, ends: np.ndarray, before: int) -> None:
        place = -before % self.step
        while place < len(ends):
            start = ends[place - 1] + 1 if place else 0
            self._lines.append(block[start : ends[place]])
            if len(self._lines) > self.size:
                self._lines = self._lines[::2]
                self.step *= 2
            place = place + 1 + (-(before + place + 1) % self.step)

    def texts(self, quoted: bool) -> list[str]:
        texts = [line.decode("utf-8") for line in self._lines]
        if texts:
            texts[0] = texts[0].removeprefix(_MARK)
        return list(without_quotes(texts)) if quoted else texts


def _lines(path: Path) -> Iterator[str]:
    mark = _MARK
    for block in _blocks(path):
        text = block.decode("utf-8").removeprefix(mark).removesuffix("\n")
        yield from text.split("\n")
        mark = ""


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the text in UTF-8, in blocks of whole lines."""
    rest = b""
    most = 4 * LONGEST_LINE  # bytes: more are too long in any script
    with opened(path) as file:
        chunks = recoded(_chunks(path, file))
        for chunk in with_line_feeds(path, chunks, most):
            block = rest + chunk
            end = block.rfind(b"\n") + 1
            rest = block[end:]
            if end:
                yield block[:end]
            if len(rest) > most:
                rest = rest.decode("utf-8", "replace").encode()
                break
    if rest:
        yield rest


def _chunks(path: Path, file: BinaryIO) -> Iterator[bytes]:
    chunk = file.read(_BLOCK)
    refuse_tar(path, chunk)
    while chunk:
        yield chunk
        chunk = file.read(_BLOCK)


def _check_text(path: Path, block: bytes, before: int) -> None:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _no_text(path, block, error.start, before) from error
    place = block.find(b"\0")
    if place >= 0:
        raise _no_text(path, block, place, before)


def _no_text(path: Path, block: bytes, byte: int, before: int) -> GlimpseError:
    """Return what to say of the first byte that is wrong."""
    guess = unmarked_encoding(block) if before == 0 else None
    if guess:
        return GlimpseError(
            f"{path} looks like {guess} without a byte order mark, but UTF-8 "
            f"is wanted, or UTF-16 with its mark: {how_to_convert(guess)}."
        )
    null = block[byte] == 0
    line = before + block.count(b"\n", 0, byte) + 1
    start = block.rfind(b"\n", 0, byte) + 1
    encoding = _marked_encoding(path)
    if encoding:
        place = len(block[start:byte].decode("utf-8")) + 1
        return GlimpseError(
            f"{path} is damaged {encoding}: line {line}, place {place} is "
            f"{'NUL' if null else 'no character'}, so mend that line or fetch "
            "the file again."
        )
    return GlimpseError(
        f"{path} is {'no plain text' if null else 'not UTF-8'}: line {line}, "
        f"byte {byte - start + 1} is {'NUL' if null else hex(block[byte])}, so "
        "convert the file to UTF-8 or mend that line."
    )


def _marked_encoding(path: Path) -> str | None:
    with opened(path) as file:
        return marked_encoding(file.read(_BLOCK))


def _check_quotes(path: Path, quotes: Quotes) -> bool:
    """Return whether they are to be taken off, and say so."""
    if not quotes.of_spreadsheet:
        return False
    if quotes.unclosed is not None:
        raise GlimpseError(
            f"{path} has the quotes of a spreadsheet, but in line "
            f"{quotes.unclosed} begins a cell that holds a tab or a line end, "
            "where a cell should hold one sentence: take these out of the "
            "cell, or close its quote."
        )
    log.warning(
        "%s has the quotes that a spreadsheet puts around its cells; they are "
        "taken off",
        path,
    )
    return True


def _check_lengths(
    path: Path, block: bytes, ends: np.ndarray, before: int
) -> None:
    starts = np.concatenate([[0], ends[:-1] + 1])
    for place in np.flatnonzero(ends - starts > LONGEST_LINE):
        line = block[starts[place] : ends[place]].decode("utf-8")
        if len(line) > LONGEST_LINE:
            raise GlimpseError(
                f"{path} has more than {LONGEST_LINE:,} characters in line "
                f"{before + place + 1}, but a line should hold one sentence: "
                "split it into sentences, or delete it."
            )
