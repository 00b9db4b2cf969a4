"""Word alignments as Pharaoh writes them: `i-j` sure, `ipj` possible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from data.errors import GlimpseError

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


def check_range(links: Iterable[Link], counts: tuple[int, int]) -> None:
    """Refuse links of words that are not there.

    Args:
        links: any.
        counts: how many words source and target have.

    Raises:
        GlimpseError: one is beyond.
    """
    for link in links:
        for side, place, count in zip(
            ("source", "target"), link, counts, strict=True
        ):
            if place >= count:
                raise GlimpseError(
                    f"word {place} of the {side} is linked, which has {count}; "
                    "count the words of data.words from 0"
                )
