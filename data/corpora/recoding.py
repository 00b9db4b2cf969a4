"""Text of other encodings and line ends, as UTF-8 whose lines end in LF."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from data.errors import GlimpseError

# That of UTF-32-LE begins like that of UTF-16-LE, so it is looked for first.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_EVIDENCE = 1000  # bytes that show how a text without a mark is encoded
_FEWEST = 3  # NULs that are no accident
_RAREST = 50  # a line end or space in so many bytes: no script has fewer

_DAMAGE = "glimpse.damage"
_NEVER_UTF8 = "\udcff"  # written as the byte 0xff


def marked_encoding(head: bytes) -> str | None:
    """Return which encoding the byte order mark of a text tells.

    None where there is no mark, or that of UTF-8.
    """
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    return None


def unmarked_encoding(head: bytes) -> str | None:
    """Return which encoding a text without a mark evidently has.

    In UTF-16, spaces and line ends, and most of the text in European
    languages, have a NUL for one of their two bytes, always the same one.

    Args:
        head: what the text begins with.
    """
    head = head[:_EVIDENCE]
    nulls = head.count(0)
    if nulls < _FEWEST or nulls * _RAREST < len(head):
        return None
    if nulls * 2 > len(head) + 1:
        return "UTF-32BE" if head[0] == 0 else "UTF-32LE"
    if nulls == head[::2].count(0):
        return "UTF-16BE"
    return "UTF-16LE" if nulls == head[1::2].count(0) else None


def how_to_convert(encoding: str) -> str:
    """Return what to do about a text in an encoding that it does not tell."""
    return (
        "convert it to UTF-8, in an editor or with iconv -f "
        f"{encoding} -t UTF-8 OLD > NEW"
    )


def recoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield text in UTF-8, if its byte order mark says that it is not yet.

    What is damaged becomes the byte 0xff, which UTF-8 does not have: who
    checks the text finds it where it is.

    Args:
        chunks: of the text, wherever they are parted; the first is at least
            as long as a mark.
    """
    chunks = iter(chunks)
    first = next(chunks, b"")
    encoding = marked_encoding(first)
    if encoding is None:
        yield first
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)(_DAMAGE)
    for chunk in chain([first], chunks):
        yield _utf8(decoder.decode(chunk))
    yield _utf8(decoder.decode(b"", final=True))


def with_line_feeds(
    path: Path, chunks: Iterable[bytes], most: int
) -> Iterator[bytes]:
    """Yield text with LF for each CR, if it has no LF at all.

    Args:
        path: of the file, for the error.
        chunks: of the text, wherever they are parted.
        most: bytes that a line may have: among more, there is a line end.

    Raises:
        GlimpseError: line ends of both kinds, and too late to be one line.
    """
    chunks = iter(chunks)
    head = b""
    for chunk in chunks:
        head += chunk
        if b"\n" in head or len(head) > most:
            break
    if b"\n" in head[:most] or b"\r" not in head[:most]:
        yield head
        yield from chunks
        return
    lines = 0
    for chunk in chain([head], chunks):
        if b"\n" in chunk:
            lines += chunk[: chunk.index(b"\n")].count(b"\r") + 1
            raise GlimpseError(
                f"{path} has lines that end in CR alone, but line {lines} ends "
                "in LF: give all lines the same end."
            )
        lines += chunk.count(b"\r")
        yield chunk.replace(b"\r", b"\n")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _mark_damage(error: Any) -> tuple[str, int]:
    return _NEVER_UTF8, error.end


codecs.register_error(_DAMAGE, _mark_damage)
