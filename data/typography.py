"""Typographic variants (forms) of characters, such as ' and ’.

Phones, word processors and keyboards use different characters for the same
apostrophe, quote, dash or letter. A model knows only the characters of its
training text, so other variants must be replaced.
"""

import unicodedata
from collections.abc import Iterator

import regex

# Within a group, each character may replace any other one.
_APOSTROPHES = "'’ʼ′´`‛＇׳"
_SINGLE_OPENINGS = "'‘‛‚`＇"
_DOUBLE_OPENINGS = '"“„‟«〝″＂״'
_DOUBLE_CLOSINGS = '"”“‟»〞″＂״'
_DASHES = "-‐‑‒–—―−－﹣־"
_ELLIPSES = ("...", "…")

# Letters that look alike but differ between keyboards of two languages.
_KEYBOARDS = ("يی", "كک", "هە", "şș", "ţț", "ŞȘ", "ŢȚ", "µμ", "ıi", "İI")

# Several characters that a reader takes for one: "...", or a kana of half width
# with its mark.
_SEVERAL = r"\.\.\.|[\uff66-\uff9d][\uff9e\uff9f]"
SEVERAL = regex.compile(_SEVERAL)
UNITS = regex.compile(rf"{_SEVERAL}|.", regex.S)

_OPENS = regex.compile(r"[\s<\p{Pi}\p{Ps}\p{Pd}]")
_SINGLES = frozenset(_APOSTROPHES + _SINGLE_OPENINGS)
_DOUBLES = frozenset(_DOUBLE_OPENINGS + _DOUBLE_CLOSINGS)


def opens(before: str) -> bool:
    """Tell whether a quote is an opening one, by the character before it.

    Args:
        before: this character, or "" at the start of a text.
    """
    return not before or _OPENS.match(before) is not None


def forms(unit: str, opening: bool) -> Iterator[str]:
    """Yield the close variants of a character, such as ’ for an apostrophe.

    Apostrophes, quotes, ellipses and characters that exist in two widths have
    close variants. Replacing a character by a close variant never splits a word
    or joins two words.

    Args:
        unit: a character; or several that stand for one character, such as
            "..." for "…" (a match of `UNITS`).
        opening: whether a quote at this place would be an opening quote.
    """
    if unit in _SINGLES:
        yield from _SINGLE_OPENINGS if opening else _APOSTROPHES
    elif unit in _DOUBLES:
        yield from _DOUBLE_OPENINGS if opening else _DOUBLE_CLOSINGS
    elif unit in _ELLIPSES:
        yield from _ELLIPSES
    yield from _widths(unit)


def loose_forms(unit: str) -> Iterator[str]:
    """Yield the loose variants of a character, such as - for a long dash.

    The variants of a dash are dashes of other lengths. Those of a letter are
    letters that look alike, but are on keyboards of other languages, such as ș
    for ş. The variant of a digit of another script is the ASCII digit. The NFKC
    form, such as the letters of a ligature, is yielded for any character.

    Args:
        unit: a character; or several that stand for one character, such as
            "..." for "…" (a match of `UNITS`).
    """
    if unit in _DASHES:
        # Spaces are added, since a short dash without them would join two words
        # that a long dash separates.
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
    """Yield the variant of another width, if a character has one.

    For a full-width or half-width character, the variant is the character of
    ordinary width: "A" for the full-width "Ａ". For an ASCII character, the
    variant is the full-width character.
    """
    if any("\uff01" <= character <= "\uffdc" for character in unit):
        yield unicodedata.normalize("NFKC", unit)
    elif len(unit) == 1 and "!" <= unit <= "~":
        yield chr(ord(unit) + 0xFEE0)
