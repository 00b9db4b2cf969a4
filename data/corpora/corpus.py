"""What every corpus offers, whatever it is made of."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from data.errors import GlimpseError

if TYPE_CHECKING:
    import tensorflow as tf

Pair = tuple[str, str]  # a source and its target

SAMPLE_SIZE = 200_000  # most pairs of a sample: what is learnt before training


@dataclass(frozen=True)
class Example:
    """A sentence, its translations, and which words go together.

    Attributes:
        source: the sentence.
        references: one translation or more.
        alignment: Pharaoh links ("i-j" sure, "ipj" possible) over `data.words`
            of source and first reference; None where nobody made them.
    """

    source: str
    references: tuple[str, ...]
    alignment: str | None = None


@dataclass(frozen=True)
class Corpus(ABC):
    """Parallel text in one direction; `load_corpus` makes it.

    Attributes:
        name: name of the corpus.
        source: code of the language translated from.
        target: code of the language translated into.
    """

    name: str
    source: str
    target: str

    @property
    @abstractmethod
    def splits(self) -> tuple[str, ...]:
        """Names of the splits; "train" and "validation" are among them."""

    @abstractmethod
    def pairs(self, split: str) -> Iterator[Pair]:
        """Yield the pairs of a split, in the order of the corpus.

        The strings are as `data.normalise` writes them.

        Raises:
            GlimpseError: there is no such split.
        """

    @abstractmethod
    def size(self, split: str) -> int:
        """Return how many `pairs` there are, or a little more."""

    def sample(self, split: str = "train") -> list[Pair]:
        """Return pairs from all over a split, all if they are few.

        At most `SAMPLE_SIZE`, so that they fit in memory.

        Raises:
            GlimpseError: there is no such split.
        """
        step = -(-self.size(split) // SAMPLE_SIZE) or 1
        return list(islice(self.pairs(split), 0, None, step))

    def dataset(self, split: str) -> tf.data.Dataset:
        """Return `pairs` as a dataset of (source, target) scalar strings."""
        from data.pipeline import strings

        self._check(split)
        return strings(lambda: self.pairs(split))

    def examples(self, split: str) -> list[Example]:
        """Return the sentences of a split, in the order of the corpus.

        Raises:
            GlimpseError: there is no such split.
        """
        gold = self.gold_alignments(split) or {}
        return [
            Example(source, (target,), gold.get(place))
            for place, (source, target) in enumerate(self.pairs(split))
        ]

    def gold_alignments(self, split: str) -> dict[int, str] | None:
        """Return Pharaoh links over `data.words`, by place in the split.

        None where the corpus has no gold for this split and direction.
        """
        self._check(split)
        return None

    def processed_references(self, split: str) -> list[str] | None:
        """Return the split's targets as published figures are counted on.

        That is lower-cased, with normalised punctuation and tokenised by Moses,
        one line a sentence; None where no such file was supplied.
        """
        self._check(split)
        return None

    def fingerprint(self) -> str:
        """Return what differs as soon as the text of training does."""
        return ""

    def known_leaks(self) -> frozenset[str]:
        """Return sources that the published splits are known to share."""
        return frozenset()

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise GlimpseError(
                f"Corpus {self.name} has no split '{split}': choose one of "
                f"{', '.join(self.splits)}."
            )


def split_key(source: str) -> bytes:
    """Return what decides a source's split: the smallest are held out first."""
    return hashlib.sha256(source.encode()).digest()


def with_all_references(pairs: Iterable[Pair]) -> list[Example]:
    """Return each source once, with all its targets, in order of appearance."""
    references: dict[str, dict[str, None]] = {}
    for source, target in pairs:
        references.setdefault(source, {})[target] = None
    return [Example(source, tuple(each)) for source, each in references.items()]
