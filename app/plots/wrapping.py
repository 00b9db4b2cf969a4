"""Breaking of texts into lines, with estimates of the width of texts."""

import unicodedata
from collections.abc import Iterator

from app.plots.direction import as_one
from app.plots.fonts import takes_no_room

LETTER = 0.0086  # width of an average letter of size 1 point, in inches


def wrapped(
    text: str,
    width: float,
    size: float,
    *,
    most: int | None = None,
    tear: bool = False,
) -> str:
    """Break a text into lines of limited width.

    A line may end at a space, after a hyphen, or after an ideograph, such as a
    Chinese character.

    Args:
        text: the text; its own line breaks are kept.
        width: greatest width of a line in inches.
        size: size of the letters in points.
        most: greatest number of lines. If the text needs more lines, the rest
            of the text is replaced by "…". If None, any number of lines is
            allowed.
        tear: whether a word that is wider than `width` may be broken between
            any two letters. If not, such a word makes its line wider than
            `width`.

    Returns:
        The text with line breaks.
    """
    limit = max(1.0, width / (LETTER * size))  # in average letters
    lines = [
        line
        for part in text.split("\n")
        for line in as_one(list(_lines(part, limit, tear)))
    ]
    if most is not None and len(lines) > most:
        last = lines[most - 1]
        while last and length(last) + 1 > limit:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last.rstrip()}…"]
    return "\n".join(lines)


def length(text: str) -> float:
    """Estimate the width of a text, in widths of an average letter."""
    return sum(map(_width, text))


def _lines(text: str, limit: float, tear: bool) -> Iterator[str]:
    line = ""
    for piece in _pieces(text, limit, tear):
        if line and length((line + piece).rstrip()) > limit:
            yield line.rstrip()
            line = ""
        line += piece
    yield line.rstrip()


def _pieces(text: str, limit: float, tear: bool) -> Iterator[str]:
    """Split a text into pieces; a line may be broken between any two of them.

    A space or a hyphen belongs to the piece before it.

    Args:
        text: the text to split.
        limit: greatest width of a piece, in widths of an average letter; used
            only if `tear` is true.
        tear: whether words that are wider than `limit` are split too.

    Yields:
        The pieces, in the order of the text.
    """
    piece = ""
    for character in text:
        too_long = tear and length(piece + character) > limit
        if piece and too_long and character != " ":
            yield piece
            piece = ""
        piece += character
        if character in " -" or _width(character) > 1:
            yield piece
            piece = ""
    yield piece


def _width(character: str) -> float:
    if takes_no_room(character):
        return 0.0
    return 1.7 if unicodedata.east_asian_width(character) in "WF" else 1.0
