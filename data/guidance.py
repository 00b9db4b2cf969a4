"""Word alignments of training pairs, as links between their sub-words.

They go through the pipeline beside their pair, as text: "t s t s …", target
and source piece of each link in turn.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from data.corpora.corpus import Corpus, Pair
from data.corpora.files import read_lines
from data.corpora.places import Places
from data.errors import GlimpseError
from data.links import (
    TOKENISED,
    Counting,
    Gold,
    over_spaces,
    parse_links,
    parse_pharaoh,
)
from data.pieces import piece_links, word_shares
from data.text import Language
from data.tokenizer import Tokenizer

logger = logging.getLogger(__name__)

SPLIT = "train"


@dataclass(frozen=True)
class Guide:
    """Which words of the training pairs go together.

    Attributes:
        links: Pharaoh's, by place in the split; a pair without has none.
        languages: of source and target, which say what a word is.
    """

    links: Mapping[int, str]
    languages: tuple[Language, Language]

    def rows(
        self, pairs: Iterable[Pair], tokenizers: tuple[Tokenizer, Tokenizer]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield each pair with its links between pieces, as text.

        Args:
            pairs: of the training split, from its start.
            tokenizers: for source and target.
        """
        for place, pair in enumerate(pairs):
            text = self.links.get(place, "")
            yield *pair, _between_pieces(text, pair, tokenizers, self.languages)

    def fingerprint(self) -> str:
        """What differs as soon as the links do."""
        lines = (f"{place}\t{text}\n" for place, text in self.links.items())
        return f"{zlib.crc32(''.join(lines).encode()):08x}"


def gold_guide(corpus: Corpus, languages: tuple[Language, Language]) -> Guide:
    """The links that a corpus has of its training pairs.

    Raises:
        GlimpseError: it has none.
    """
    links = gold_links(corpus, SPLIT, languages)
    if not links:
        raise GlimpseError(
            f"Corpus {corpus.name} has no alignments of its training pairs; "
            "name a file of them, a line of links i-j for each pair, with "
            "training.alignments, or set training.guided_alignment=0"
        )
    return Guide(links, languages)


def gold_links(
    corpus: Corpus, split: str, languages: tuple[Language, Language]
) -> dict[int, str]:
    """What a corpus has of gold, between the words of `languages`."""
    links = corpus.gold_alignments(split) or {}
    if not links or not any(each.tokenised for each in languages):
        return links
    codes = [each.code for each in languages]
    pairs = enumerate(corpus.pairs(split))
    return {
        place: over_spaces(links[place], pair, codes)
        for place, pair in pairs
        if place in links
    }


def read_guide(
    name: str,
    corpus: Corpus,
    languages: tuple[Language, Language],
    data_dir: Path | None,
) -> Guide:
    """Links from a file: a line of Pharaoh's `i-j ipj` for each training pair.

    Possible links count like sure ones. They index the words of `languages`,
    as `prepare --words` writes them; pairs with an empty side, which it leaves
    out, may be left out of the file.

    Args:
        name: of the file, which may lie below the folder of raw files.
        corpus: whose training pairs are linked.
        languages: of source and target.
        data_dir: see `load_corpus`.

    Raises:
        GlimpseError: the file cannot be read, has more or fewer lines than
            there are pairs, or a line does not fit its pair.
    """
    path = Places(data_dir).find(name) or Path(name)
    lines = read_lines(path)
    full = [all(pair) for pair in corpus.pairs(SPLIT)]
    if len(lines) not in (len(full), sum(full)):
        raise GlimpseError(
            f"{path} has {len(lines):,} lines of links for the {len(full):,} "
            f"training pairs of corpus {corpus.name}; a line for each is "
            "needed, empty where there is none: align what prepare --words "
            "writes"
        )
    places = [
        place
        for place, whole in enumerate(full)
        if whole or len(lines) == len(full)
    ]
    links = dict(zip(places, lines, strict=True))
    _check_all(path, links, corpus, languages)
    return Guide(links, languages)


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
    text: str,
    pair: Pair,
    tokenizers: tuple[Tokenizer, Tokenizer],
    languages: tuple[Language, Language],
) -> str:
    links = parse_pharaoh(text).possible
    if not links:
        return ""
    source, target = (
        word_shares(tokenizer, side, language)
        for tokenizer, side, language in zip(
            tokenizers, pair, languages, strict=True
        )
    )
    return " ".join(map(str, piece_links(links, source, target).ravel()))
