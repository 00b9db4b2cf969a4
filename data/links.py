"""Word alignments as Pharaoh writes them: `i-j` sure, `ipj` possible."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.errors import GlimpseError
from data.text import Language, Span, space_separated, words

Link = tuple[int, int]  # source word, target word, of `data.words`, from 0

_ENOUGH = 3  # sides that show what links count, and no chance
_MANY = 20  # pairs, of which one would link its first word

_ATTACHED = re.compile(r"\w[.,!?;:…]+( |$)")  # where text is not tokenised

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
    text: str, pair: tuple[str, str], languages: Sequence[Language]
) -> Gold:
    """Read the links of a pair, as `parse_pharaoh` does.

    Args:
        text: Pharaoh's links.
        pair: source and target.
        languages: of both, which decide what a word is.

    Raises:
        GlimpseError: something else is there, or a word that the pair has not.
    """
    gold = parse_pharaoh(text)
    counts = _counts(pair, languages)
    for side, name in enumerate(("source", "target")):
        largest = max((link[side] for link in gold.possible), default=-1)
        if largest >= counts[side]:
            raise GlimpseError(
                f"word {largest} of the {name} is linked, which has "
                f"{counts[side]}; {_advice(gold, languages)}"
            )
    return gold


def over_spaces(links: str, pair: tuple[str, str], codes: Sequence[str]) -> str:
    """Return links between `data.words` as links of what spaces separate.

    Args:
        links: Pharaoh's.
        pair: source and target.
        codes: of their languages.
    """
    owners = [
        _owners(words(text, code), space_separated(text))
        for text, code in zip(pair, codes, strict=True)
    ]
    gold = parse_pharaoh(links)
    sure, possible = (
        {(owners[0][i], owners[1][j]) for i, j in each}
        for each in (gold.sure, gold.possible)
    )
    return " ".join(
        f"{i}{'-' if (i, j) in sure else 'p'}{j}" for i, j in sorted(possible)
    )


class Counting:
    """Finds out over many pairs what their links count.

    Args:
        languages: of source and target, which say what a word should be.
    """

    def __init__(self, languages: Sequence[Language]) -> None:
        self.languages = languages
        self._linked = 0  # pairs with links
        self._from_zero = False
        # Sides that may be tokenised, and have other words between spaces.
        self._apart = 0
        self._ours = 0  # of these, how many have their last word linked
        self._spaces = 0  # how many what stands last between spaces

    def add(self, gold: Gold, pair: tuple[str, str]) -> None:
        """Look at the links of one pair."""
        if not gold.possible:
            return
        self._linked += 1
        self._from_zero |= any(0 in link for link in gold.possible)
        ours, spaces = _counts(pair, self.languages), _spaces(pair)
        for side in (0, 1):
            if ours[side] != spaces[side] and not _ATTACHED.search(pair[side]):
                last = max(link[side] for link in gold.possible)
                self._apart += 1
                self._ours += last == ours[side] - 1
                self._spaces += last == spaces[side] - 1

    @property
    def is_of_spaces(self) -> bool:
        """Whether they count what stands between spaces, and not words."""
        return (
            self._spaces >= _ENOUGH
            and self._spaces > 2 * self._ours
            and 2 * self._spaces > self._apart
        )

    @property
    def may_be_from_one(self) -> bool:
        """Whether there are many, and none names a word 0."""
        return self._linked >= _MANY and not self._from_zero


TOKENISED = (
    "they fit what stands between spaces: if the text is tokenised already, "
    "set corpus.tokenised=true"
)


def _advice(gold: Gold, languages: Sequence[Language]) -> str:
    if not any(0 in link for link in gold.possible):
        return "no word 0 is linked: count the words from 0, not from 1"
    if all(language.tokenised for language in languages):
        return "count what stands between spaces, from 0"
    return "count the words of data.words from 0"


def _counts(pair: tuple[str, str], languages: Sequence[Language]) -> list[int]:
    return [
        len(language.words(text))
        for text, language in zip(pair, languages, strict=True)
    ]


def _spaces(pair: tuple[str, str]) -> list[int]:
    return [len(space_separated(text)) for text in pair]


def _owners(parts: Sequence[Span], wholes: Sequence[Span]) -> list[int]:
    """For each part which whole it lies in."""
    starts = [start for start, _ in wholes]
    return [bisect_right(starts, start) - 1 for start, _ in parts]
