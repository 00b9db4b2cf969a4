"""Characters that are typed in more than one way, and which forms they have.

Phones, word processors and keyboards write the same apostrophe, quote, dash or
letter as other characters. Which of them a model knows, its training text says.
"""

import unicodedata
from collections.abc import Iterator

import regex

# Of each group every character may stand for every other one, as far as it can
# stand where the character is.
_APOSTROPHES = "'’ʼ′´`‛＇׳"
_SINGLE_OPENINGS = "'‘‛‚`＇"
_DOUBLE_OPENINGS = '"“„‟«〝″＂״'
_DOUBLE_CLOSINGS = '"”“‟»〞″＂״'
_DASHES = "-‐‑‒–—―−－﹣־"
_ELLIPSES = ("...", "…")

# Letters that keyboards of one language write otherwise than those of another.
_KEYBOARDS = ("يی", "كک", "هە", "şș", "ţț", "ŞȘ", "ŢȚ", "µμ", "ıi", "İI")

# What is one character to a reader: "...", and a kana of half width with its
# mark.
_SEVERAL = r"\.\.\.|[\uff66-\uff9d][\uff9e\uff9f]"
SEVERAL = regex.compile(_SEVERAL)
UNITS = regex.compile(rf"{_SEVERAL}|.", regex.S)

_OPENS = regex.compile(r"[\s<\p{Pi}\p{Ps}\p{Pd}]")
_SINGLES = frozenset(_APOSTROPHES + _SINGLE_OPENINGS)
_DOUBLES = frozenset(_DOUBLE_OPENINGS + _DOUBLE_CLOSINGS)


def opens(before: str) -> bool:
    """Whether a quote after the character `before`, if any, opens."""
    return not before or _OPENS.match(before) is not None


def forms(unit: str, opening: bool) -> Iterator[str]:
    """Yield the forms of an apostrophe, quote, ellipsis or wide letter.

    No form changes where words begin and end.

    Args:
        unit: one of those `UNITS` finds.
        opening: whether it stands where a quote opens.
    """
    if unit in _SINGLES:
        yield from _SINGLE_OPENINGS if opening else _APOSTROPHES
    elif unit in _DOUBLES:
        yield from _DOUBLE_OPENINGS if opening else _DOUBLE_CLOSINGS
    elif unit in _ELLIPSES:
        yield from _ELLIPSES
    yield from _widths(unit)


def loose_forms(unit: str) -> Iterator[str]:
    """Yield forms of `unit` that a reader takes for it, if less exactly.

    Dashes of another length, letters of other keyboards, digits of other
    scripts, ligatures and other compatible characters.
    """
    if unit in _DASHES:
        # Between words it would join what a long dash parts.
        yield from (f" {dash} " if unit in "—―" else dash for dash in _DASHES)
        yield from _DASHES
    for group in _KEYBOARDS:
        if unit in group:
            yield from group
    digit = unicodedata.digit(unit, None) if len(unit) == 1 else None
    if digit is not None:
        yield str(digit)
    yield unicodedata.normalize("NFKC", unit)


def _widths(unit: str) -> Iterator[str]:
    """The form of full width of what is narrow, and the other way round."""
    if any("\uff01" <= character <= "\uffdc" for character in unit):
        yield unicodedata.normalize("NFKC", unit)
    elif len(unit) == 1 and "!" <= unit <= "~":
        yield chr(ord(unit) + 0xFEE0)
