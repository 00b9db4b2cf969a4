"""Direction of texts: right to left, as in Arabic, or left to right.

Matplotlib joins Arabic letters correctly, but takes the direction of a whole
line from the first letter of the line. If this direction is wrong, the
functions of this module add invisible Unicode characters that set the correct
direction (Unicode Standard Annex 9).
"""

import unicodedata
from collections.abc import Iterator, Sequence

from app.alignment import END

LEFT_TO_RIGHT, RIGHT_TO_LEFT = "\u200e", "\u200f"  # invisible letters
ISOLATES = {True: "\u2067", False: "\u2066"}  # True: right to left
OPENING, CLOSING = "\u2066\u2067\u2068", "\u2069"
CONTROLS = frozenset(
    LEFT_TO_RIGHT
    + RIGHT_TO_LEFT
    + OPENING
    + CLOSING
    + "\u061c\u202a\u202b\u202c\u202d\u202e"
)


def right_to_left(words: Sequence[str]) -> bool:
    """Tell whether most letters of the words are read from right to left.

    For example, letters of Arabic and Hebrew are read from right to left. The
    label for the end of a sentence is ignored.
    """
    leftward = [
        kind for word in words if word != END for kind in _directions(word)
    ]
    return 2 * sum(leftward) > len(leftward)


def isolated(text: str) -> str:
    """Enclose a text in invisible marks that isolate its direction.

    If the enclosed text becomes part of a longer text, the direction of the
    part does not change the order in which the rest of the longer text is
    drawn. A text is returned unchanged if it has no letters that are read from
    right to left and no Arabic-Indic digits (U+0660 to U+0669).
    """
    if not _changes_order(text):
        return text
    return ISOLATES[right_to_left([text])] + text + CLOSING


def in_sentence(word: str, leftward: bool) -> str:
    """Add an invisible mark of direction before a word that needs one.

    The word is drawn alone, but must look as it does in its sentence. So the
    mark gives it the direction of its sentence. A word may need a mark if it
    has no letters (for example, a bracket or a number), or if it has letters of
    both directions. If all its letters have the same direction, it needs none.

    Args:
        word: the word to draw.
        leftward: whether its sentence is read from right to left.

    Returns:
        The word, with a mark before it if it needs one.
    """
    found = set(_directions(word))
    if len(found) == 1 or not (leftward or _changes_order(word)):
        return word
    return (RIGHT_TO_LEFT if leftward else LEFT_TO_RIGHT) + word


def starts_leftward(text: str) -> bool:
    """Tell whether the first letter of a text is read from right to left.

    Parts that `isolated` has enclosed in marks are skipped. If there is no
    letter, the result is False.
    """
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
    """Give each line of a paragraph the direction of the paragraph.

    An invisible mark at the start of each line sets the direction that
    `starts_leftward` finds for the paragraph. If a part that `isolated` has
    enclosed in marks extends over several lines, each of these lines gets
    isolating marks of its own for this part.

    Args:
        lines: the lines of the paragraph; they may contain marks of `isolated`,
            but no other invisible marks of direction.

    Returns:
        The lines with marks. If there is only one line, or if no line would be
        changed by `isolated`, the lines are returned unchanged.
    """
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
    """Yield for each letter of a text whether it is read from right to left."""
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
    """Return the opening isolating marks that lack a closing mark."""
    found: list[str] = []
    for character in text:
        if character in OPENING:
            found.append(character)
        elif character == CLOSING and found:
            found.pop()
    return "".join(found)
