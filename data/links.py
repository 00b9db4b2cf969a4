"""Word alignments as Pharaoh writes them: `i-j` sure, `ipj` possible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from data.errors import GlimpseError
from data.text import words

Link = tuple[int, int]  # source word, target word, of `data.words`, from 0

_LINK = re.compile(r"(\d+)([-p])(\d+)", re.ASCII)


@dataclass(frozen=True)
class Gold:
    """Links made by hand: the sure ones, and the possible, sure included."""

    sure: frozenset[Link]
    possible: frozenset[Link]


def parse_pharaoh(text: str) -> Gold:
    """Read `i-j` (sure) and `ipj` (possible) links, separated by spaces.

    Raises:
        GlimpseError: something else is there.
    """
    sure, possible = set(), set()
    for item in text.split():
        match = _LINK.fullmatch(item)
        if match is None:
            raise GlimpseError(
                f"Alignments got the link '{item}'; SOURCE-TARGET for a sure "
                "link and SOURCEpTARGET for a possible one are accepted, word "
                "numbers from 0, such as '0-0 1p2'"
            )
        link = (int(match[1]), int(match[3]))
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return Gold(frozenset(sure), frozenset(possible))


def to_pharaoh(links: Iterable[Link]) -> str:
    """Write links as `i-j`, separated by spaces."""
    return " ".join(f"{source}-{target}" for source, target in links)


def parse_links(
    text: str, pair: tuple[str, str], languages: tuple[str, str]
) -> Gold:
    """Read the links of a pair, as `parse_pharaoh` does.

    Args:
        text: Pharaoh's links.
        pair: source and target.
        languages: codes of both, which decide what a word is.

    Raises:
        GlimpseError: something else is there, or a word that the pair has not.
    """
    gold = parse_pharaoh(text)
    for side, sentence, language, name in zip(
        (0, 1), pair, languages, ("source", "target"), strict=True
    ):
        count = len(words(sentence, language))
        largest = max((link[side] for link in gold.possible), default=-1)
        if largest >= count:
            raise GlimpseError(
                f"word {largest} of the {name} is linked, which has {count}; "
                "count the words of data.words from 0"
            )
    return gold
