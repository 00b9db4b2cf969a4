"""Survey of a corpus: counts for each split, and sentences that splits share.

A source sentence that two splits share is called a leak: a model trained on one
of the splits cannot be tested fairly on this sentence in the other.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

import numpy as np

from data.cleaning import TOO_LONG, Drop, Tally, clean
from data.corpora.corpus import Corpus, Pair
from data.options import CleaningOptions, PipelineOptions
from data.sides import Sides
from data.vocabulary import plain_words

PERCENTILES = (50, 90, 99, 100)

_BATCH = 1024  # pairs counted at a time


@dataclass(frozen=True)
class SideSurvey:
    """Counts for the sentences of one language in a split.

    Attributes:
        tokens: number of tokens (sub-words), the EOS of each sentence included.
        percentiles: for each p in `PERCENTILES`, the p-th percentile of the
            sentence lengths in tokens; empty if there are no sentences.
        words: number of words, repetitions included, as
            `data.vocabulary.plain_words` finds them.
        different_words: number of distinct words.
        known_words: share of `words` that also occur in the training split, 0
            to 1.
    """

    tokens: int
    percentiles: tuple[int, ...]
    words: int
    different_words: int
    known_words: float


@dataclass(frozen=True)
class SplitSurvey:
    """Counts for one split of a corpus.

    Attributes:
        split: name of the split.
        pairs: number of pairs read: those kept and those left out.
        kept: number of pairs that were not left out. Except for `drops`, only
            these pairs are counted in the attributes below.
        drops: for each reason, the number of pairs left out, with an example.
        different_sources: number of distinct source sentences.
        duplicates: number of pairs that equal an earlier pair of the split.
        source: counts for the source sentences.
        target: counts for the target sentences.
    """

    split: str
    pairs: int
    kept: int
    drops: Mapping[str, Drop]
    different_sources: int
    duplicates: int
    source: SideSurvey
    target: SideSurvey


@dataclass(frozen=True)
class Leak:
    """Counts of the source sentences that two splits of a corpus share.

    Attributes:
        splits: names of the two splits.
        count: number of distinct sentences that both splits have.
        known: number of these sentences that are known leaks: they are in
            both splits of the corpus as it was published.
        example: the first shared sentence that is not a known leak; if all are
            known, the first shared sentence.
    """

    splits: tuple[str, str]
    count: int
    known: int
    example: str


@dataclass(frozen=True)
class Survey:
    """Counts for all splits of a corpus, and the sentences that splits share.

    Attributes:
        splits: counts for each split, the training split first.
        leaks: a `Leak` for every two splits that share source sentences.
    """

    splits: tuple[SplitSurvey, ...]
    leaks: tuple[Leak, ...]

    @property
    def is_leaking(self) -> bool:
        """Tell whether two splits share a source that is not a known leak.

        A known leak is a sentence that is in both splits of the corpus as it
        was published.
        """
        return any(leak.count > leak.known for leak in self.leaks)


def survey(
    corpus: Corpus,
    sides: Sides,
    options: PipelineOptions,
    cleaning: CleaningOptions,
    progress: Callable[[int], Any] = lambda count: None,
) -> Survey:
    """Read a whole corpus and count its pairs, tokens, words and leaks.

    Args:
        corpus: corpus of any size; about 30 bytes for each training pair are
            kept in memory.
        sides: tokenizers and languages of source and target.
        options: options with the longest source and target that training uses;
            training pairs with a longer source or target are left out.
        cleaning: options that decide which other training pairs are left out.
        progress: function that is called repeatedly, each time with the number
            of pairs counted since the previous call.
    """
    names = ["train", *(each for each in corpus.splits if each != "train")]
    readers = {
        split: _Reader(corpus, split, sides, options, cleaning)
        for split in names
    }
    # Training is read last, but is first in `names`: the sentences that it
    # shares with another split are looked up in that split.
    for split in reversed(names):
        readers[split].read(progress)
    training = readers["train"]
    return Survey(
        tuple(readers[split].result(training) for split in names),
        tuple(_leaks(readers, corpus.known_leaks())),
    )


@dataclass
class _Column:
    """Counts for one language of a split, while the split is being read.

    Attributes:
        lengths: length of each sentence in tokens, EOS included.
        words: number of occurrences of each word.
    """

    lengths: array = field(default_factory=lambda: array("l"))
    words: Counter[str] = field(default_factory=Counter)

    def add(self, texts: Sequence[str], lengths: np.ndarray) -> None:
        self.lengths.extend(lengths.tolist())
        for text in texts:
            self.words.update(plain_words(text))

    def result(self, training: _Column) -> SideSurvey:
        lengths = np.array(self.lengths)
        known = sum(
            count
            for word, count in self.words.items()
            if word in training.words
        )
        return SideSurvey(
            int(lengths.sum()),
            tuple(
                int(np.percentile(lengths, each, method="inverted_cdf"))
                for each in PERCENTILES
                if len(lengths)
            ),
            self.words.total(),
            len(self.words),
            known / max(1, self.words.total()),
        )


class _Reader:
    """Reader of one split, which counts the pairs that it reads."""

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        sides: Sides,
        options: PipelineOptions,
        cleaning: CleaningOptions,
    ) -> None:
        self.corpus = corpus
        self.split = split
        self.sides = sides
        self.tally = Tally()
        self.columns = (_Column(), _Column())
        self.hashes_of_sources = array("Q")
        self.hashes_of_pairs = array("Q")
        self._options = options
        self._cleaning = cleaning if split == "train" else CleaningOptions()

    def read(self, progress: Callable[[int], Any]) -> None:
        pairs = clean(
            self.corpus.pairs(self.split),
            self._cleaning,
            (self.corpus.source, self.corpus.target),
            self.tally,
        )
        while some := list(islice(pairs, _BATCH)):
            kept, lengths = self._fitting(some)
            for side, column in enumerate(self.columns):
                column.add([pair[side] for pair in kept], lengths[:, side])
            self.hashes_of_sources.extend(_hash(pair[0]) for pair in kept)
            self.hashes_of_pairs.extend(_hash("\n".join(p)) for p in kept)
            progress(len(some))

    def _fitting(self, pairs: list[Pair]) -> tuple[list[Pair], np.ndarray]:
        """Return the pairs that are not too long, and their lengths.

        Only the training split has a limit of length; in another split, all
        pairs are returned. The lengths of N pairs have the shape (N, 2).
        """
        lengths = self.sides.lengths(pairs)
        if self.split != "train":
            return pairs, lengths
        fits = self.sides.fit(lengths.T, self._options)
        for place in np.flatnonzero(~fits):
            self.tally.drop(TOO_LONG, pairs[place])
        return [pairs[place] for place in np.flatnonzero(fits)], lengths[fits]

    def result(self, training: _Reader) -> SplitSurvey:
        return SplitSurvey(
            self.split,
            self.tally.pairs,
            self.tally.kept,
            self.tally.drops,
            len(np.unique(np.array(self.hashes_of_sources, np.uint64))),
            len(self.hashes_of_pairs)
            - len(np.unique(np.array(self.hashes_of_pairs, np.uint64))),
            *(
                column.result(other)
                for column, other in zip(
                    self.columns, training.columns, strict=True
                )
            ),
        )


def _leaks(
    readers: Mapping[str, _Reader], known: frozenset[str]
) -> Iterator[Leak]:
    for one, other in combinations(readers, 2):
        shared = np.intersect1d(
            np.array(readers[one].hashes_of_sources, np.uint64),
            np.array(readers[other].hashes_of_sources, np.uint64),
        )
        if len(shared):
            wanted = set(shared.tolist())
            found = dict.fromkeys(
                source
                for source, _ in readers[other].corpus.pairs(other)
                if _hash(source) in wanted
            )
            unknown = [source for source in found if source not in known]
            yield Leak(
                (one, other),
                len(found),
                len(found) - len(unknown),
                next(iter([*unknown, *found])),
            )


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
