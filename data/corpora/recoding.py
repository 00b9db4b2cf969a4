"""Conversion of text in Unicode encodings to UTF-8 with LF at line ends."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from data.errors import GlimpseError

# The mark of UTF-32-LE begins with that of UTF-16-LE, so UTF-32-LE is tried
# first.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_EVIDENCE = 1000  # bytes that show the encoding of a text without a mark
_FEWEST = 3  # NULs; fewer may be accidental
_RAREST = 50  # bytes; in any script, so many include a line end or a space

_DAMAGE = "glimpse.damage"  # name of the codec error handler
_NEVER_UTF8 = "\udcff"  # written as the byte 0xff


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding that the byte order mark of a text indicates.

    Args:
        head: first bytes of the text.

    Returns:
        "UTF-16" or "UTF-32"; None if the text begins with another mark (that of
        UTF-8) or without a mark.
    """
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    return None


def unmarked_encoding(head: bytes) -> str | None:
    """Guess the encoding of a text that has no byte order mark.

    The guess depends on the NUL bytes. In UTF-16, spaces, line ends and most
    characters of European languages have two bytes, one of which is NUL: the
    first byte if the byte order is big-endian, else the second. In UTF-32,
    more than half of all bytes are NUL.

    Args:
        head: first bytes of the text.

    Returns:
        Name of the encoding with its byte order, such as "UTF-16LE" or
        "UTF-32BE"; None if the text seems to be in another encoding.
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
    """Return advice on how to convert a text from `encoding` to UTF-8."""
    return (
        "convert it to UTF-8, in an editor or with iconv -f "
        f"{encoding} -t UTF-8 OLD > NEW"
    )


def recoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Convert text in UTF-16 or UTF-32 to UTF-8, and yield it in chunks.

    A text in UTF-16 or UTF-32 is recognised by its byte order mark; any other
    text is yielded unchanged. A damaged part becomes the byte 0xff, which never
    occurs in UTF-8. So a later check of the text finds where the damage is.

    Args:
        chunks: bytes of the text, in chunks of any size; the first chunk must
            contain the whole byte order mark.
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
    """Yield text in which lines end in LF, not in CR alone.

    If lines end in CR alone, each CR is replaced by LF. Any other text is
    yielded unchanged.

    Args:
        path: path of the file, for the error message.
        chunks: bytes of the text, in chunks of any size.
        most: largest number of bytes in a line. Lines are assumed to end in CR
            if there is a CR but no LF among the first `most` bytes.

    Raises:
        GlimpseError: the first lines end in CR, but a later line ends in LF.
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
