"""Evened corpora, whose training text has one character for all apostrophes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from data.corpora.corpus import Corpus, Example, Pair
from data.inventory import Inventory


@dataclass(frozen=True)
class EvenedCorpus(Corpus):
    """Corpus whose training text has only one form of certain characters.

    Each apostrophe, quote, ellipsis and full-width letter is replaced by its
    most frequent form in the training text of the same language, as described
    at `Inventory.even`. All splits except "train" stay unchanged, so scores
    remain comparable.

    Attributes:
        corpus: original corpus.
        inventories: inventory of the source sentences and inventory of the
            target sentences of the training text. Each of the two counts how
            often each character occurs.
    """

    corpus: Corpus = field(repr=False)
    inventories: tuple[Inventory, Inventory] = field(repr=False, compare=False)

    @classmethod
    def of(cls, corpus: Corpus) -> EvenedCorpus:
        """Return a corpus whose training text has one form of each character.

        For apostrophes, for example, it is the most frequent kind in a sample
        of the training text. The other splits do not change.
        """
        pairs = corpus.sample()
        source, target = (
            Inventory.of(pair[side] for pair in pairs) for side in (0, 1)
        )
        return cls(
            corpus.name, corpus.source, corpus.target, corpus, (source, target)
        )

    @property
    def splits(self) -> tuple[str, ...]:
        return self.corpus.splits

    def size(self, split: str) -> int:
        return self.corpus.size(split)

    def pairs(self, split: str) -> Iterator[Pair]:
        pairs = self.corpus.pairs(split)
        return map(self._even, pairs) if split == "train" else pairs

    def sample(self, split: str = "train") -> list[Pair]:
        pairs = self.corpus.sample(split)
        return list(map(self._even, pairs)) if split == "train" else pairs

    def examples(self, split: str) -> list[Example]:
        return self.corpus.examples(split)

    def gold_alignments(self, split: str) -> dict[int, str] | None:
        return self.corpus.gold_alignments(split)

    def processed_references(self, split: str) -> list[str] | None:
        return self.corpus.processed_references(split)

    def fingerprint(self) -> str:
        return self.corpus.fingerprint()

    def known_leaks(self) -> frozenset[str]:
        return self.corpus.known_leaks()

    def _even(self, pair: Pair) -> Pair:
        source, target = self.inventories
        return source.even(pair[0]), target.even(pair[1])
