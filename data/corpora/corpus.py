"""Corpus: the interface that all corpora share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from data.errors import GlimpseError

Pair = tuple[str, str]  # source and target

SAMPLE_SIZE = 200_000  # largest number of pairs in a sample


@dataclass(frozen=True)
class Example:
    """Source sentence with its reference translations and its word alignment.

    Attributes:
        source: source sentence.
        references: one or more correct translations.
        alignment: alignment of the source with the first reference in Pharaoh
            format: "i-j" is a sure link of source word i to target word j, and
            "ipj" a possible link. `data.words` splits the sentences into words,
            which are counted from 0. None if this pair has no alignment.
    """

    source: str
    references: tuple[str, ...]
    alignment: str | None = None


@dataclass(frozen=True)
class Corpus(ABC):
    """Parallel text for translation from one language into another.

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
        """Names of the splits, including "train" and "validation"."""

    @abstractmethod
    def pairs(self, split: str) -> Iterator[Pair]:
        """Yield the pairs of a split, in the order of the corpus.

        Both sentences of a pair are normalised by `data.normalise`.

        Raises:
            GlimpseError: there is no such split.
        """

    @abstractmethod
    def size(self, split: str) -> int:
        """Return an upper bound on the number of pairs of a split.

        For "train", the bound may count pairs that were moved from training to
        another split.
        """

    def sample(self, split: str = "train") -> list[Pair]:
        """Return a sample of the pairs of a split.

        If the split has at most `SAMPLE_SIZE` pairs, all are returned. From a
        larger split, at most `SAMPLE_SIZE` pairs are taken at regular
        intervals, so that the sample fits in memory.

        Raises:
            GlimpseError: there is no such split.
        """
        step = -(-self.size(split) // SAMPLE_SIZE) or 1
        return list(islice(self.pairs(split), 0, None, step))

    def examples(self, split: str) -> list[Example]:
        """Return the source sentences of a split and their references.

        Each example also has its word alignment, if the corpus has one. The
        examples are in the order of the corpus.

        Raises:
            GlimpseError: there is no such split.
        """
        gold = self.gold_alignments(split) or {}
        return [
            Example(source, (target,), gold.get(place))
            for place, (source, target) in enumerate(self.pairs(split))
        ]

    def gold_alignments(self, split: str) -> dict[int, str] | None:
        """Return the correct word alignments of a split.

        Returns:
            Mapping whose keys are indices of pairs in the split, and whose
            values are the alignments of these pairs, in the format of
            `Example.alignment`. Pairs without an alignment have no key. The
            result is None if the corpus has no alignments for this split.

        Raises:
            GlimpseError: there is no such split.
        """
        self._check(split)
        return None

    def processed_references(self, split: str) -> list[str] | None:
        """Return the reference translations of a split, processed by Moses.

        The tool Moses has lower-cased the sentences, normalised their
        punctuation and tokenised them. Published scores are computed on this
        form of the text. The result is None if the corpus has no such text for
        this split.

        Raises:
            GlimpseError: there is no such split.
        """
        self._check(split)
        return None

    def fingerprint(self) -> str:
        """Return an identifier of the training text, such as a checksum.

        The result is "" if the corpus has no such identifier.
        """
        return ""

    def known_leaks(self) -> frozenset[str]:
        """Return the source sentences that are known to be in two splits.

        These duplicates belong to the corpus as it was published, so no
        warning is logged for them.
        """
        return frozenset()

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise GlimpseError(
                f"Corpus {self.name} has no split '{split}': choose one of "
                f"{', '.join(self.splits)}."
            )


def split_key(source: str) -> bytes:
    """Return the SHA-256 of a source sentence, which decides its split.

    The sentences with the smallest hashes are kept out of training, for
    validation and test.
    """
    return hashlib.sha256(source.encode()).digest()


def with_all_references(pairs: Iterable[Pair]) -> list[Example]:
    """Group pairs by source sentence.

    The result has one example for each different source sentence. The
    references of an example are the different targets of its source sentence.
    Examples and references are in the order in which they first occur.
    """
    references: dict[str, dict[str, None]] = {}
    for source, target in pairs:
        references.setdefault(source, {})[target] = None
    return [Example(source, tuple(each)) for source, each in references.items()]
