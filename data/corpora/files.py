"""Reading the lines of a corpus's raw files, and saying what ails them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from data.errors import GlimpseError

LONGEST_LINE = 10_000  # characters; no sentence is, a lost line end makes one

_BLOCK = 1 << 22  # bytes read at a time
_MARK = "\ufeff"  # the byte order mark some editors put first
_NEWLINE, _TAB = b"\n\t"


@dataclass(frozen=True)
class Scan:
    """What one pass over a file found.

    Attributes:
        lines: how many it has.
        checksum: CRC-32 of its text, unpacked.
        step: every so many lines one was kept.
        sample: the lines 0, `step`, 2 `step`, … of the file.
    """

    lines: int
    checksum: int
    step: int
    sample: list[str]


def find_file(folder: Path, name: str) -> Path | None:
    """Return `folder/name.gz`, else `folder/name`, else None."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a UTF-8 file, which is unpacked if it is a `.gz`.

    A line is what ends in `\n`, whatever other Unicode separators it holds; a
    byte order mark is none of the text.

    Raises:
        GlimpseError: what `scan` refuses.
    """
    scan(path)
    return list(iterate_lines(path))


def iterate_lines(path: Path) -> Iterator[str]:
    """Yield what `read_lines` returns, without holding it."""
    with _opened(path) as file:
        for number, line in enumerate(file):
            text = line.decode("utf-8").removesuffix("\n")
            yield text.removeprefix(_MARK) if number == 0 else text


def scan(path: Path, sample_size: int = 1, *, table: bool = False) -> Scan:
    """Read a whole file in one fast pass and check that it is text.

    Which lines are kept as a sample depends on their number alone, so that of
    line-aligned files the same are.

    Args:
        path: a UTF-8 file, unpacked if it is a `.gz`.
        sample_size: most lines kept; of more lines, at least half of it.
        table: whether each line must hold two columns, or each three,
            separated by tabs; blank lines may stand between.

    Raises:
        GlimpseError: the file is unreadable, truncated, not UTF-8, or has a NUL
            or a line of more than `LONGEST_LINE` characters, or not the columns
            it must have; names the file and, for bad text, the line and the
            byte in it, from 1.
    """
    lines = checksum = tabs = 0
    sample = _Sample(sample_size)
    for block in _blocks(path):
        checksum = zlib.crc32(block, checksum)
        _check_text(path, block, lines)
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)
        if not block.endswith(b"\n"):  # the last line of the file
            ends = np.append(ends, len(block))
        _check_lengths(path, block, ends, lines)
        if table:
            tabs = tabs or max(1, block[: ends[0]].count(b"\t"))
            _check_columns(path, block, ends, lines, min(tabs, 2))
        sample.add(block, ends, lines)
        lines += len(ends)
    return Scan(lines, checksum, sample.step, sample.texts())


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

    def texts(self) -> list[str]:
        texts = [line.decode("utf-8") for line in self._lines]
        return [texts[0].removeprefix(_MARK), *texts[1:]] if texts else []


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the file in blocks of whole lines."""
    rest = b""
    with _opened(path) as file:
        while block := file.read(_BLOCK):
            block = rest + block
            end = block.rfind(b"\n") + 1
            rest = block[end:]
            if end:
                yield block[:end]
            if len(rest) > 4 * LONGEST_LINE:  # bytes: too long in any script
                rest = rest.decode("utf-8", "ignore").encode()
                break
    if rest:
        yield rest


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        open_it: Any = gzip.open if path.suffix == ".gz" else open
        with open_it(path, "rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise GlimpseError(
            f"{path} is truncated or no gzip file ({error}): fetch it again."
        ) from error
    except OSError as error:
        raise GlimpseError(
            f"{path} cannot be read ({error.strerror or error}): check that "
            "it is there, is a file and that its permissions allow it."
        ) from error


def _check_text(path: Path, block: bytes, before: int) -> None:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        wide = before == 0 and block[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise GlimpseError(
            f"{path} is not UTF-8: {_place(block, error.start, before)} is "
            f"{block[error.start]:#04x}, so convert the file to UTF-8"
            + (" (it looks like UTF-16)." if wide else " or mend that line.")
        ) from error
    place = block.find(b"\0")
    if place >= 0:
        raise GlimpseError(
            f"{path} is no plain text: {_place(block, place, before)} is NUL, "
            "so convert the file to UTF-8 or mend that line."
        )


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


def _check_columns(
    path: Path, block: bytes, ends: np.ndarray, before: int, tabs: int
) -> None:
    places = np.flatnonzero(np.frombuffer(block, np.uint8) == _TAB)
    found = np.diff(np.searchsorted(places, ends), prepend=0)  # a line
    for place in np.flatnonzero(found != tabs):
        start = ends[place - 1] + 1 if place else 0
        if block[start : ends[place]].strip():
            raise GlimpseError(
                f"{path} has {found[place] + 1} columns in line "
                f"{before + place + 1}, but {tabs + 1} separated by tabs are "
                "wanted in every line (source, target, and if all lines have "
                "it a third that is left aside): mend that line."
            )


def _place(block: bytes, byte: int, before: int) -> str:
    line = before + block.count(b"\n", 0, byte) + 1
    column = byte - block.rfind(b"\n", 0, byte)
    return f"line {line}, byte {column}"
