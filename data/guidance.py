"""Word alignments of training pairs, as links between their sub-words.

They go through the pipeline beside their pair, as text: "t s t s …", target
and source piece of each link in turn.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.corpora.corpus import Corpus, Pair
from data.corpora.files import read_lines
from data.corpora.places import Places
from data.errors import GlimpseError
from data.links import parse_links, parse_pharaoh
from data.pieces import piece_links, word_shares
from data.tokenizer import Tokenizer

SPLIT = "train"


@dataclass(frozen=True)
class Guide:
    """Which words of the training pairs go together.

    Attributes:
        links: Pharaoh's, by place in the split; a pair without has none.
    """

    links: Mapping[int, str]

    def rows(
        self,
        pairs: Iterable[Pair],
        tokenizers: tuple[Tokenizer, Tokenizer],
        languages: Sequence[str],
    ) -> Iterator[tuple[str, str, str]]:
        """Yield each pair with its links between pieces, as text.

        Args:
            pairs: of the training split, from its start.
            tokenizers: for source and target.
            languages: codes of the source's and the target's.
        """
        for place, pair in enumerate(pairs):
            text = self.links.get(place, "")
            yield *pair, _between_pieces(text, pair, tokenizers, languages)

    def fingerprint(self) -> str:
        """What differs as soon as the links do."""
        lines = (f"{place}\t{text}\n" for place, text in self.links.items())
        return f"{zlib.crc32(''.join(lines).encode()):08x}"


def gold_guide(corpus: Corpus) -> Guide:
    """The links that a corpus has of its training pairs.

    Raises:
        GlimpseError: it has none.
    """
    links = corpus.gold_alignments(SPLIT)
    if not links:
        raise GlimpseError(
            f"Corpus {corpus.name} has no alignments of its training pairs; "
            "name a file of them, a line of links i-j for each pair, with "
            "training.alignments, or set training.guided_alignment=0"
        )
    return Guide(links)


def read_guide(name: str, corpus: Corpus, data_dir: Path | None) -> Guide:
    """Links from a file: a line of Pharaoh's `i-j ipj` for each training pair.

    Possible links count like sure ones. They index `data.words`, as `prepare
    --words` writes them.

    Args:
        name: of the file, which may lie below the folder of raw files.
        corpus: whose training pairs are linked.
        data_dir: see `load_corpus`.

    Raises:
        GlimpseError: the file cannot be read, has more or fewer lines than
            there are pairs, or a line does not fit its pair.
    """
    path = Places(data_dir).find(name) or Path(name)
    lines = read_lines(path)
    languages = (corpus.source, corpus.target)
    count = 0
    for count, pair in enumerate(corpus.pairs(SPLIT), start=1):
        if count <= len(lines):
            _check(f"{path}, line {count}", lines[count - 1], pair, languages)
    if count != len(lines):
        raise GlimpseError(
            f"{path} has {len(lines):,} lines of links for the {count:,} "
            f"training pairs of corpus {corpus.name}; a line for each is "
            "needed, empty where there is none: align what prepare --words "
            "writes"
        )
    return Guide(dict(enumerate(lines)))


def _check(
    where: str, text: str, pair: Pair, languages: tuple[str, str]
) -> None:
    try:
        parse_links(text, pair, languages)
    except GlimpseError as error:
        raise GlimpseError(f"{where}: {error}") from error


def _between_pieces(
    text: str,
    pair: Pair,
    tokenizers: tuple[Tokenizer, Tokenizer],
    languages: Sequence[str],
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
