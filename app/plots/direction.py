"""Which way a text runs: matplotlib orders each line of it by itself.

It joins Arabic letters and puts a line in order, in the direction of the
first letter of the line. What it cannot know is said by characters of Unicode
that are not seen (Unicode Standard Annex 9).
"""

import unicodedata
from collections.abc import Iterator, Sequence

from app.alignment import END

LEFT_TO_RIGHT, RIGHT_TO_LEFT = "\u200e", "\u200f"  # marks, like a letter
ISOLATES = {True: "\u2067", False: "\u2066"}  # by whether they run leftward
OPENING, CLOSING = "\u2066\u2067\u2068", "\u2069"
CONTROLS = frozenset(
    LEFT_TO_RIGHT
    + RIGHT_TO_LEFT
    + OPENING
    + CLOSING
    + "\u061c\u202a\u202b\u202c\u202d\u202e"
)


def right_to_left(words: Sequence[str]) -> bool:
    """Whether most letters are of a script such as Arabic or Hebrew."""
    leftward = [
        kind for word in words if word != END for kind in _directions(word)
    ]
    return 2 * sum(leftward) > len(leftward)


def isolated(text: str) -> str:
    """The text as a part of another that is not to change its order."""
    if not _changes_order(text):
        return text
    return ISOLATES[right_to_left([text])] + text + CLOSING


def in_sentence(word: str, leftward: bool) -> str:
    """A word that stands alone, drawn as it would be in its sentence.

    Brackets and numbers have no direction of their own, and a word of two
    scripts has both; but a word of one script is read in its own direction.

    Args:
        word: what is drawn.
        leftward: whether its sentence runs from right to left.
    """
    found = set(_directions(word))
    if len(found) == 1 or not (leftward or _changes_order(word)):
        return word
    return (RIGHT_TO_LEFT if leftward else LEFT_TO_RIGHT) + word


def starts_leftward(text: str) -> bool:
    """Whether its first letter is, of those that are not isolated."""
    depth = 0
    for character in text:
        if character in OPENING:
            depth += 1
        elif character == CLOSING:
            depth = max(depth - 1, 0)
        elif depth == 0:
            for leftward in _directions(character):
                return leftward
    return False


def as_one(lines: Sequence[str]) -> list[str]:
    """The lines of one paragraph, each drawn in the paragraph's direction."""
    text = "".join(lines)
    if len(lines) < 2 or not _changes_order(text):
        return list(lines)
    mark = RIGHT_TO_LEFT if starts_leftward(text) else LEFT_TO_RIGHT
    result, opened = [], ""
    for line in lines:
        before, opened = opened, _opened(opened + line)
        result.append(mark + before + line + CLOSING * len(opened))
    return result


def _directions(text: str) -> Iterator[bool]:
    """Of each letter, whether it is read from right to left."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("L", "R", "AL"):
            yield kind != "L"


def _changes_order(text: str) -> bool:
    return any(
        unicodedata.bidirectional(character) in ("R", "AL", "AN")
        for character in text
    )


def _opened(text: str) -> str:
    """What is isolated up to the end of the text: what opened it."""
    found: list[str] = []
    for character in text:
        if character in OPENING:
            found.append(character)
        elif character == CLOSING and found:
            found.pop()
    return "".join(found)
