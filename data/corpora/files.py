"""Reading of a corpus's raw text files: their lines, and checks of them."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data.corpora.quotes import Quotes, without_quotes
from data.corpora.recoding import (
    how_to_convert,
    marked_encoding,
    recoded,
    unmarked_encoding,
    with_line_feeds,
)
from data.corpora.tsv import Columns
from data.corpora.unpacking import opened, refuse_tar
from data.errors import GlimpseError

LONGEST_LINE = 10_000  # characters; a longer line surely lacks a line end

_BLOCK = 1 << 22  # bytes read at a time
_MARK = "\ufeff"  # byte order mark, which some editors put at the start
_NEWLINE = ord("\n")
_OF_QUOTED_TEXT = b"without the quotes"  # for the checksum of such text
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scan:
    """Result of `scan`, which reads a whole text file once and checks it.

    Attributes:
        lines: number of lines.
        checksum: CRC-32 of the unpacked text in UTF-8. If `quoted` is true, a
            fixed string is appended to the text first, so that text whose
            quotes are removed has a checksum of its own.
        step: interval between the lines in `sample`, as a number of lines.
        sample: lines 0, `step`, 2 · `step`, … of the file.
        quoted: whether the file has quotes that a spreadsheet program put
            around its cells; they are removed from the sample.
        columns: number of columns if the file was checked as a table, else 0.
    """

    lines: int
    checksum: int
    step: int
    sample: list[str]
    quoted: bool = False
    columns: int = 0


def find_file(folder: Path, name: str) -> Path | None:
    """Return the path of `name.gz` or, if it is missing, of `name` in a folder.

    The result is None if both are missing.
    """
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a text file.

    A gzip, bzip2 or xz file is unpacked, whatever its name. The text must be
    in UTF-8, or begin with the byte order mark of UTF-16 or UTF-32. Lines end
    in `\n`, or in `\r` if there is no `\n` at all; other Unicode separators do
    not end a line. The byte order mark is removed, and so are the quotes that a
    spreadsheet program puts around its cells.

    Raises:
        GlimpseError: see `scan`.
    """
    return list(iterate_lines(path, quoted=scan(path).quoted))


def iterate_lines(path: Path, *, quoted: bool = False) -> Iterator[str]:
    """Yield the lines of a text file as `read_lines` returns them.

    Args:
        path: path of the file.
        quoted: whether to remove the quotes that a spreadsheet program put
            around its cells. `Scan.quoted` tells whether a file has them.
    """
    lines = _lines(path)
    yield from without_quotes(lines) if quoted else lines


def scan(path: Path, sample_size: int = 1, *, table: bool = False) -> Scan:
    """Read a whole file in one fast pass, check its text and draw a sample.

    The choice of the lines of the sample depends only on `sample_size` and on
    the number of lines. So if two files correspond line by line, their samples
    also correspond. A warning is logged if a spreadsheet program added quotes
    to the file.

    Args:
        path: path of a text file, as in `read_lines`.
        sample_size: largest number of lines in the sample. If the file has more
            lines than `sample_size`, the sample has at least `sample_size / 2`
            lines.
        table: whether the file must be a table of columns separated by tabs.
            All lines must have the same number of columns: two, three, or
            four as in Tatoeba's exports (number of the source sentence, source
            sentence, number of the target sentence, target sentence). Blank
            lines are allowed.

    Raises:
        GlimpseError: the file is unreadable, truncated, not text, or in a wrong
            encoding; or it has a NUL, a line of more than `LONGEST_LINE`
            characters, a spreadsheet cell that contains a tab or a line end, or
            a table line with a wrong number of columns. The error names the
            file. For bad text, it also gives the number of the line, and the
            place of the bad byte in this line, both counted from 1.
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
    """Sample of every `step`-th line of a file of unknown length.

    When the sample grows beyond `size` lines, every other line is removed and
    `step` is doubled.
    """

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
    """Yield the unpacked text of a file in UTF-8, in blocks of whole lines.

    If a line is far too long, the reading stops there, and the last block holds
    only the beginning of this line.
    """
    rest = b""
    most = 4 * LONGEST_LINE  # bytes; a longer line is too long in any script
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
    """Return the error for a byte that is NUL or not valid UTF-8.

    Args:
        path: path of the file.
        block: block of whole lines, in UTF-8.
        byte: index of the wrong byte in the block.
        before: number of lines of the file before the block.
    """
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
    """Tell whether a spreadsheet program added the quotes of a file.

    If so, a warning is logged, because the quotes are removed when the file is
    read.

    Raises:
        GlimpseError: there are such quotes, but one of them is not closed in
            its line.
    """
    if not quotes.of_spreadsheet:
        return False
    if quotes.unclosed is not None:
        raise GlimpseError(
            f"{path} has the quotes of a spreadsheet, but the cell that begins "
            f"in line {quotes.unclosed} holds a tab or a line end, while it "
            "should hold one sentence: take these out of the cell, or close "
            "its quote."
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
