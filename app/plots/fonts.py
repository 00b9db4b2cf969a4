"""Choice of installed fonts that have glyphs for all characters of a text."""

import logging
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.ft2font import FT2Font

from app.plots.direction import CONTROLS

BASE = "DejaVu Sans"  # comes with matplotlib: Latin to Cyrillic, Arabic, Hebrew
MISSING = "□"

log = logging.getLogger(__name__)


class Font(NamedTuple):
    """Installed font.

    Attributes:
        family: name of the font in matplotlib.
        path: path of the font file.
        face: index of the font in the file, which may have several fonts.
    """

    family: str
    path: str
    face: int


def families(text: str) -> tuple[str, ...]:
    """List the names of the fonts that are needed to draw a text.

    The first one is always `BASE`, the font that comes with matplotlib.
    Matplotlib takes each glyph from the first font of the list that has it.
    """
    drawn = (character for character in text if character not in CONTROLS)
    found = map(family_of, drawn)
    return tuple(dict.fromkeys([BASE, *filter(None, found)]))


def legible(text: str) -> str:
    """Replace each character that no installed font can draw with "□".

    If such a character takes no room, as accents and joiners do, it is removed
    instead. Line breaks, and invisible marks that set the direction of reading,
    are always kept. For each writing system with characters that no font can
    draw, one warning is logged.
    """
    return "".join(map(_legible, text))


def shortened(text: str, longest: int) -> str:
    """Cut a text to at most `longest` characters.

    If anything is cut off, the last character of the result is "…". Invisible
    characters, and combining characters such as accents, are not counted.
    """
    places = [at for at, each in enumerate(text) if not takes_no_room(each)]
    if len(places) <= longest:
        return text
    return text[: places[longest - 1]] + "…"


def takes_no_room(character: str) -> bool:
    """Tell whether a character adds no width to a text.

    Such a character is either invisible or drawn onto the character before it,
    as combining accents are.
    """
    return unicodedata.category(character) in ("Cf", "Mn", "Me")


@lru_cache(maxsize=1 << 14)
def family_of(character: str) -> str | None:
    """Return the name of the first font that has a glyph for a character.

    The result is None if no installed font has one.
    """
    code = ord(character)
    return next(
        (font.family for font in _fonts() if code in _codes(font)), None
    )


@cache
def _fonts() -> tuple[Font, ...]:
    """List the upright fonts in the order in which they are tried.

    The first is `BASE`, the font that comes with matplotlib; then come the
    fonts of the system, as sorted by `_preference`.
    """
    own = matplotlib.get_data_path()  # has BASE, and fonts for mathematics
    upright = [
        each
        for each in fontManager.ttflist
        if each.style == each.variant == each.stretch == "normal"
        and (each.name == BASE or not Path(each.fname).is_relative_to(own))
    ]
    return tuple(
        Font(each.name, each.fname, each.index)
        for each in sorted(upright, key=_preference)
    )


def _preference(entry: FontEntry) -> tuple[bool, bool, bool, str]:
    """Return a key for sorting fonts: the best fonts have the smallest keys.

    `BASE` is the best font. Fonts of regular weight are better than fonts of
    other weights. Among fonts of regular weight, and likewise among the
    others, fonts without serifs are better than fonts with serifs or with
    letters of equal width. Fonts of other weights are not left out, since some
    writing systems may have no font of regular weight.
    """
    regular = entry.weight in (400, "normal", "regular")
    sans = not any(kind in entry.name for kind in ("Serif", "Mono"))
    return (entry.name != BASE, not regular, not sans, entry.name)


@cache
def _codes(font: Font) -> np.ndarray:
    """Return an array (N,) of the code points for which a font has glyphs."""
    try:
        opened = FT2Font(font.path, face_index=font.face)
    except (OSError, RuntimeError):  # the file is gone, or has only bitmaps
        return np.zeros(0, np.uint32)
    return np.fromiter(opened.get_charmap(), np.uint32)


def _legible(character: str) -> str:
    if character == "\n" or character in CONTROLS or family_of(character):
        return character
    if takes_no_room(character):
        return ""
    if unicodedata.category(character)[0] != "C":
        _warn(*_script(character))
    return MISSING


def _script(character: str) -> tuple[str, str]:
    """Return the names of a character's writing system and of a font for it.

    For a Thai letter, the result is `("Thai", "Noto Sans Thai")`.
    """
    if unicodedata.category(character)[0] == "S":
        return "symbol", "Noto Emoji"
    if unicodedata.east_asian_width(character) in "WFH":
        return "Chinese, Japanese or Korean", "Noto Sans CJK"
    name = unicodedata.name(character, "unknown").split()[0]
    return name.capitalize(), f"Noto Sans {name.capitalize()}"


@cache  # so that there is one warning for each script
def _warn(script: str, font: str) -> None:
    log.warning(
        "No font here has some of the %s characters, so pictures show %s for "
        "them; install a font that has them, such as %s",
        script,
        MISSING,
        font,
    )
