"""What is in a corpus, counted split by split, and what its splits share."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

import numpy as np

from data.cleaning import TOO_LONG, Drop, Tally, clean
from data.corpora.corpus import Corpus, Pair
from data.options import CleaningOptions, PipelineOptions
from data.tokenizer import Tokenizer
from data.vocabulary import plain_words

PERCENTILES = (50, 90, 99, 100)

_BATCH = 1024


@dataclass(frozen=True)
class Side:
    """One language of a split.

    Attributes:
        tokens: sub-words, the ends of the sentences included.
        percentiles: lengths in tokens that so many per cent of the sentences
            are not longer than, by `PERCENTILES`.
        words: running words, as `data.vocabulary.plain_words` counts them.
        different_words: how many of these differ.
        known_words: share of the running words that training has, 0 to 1.
    """

    tokens: int
    percentiles: tuple[int, ...]
    words: int
    different_words: int
    known_words: float


@dataclass(frozen=True)
class SplitSurvey:
    """What a split holds, pairs left out not counted but in `pairs`.

    Attributes:
        split: its name.
        pairs: read.
        kept: not left out.
        drops: left out, by the reason.
        different_sources: source sentences.
        duplicates: pairs that came before in the split.
        source: see `Side`.
        target: the same.
    """

    split: str
    pairs: int
    kept: int
    drops: Mapping[str, Drop]
    different_sources: int
    duplicates: int
    source: Side
    target: Side


@dataclass(frozen=True)
class Leak:
    """Source sentences that two splits share.

    Attributes:
        splits: both of them.
        count: different sentences, those known included.
        known: how many of them the corpus is known to be published with.
        example: the first unknown one, or else the first.
    """

    splits: tuple[str, str]
    count: int
    known: int
    example: str


@dataclass(frozen=True)
class Survey:
    """What `survey` found: all splits, and what they share."""

    splits: tuple[SplitSurvey, ...]
    leaks: tuple[Leak, ...]

    @property
    def is_leaking(self) -> bool:
        """Whether splits share a sentence that nobody knows of."""
        return any(leak.count > leak.known for leak in self.leaks)


def survey(
    corpus: Corpus,
    tokenizers: tuple[Tokenizer, Tokenizer],
    options: PipelineOptions,
    cleaning: CleaningOptions,
    progress: Callable[[int], Any] = lambda count: None,
) -> Survey:
    """Read a corpus from end to end and count it.

    Args:
        corpus: of any size; some 30 bytes a training pair are kept in memory.
        tokenizers: for source and target.
        options: whose longest lengths leave pairs out of training.
        cleaning: what else is left out of training.
        progress: called with the number of pairs done, by batches.
    """
    names = ["train", *(each for each in corpus.splits if each != "train")]
    readers = {
        split: _Reader(corpus, split, tokenizers, options, cleaning)
        for split in names
    }
    # Training comes last: what it shares with the others is looked up.
    for split in reversed(names):
        readers[split].read(progress)
    training = readers["train"]
    return Survey(
        tuple(readers[split].result(training) for split in names),
        tuple(_leaks(readers, corpus.known_leaks())),
    )


@dataclass
class _Column:
    """One language while it is read."""

    tokenizer: Tokenizer
    lengths: array = field(default_factory=lambda: array("l"))
    words: dict[str, int] = field(default_factory=dict)

    def add(self, texts: Sequence[str], lengths: Sequence[int]) -> None:
        self.lengths.extend(lengths)
        for text in texts:
            for word in plain_words(text):
                self.words[word] = self.words.get(word, 0) + 1

    def result(self, training: _Column) -> Side:
        lengths = np.array(self.lengths)
        running = sum(self.words.values())
        known = sum(
            count
            for word, count in self.words.items()
            if word in training.words
        )
        return Side(
            int(lengths.sum()),
            tuple(
                int(np.percentile(lengths, each, method="inverted_cdf"))
                for each in PERCENTILES
                if len(lengths)
            ),
            running,
            len(self.words),
            known / max(1, running),
        )


class _Reader:
    """A split while it is read."""

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        tokenizers: tuple[Tokenizer, Tokenizer],
        options: PipelineOptions,
        cleaning: CleaningOptions,
    ) -> None:
        self.corpus = corpus
        self.split = split
        self.tally = Tally()
        self.columns = tuple(_Column(tokenizer) for tokenizer in tokenizers)
        self.sources = array("Q")  # hashes, a pair each
        self.pairs = array("Q")
        self._limits = (options.max_source_length, options.max_target_length)
        self._cleaning = cleaning if split == "train" else CleaningOptions()

    def read(self, progress: Callable[[int], Any]) -> None:
        pairs = clean(
            self.corpus.pairs(self.split),
            self._cleaning,
            (self.corpus.source, self.corpus.target),
            self.tally,
        )
        while some := list(islice(pairs, _BATCH)):
            kept = list(self._fitting(some))
            for column, side in zip(
                self.columns, zip(*kept, strict=True), strict=bool(kept)
            ):
                column.add(*zip(*side, strict=True))
            self.sources.extend(_hash(source[0]) for source, _ in kept)
            self.pairs.extend(
                _hash(f"{source[0]}\n{target[0]}") for source, target in kept
            )
            progress(len(some))

    def _fitting(
        self, pairs: Sequence[Pair]
    ) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
        """Yield both sides with their lengths; drop what training would."""
        lengths = [
            [len(ids) + 1 for ids in column.tokenizer.encode_batch(side)]
            for column, side in zip(
                self.columns, zip(*pairs, strict=True), strict=True
            )
        ]
        for pair, *sizes in zip(pairs, *lengths, strict=True):
            if self.split == "train" and (
                sizes[0] > self._limits[0] or sizes[1] > self._limits[1]
            ):
                self.tally.drop(TOO_LONG, pair)
            else:
                yield (pair[0], sizes[0]), (pair[1], sizes[1])

    def result(self, training: _Reader) -> SplitSurvey:
        return SplitSurvey(
            self.split,
            self.tally.pairs,
            self.tally.kept,
            self.tally.drops,
            len(np.unique(np.array(self.sources, np.uint64))),
            len(self.pairs) - len(np.unique(np.array(self.pairs, np.uint64))),
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
            np.array(readers[one].sources, np.uint64),
            np.array(readers[other].sources, np.uint64),
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
