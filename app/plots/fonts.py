"""Which fonts draw a text: by the glyphs they have, among those installed."""

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
    """A file, which face of it, and the name matplotlib finds it by."""

    family: str
    path: str
    face: int


def families(text: str) -> tuple[str, ...]:
    """The fonts that draw `text`, as names for matplotlib, `BASE` first.

    Matplotlib takes each glyph from the first of them that has it.
    """
    drawn = (character for character in text if character not in CONTROLS)
    found = map(family_of, drawn)
    return tuple(dict.fromkeys([BASE, *filter(None, found)]))


def legible(text: str) -> str:
    """The text with □ for each character that no font here can draw.

    Marks without a glyph of their own, such as joiners, are left out, unless
    they say which way to read. The first character of each script that is
    missed is worth a warning.
    """
    return "".join(map(_legible, text))


def shortened(text: str, longest: int) -> str:
    """The text, its end cut off if it takes the room of more letters."""
    places = [at for at, each in enumerate(text) if not takes_no_room(each)]
    if len(places) <= longest:
        return text
    return text[: places[longest - 1]] + "…"


def takes_no_room(character: str) -> bool:
    """Whether it is a mark on a letter, or not seen at all."""
    return unicodedata.category(character) in ("Cf", "Mn", "Me")


@lru_cache(maxsize=1 << 14)
def family_of(character: str) -> str | None:
    """The first font that can draw `character`, None where none can."""
    code = ord(character)
    return next(
        (font.family for font in _fonts() if code in _codes(font)), None
    )


@cache
def _fonts() -> tuple[Font, ...]:
    """`BASE`, then those of the system, the plainest first."""
    own = matplotlib.get_data_path()  # but BASE they are for mathematics
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
    """Some families have no regular weight, but are better than boxes."""
    regular = entry.weight in (400, "normal", "regular")
    sans = not any(kind in entry.name for kind in ("Serif", "Mono"))
    return (entry.name != BASE, not regular, not sans, entry.name)


@cache
def _codes(font: Font) -> np.ndarray:
    """The characters it has glyphs for: (number,) code points."""
    try:
        opened = FT2Font(font.path, face_index=font.face)
    except (OSError, RuntimeError):  # gone, or of bitmaps only
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
    """Its name, and a font that has it."""
    if unicodedata.category(character)[0] == "S":
        return "symbol", "Noto Emoji"
    if unicodedata.east_asian_width(character) in "WFH":
        return "Chinese, Japanese or Korean", "Noto Sans CJK"
    name = unicodedata.name(character, "unknown").split()[0]
    return name.capitalize(), f"Noto Sans {name.capitalize()}"


@cache  # so that each is said once
def _warn(script: str, font: str) -> None:
    log.warning(
        "No font here has some of the %s characters, so pictures show %s for "
        "them; install one that has, such as %s",
        script,
        MISSING,
        font,
    )
