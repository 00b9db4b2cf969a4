"""Word alignments in Pharaoh's format, such as "0-0 1p2".

A link `i-j` says that source word i and target word j are surely aligned; `ipj`
says that they are possibly aligned. Words are numbered from 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from data.errors import GlimpseError
from data.text import Language, Span, space_separated, words

Link = tuple[int, int]  # numbers of source word and target word, from 0

_ENOUGH = 3  # fewest sides from which to infer what words the numbers count
_MANY = 20  # among so many pairs, at least one should link its first word

_ATTACHED = re.compile(r"\w[.,!?;:…]+( |$)")  # not in tokenised text

_LINK = re.compile(r"(\d+)([-p])(\d+)", re.ASCII)


@dataclass(frozen=True)
class Gold:
    """Word alignment of a pair: its sure links and its possible links.

    Attributes:
        sure: sure links, as (source word, target word).
        possible: possible links; all sure links are among them.
    """

    sure: frozenset[Link]
    possible: frozenset[Link]

    @classmethod
    def of(cls, sure: Iterable[Link], possible: Iterable[Link] = ()) -> Gold:
        """Make an alignment from sure links and further possible links.

        Args:
            sure: sure links; the result counts them as possible too.
            possible: possible links, with or without the sure ones.
        """
        sure = frozenset(sure)
        return cls(sure, sure | frozenset(possible))

    def mapped(self, change: Callable[[Link], Iterable[Link]]) -> Gold:
        """Return a copy with each link replaced by the result of `change`.

        Args:
            change: function that takes a link and returns the links that
                replace it.
        """
        sure, possible = (
            {new for link in links for new in change(link)}
            for links in (self.sure, self.possible)
        )
        return Gold.of(sure, possible)

    def __str__(self) -> str:
        """Return the links in Pharaoh's format, in ascending order."""
        return " ".join(
            f"{source}{'-' if (source, target) in self.sure else 'p'}{target}"
            for source, target in sorted(self.possible)
        )


def parse_pharaoh(text: str) -> Gold:
    """Read links in Pharaoh's format: `i-j` (sure) and `ipj` (possible).

    Args:
        text: links, separated by spaces.

    Raises:
        GlimpseError: an item of `text` is not a link.
    """
    links: dict[str, set[Link]] = {"-": set(), "p": set()}
    for item in text.split():
        match = _LINK.fullmatch(item)
        if match is None:
            raise GlimpseError(
                f"Alignments got the link '{item}'; SOURCE-TARGET for a sure "
                "link and SOURCEpTARGET for a possible one are accepted, word "
                "numbers from 0, such as '0-0 1p2'"
            )
        links[match[2]].add((int(match[1]), int(match[3])))
    return Gold.of(links["-"], links["p"])


def to_pharaoh(links: Iterable[Link]) -> str:
    """Return links as `i-j`, separated by spaces, in ascending order."""
    return str(Gold.of(links))


def flip_links(links: str) -> str:
    """Exchange source and target of Pharaoh links: "0-2" becomes "2-0"."""
    return str(parse_pharaoh(links).mapped(lambda link: [link[::-1]]))


def parse_links(
    text: str, pair: tuple[str, str], languages: Sequence[Language]
) -> Gold:
    """Read the links of a pair, and check that the linked words exist.

    Args:
        text: links in Pharaoh's format, such as "0-0 1p2".
        pair: source and target.
        languages: languages of source and target, which decide what a word is.

    Raises:
        GlimpseError: an item of `text` is not a link, or a link refers to a
            word that the source or target does not have.
    """
    gold = parse_pharaoh(text)
    counts = _counts(pair, languages)
    for side, name in enumerate(("source", "target")):
        largest = max((link[side] for link in gold.possible), default=-1)
        if largest >= counts[side]:
            raise GlimpseError(
                f"word {largest} of the {name} is linked, but the {name} has "
                f"{counts[side]}; {_advice(gold, languages)}"
            )
    return gold


def over_spaces(links: str, pair: tuple[str, str], codes: Sequence[str]) -> str:
    """Renumber links so that their numbers refer to space-separated words.

    Args:
        links: links in Pharaoh's format; their numbers refer to the words that
            `data.words` finds.
        pair: source and target.
        codes: codes of the languages of source and target.
    """
    owners = [
        _owners(words(text, code), space_separated(text))
        for text, code in zip(pair, codes, strict=True)
    ]
    gold = parse_pharaoh(links)
    return str(
        gold.mapped(lambda link: [(owners[0][link[0]], owners[1][link[1]])])
    )


class Counting:
    """Statistics on the links of many pairs, to check how words are numbered.

    The numbers in a link should refer to the words that `languages` define,
    counted from 0. The statistics show whether the numbers seem to start from 1
    instead, or seem to refer to space-separated words.

    Args:
        languages: languages of source and target, which decide what a word is.
    """

    def __init__(self, languages: Sequence[Language]) -> None:
        self.languages = languages
        self._linked = 0  # pairs with links
        self._from_zero = False
        # Sides of pairs that may be tokenised and in which the number of words
        # of `languages` differs from that of space-separated words.
        self._apart = 0
        # Of these sides, those whose largest number in a link is that of the
        # last word of `languages`, or of the last space-separated word.
        self._ours = 0
        self._spaces = 0

    def add(self, gold: Gold, pair: tuple[str, str]) -> None:
        """Add the links of one pair to the statistics."""
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
        """Tell whether the links seem to refer to space-separated words."""
        return (
            self._spaces >= _ENOUGH
            and self._spaces > 2 * self._ours
            and 2 * self._spaces > self._apart
        )

    @property
    def may_be_from_one(self) -> bool:
        """Tell whether the numbers in the links seem to start from 1.

        The result is True if many pairs have links, but no link has the number
        0.
        """
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
    """Return, for each of `parts`, the index of the span that contains it.

    Args:
        parts: spans in a text; each lies within one of the spans in `wholes`.
        wholes: spans in the same text, ordered and without overlap. The result
            consists of indices into this sequence.
    """
    starts = [start for start, _ in wholes]
    return [bisect_right(starts, start) - 1 for start, _ in parts]
