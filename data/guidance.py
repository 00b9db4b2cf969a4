"""Word alignments of training pairs, which are used to train attention.

A link consists of a source word and a target word that are aligned. Links are
read as text in Pharaoh's format, such as "0-2" for source word 0 and target
word 2, and are turned into links between pieces (sub-words).

The data pipeline stores the links of a pair as one flat array of integers: for
each link, the index of the target piece, and then the index of the source
piece.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.corpora.corpus import Corpus, Pair
from data.corpora.files import read_lines
from data.corpora.places import Places
from data.errors import GlimpseError
from data.links import (
    TOKENISED,
    Counting,
    Gold,
    Link,
    over_spaces,
    parse_links,
    parse_pharaoh,
)
from data.pieces import piece_links
from data.sides import Sides
from data.text import Language

logger = logging.getLogger(__name__)

SPLIT = "train"


@dataclass(frozen=True)
class Guide:
    """Word alignments of the training pairs, used to train attention.

    Attributes:
        links: mapping whose keys are positions of pairs in the training split,
            counted from 0, and whose values are the links of these pairs in
            Pharaoh's format, such as "0-0 1-2". Pairs without links may be
            missing.
    """

    links: Mapping[int, str]

    def rows(
        self, pairs: Iterable[Pair], sides: Sides
    ) -> Iterator[tuple[str, str, np.ndarray]]:
        """Yield, for each pair, its source, target and links between pieces.

        The links are a flat array of integers, of shape (2 N,) for N links. The
        array has, for each link, the index of the target piece, and then the
        index of the source piece.

        Args:
            pairs: all pairs of the training split, in its order.
            sides: tokenizers and languages of source and target.
        """
        for place, pair in enumerate(pairs):
            links = parse_pharaoh(self.links.get(place, "")).possible
            yield *pair, _between_pieces(links, pair, sides)

    def fingerprint(self) -> str:
        """Return a checksum of the links, as 8 hexadecimal digits."""
        lines = (f"{place}\t{text}\n" for place, text in self.links.items())
        return f"{zlib.crc32(''.join(lines).encode()):08x}"


def gold_guide(corpus: Corpus, languages: tuple[Language, Language]) -> Guide:
    """Return the word alignments that a corpus has for its training pairs.

    Args:
        corpus: corpus with alignments of its training pairs.
        languages: languages of source and target, which decide what a word is.

    Raises:
        GlimpseError: the corpus has no alignments of its training pairs.
    """
    gold = corpus.gold_alignments(SPLIT) or {}
    links = {
        place: between_words(gold[place], pair, languages)
        for place, pair in enumerate(corpus.pairs(SPLIT) if gold else ())
        if place in gold
    }
    if not links:
        raise GlimpseError(
            f"Corpus {corpus.name} has no alignments of its training pairs; "
            "name a file of them, a line of links i-j for each pair, with "
            "training.alignments, or set training.guided_alignment=0"
        )
    return Guide(links)


def between_words(
    links: str, pair: Pair, languages: tuple[Language, Language]
) -> str:
    """Renumber the links of a pair if the text is tokenised already.

    Args:
        links: links in Pharaoh's format; their numbers refer to the words that
            `data.words` finds.
        pair: source and target that the links belong to.
        languages: languages of source and target. If at least one of the two
            has `tokenised` set, the numbers in the result refer to
            space-separated words in both source and target. Otherwise the
            links do not change.
    """
    if not any(each.tokenised for each in languages):
        return links
    return over_spaces(links, pair, [each.code for each in languages])


def read_guide(
    name: str,
    corpus: Corpus,
    languages: tuple[Language, Language],
    places: Places,
) -> Guide:
    """Read word alignments from a file with one line for each training pair.

    The format is Pharaoh's: `i-j` is a sure link between source word i and
    target word j, and `ipj`, as in `2p1`, is a possible link. Both kinds are
    treated in the same way. The words are those that the command `prepare
    --words` writes, counted from 0. That command leaves out all pairs with an
    empty source or target, and the file may leave out all of these pairs too.

    Args:
        name: path of the file: absolute, or relative to the working directory
            or to the folder of raw files.
        corpus: corpus whose training pairs are aligned.
        languages: languages of source and target, which decide what a word is.
        places: folders to look for the file in.

    Raises:
        GlimpseError: the file cannot be read, its number of lines does not
            match the number of pairs, a line is not a list of links between
            words of its pair, or the numbers seem to refer to space-separated
            words although the text is not tokenised.
    """
    path = places.find(name) or Path(name)
    lines = read_lines(path)
    full = [all(pair) for pair in corpus.pairs(SPLIT)]
    if len(lines) not in (len(full), sum(full)):
        raise GlimpseError(
            f"{path} has {len(lines):,} lines of links for the {len(full):,} "
            f"training pairs of corpus {corpus.name}; a line for each is "
            "needed, empty where there is none: align what prepare --words "
            "writes"
        )
    linked = [
        place
        for place, whole in enumerate(full)
        if whole or len(lines) == len(full)
    ]
    links = dict(zip(linked, lines, strict=True))
    _check_all(path, links, corpus, languages)
    return Guide(links)


def _check_all(
    path: Path,
    links: Mapping[int, str],
    corpus: Corpus,
    languages: tuple[Language, Language],
) -> None:
    counting = Counting(languages)
    number = 0
    for place, pair in enumerate(corpus.pairs(SPLIT)):
        if place in links:
            number += 1
            counting.add(
                _parsed(
                    f"{path}, line {number}", links[place], pair, languages
                ),
                pair,
            )
    if counting.is_of_spaces:
        raise GlimpseError(
            f"{path} links other words than the text of corpus {corpus.name} "
            f"has; {TOKENISED}"
        )
    if counting.may_be_from_one:
        logger.warning(
            "No line of %s links a word 0: are the words counted from 1? They "
            "are counted from 0 here",
            path,
        )


def _parsed(
    where: str, text: str, pair: Pair, languages: tuple[Language, Language]
) -> Gold:
    try:
        return parse_links(text, pair, languages)
    except GlimpseError as error:
        raise GlimpseError(f"{where}: {error}") from error


def _between_pieces(
    links: Collection[Link], pair: Pair, sides: Sides
) -> np.ndarray:
    if not links:
        return np.zeros(0, int)
    source, target = (
        side.axis(value, side.ids(value)).shares
        for side, value in zip(sides, pair, strict=True)
    )
    return piece_links(links, source, target).ravel()
