"""Streamed corpora: text of any size, read from its files at each use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from data.corpora.corpus import (
    Corpus,
    Example,
    Pair,
    split_key,
    with_all_references,
)
from data.errors import GlimpseError

_HELD_OUT_SHARE = 20  # a split gets at most one source sentence in 20
_FEWEST = 10  # different sources needed to take a split from training


@dataclass(frozen=True)
class Stream:
    """Normalised sentence pairs of one split, in a fixed order.

    Attributes:
        read: function that returns a new iterator over all pairs.
        size: number of pairs.
        sample: pairs that are kept in memory: all pairs of a small split, or
            some pairs of a large one. It may be empty for splits other than
            "train".
        fingerprint: identifier of the text, such as a checksum, which changes
            when the text changes.
    """

    read: Callable[[], Iterator[Pair]]
    size: int
    sample: Sequence[Pair]
    fingerprint: str


@dataclass(frozen=True)
class StreamedCorpus(Corpus):
    """Corpus with one stream for each split that has its own text.

    A missing split (validation or test) is taken from the sample of the
    training text. The sample holds all pairs unless the corpus is very large.
    The SHA-256 of a source sentence decides whether the sentence is taken, so
    the same text always gives the same splits. The split "train" leaves out
    all pairs whose source sentence was taken, except pairs with an empty
    target: these pairs always stay in "train".

    Attributes:
        streams: mapping whose keys are names of splits, and whose values are
            their streams; "train" is always present.
        held_out: mapping whose keys are names of the splits that are taken from
            the training text, and whose values are the pairs of these splits.
    """

    streams: Mapping[str, Stream] = field(repr=False, compare=False)
    held_out: Mapping[str, Sequence[Pair]] = field(repr=False, compare=False)

    @property
    def splits(self) -> tuple[str, ...]:
        return (*self.streams, *self.held_out)

    def size(self, split: str) -> int:
        self._check(split)
        if split in self.held_out:
            return len(self.held_out[split])
        return self.streams[split].size

    def pairs(self, split: str) -> Iterator[Pair]:
        self._check(split)
        if split in self.held_out:
            yield from self.held_out[split]
        elif split == "train" and self.held_out:
            yield from self._without_held_out(self.streams[split].read())
        else:
            yield from self.streams[split].read()

    def sample(self, split: str = "train") -> list[Pair]:
        if split != "train":
            return super().sample(split)
        return list(self._without_held_out(self.streams[split].sample))

    def fingerprint(self) -> str:
        return self.streams["train"].fingerprint

    def examples(self, split: str) -> list[Example]:
        if split in self.held_out:
            return with_all_references(self.held_out[split])
        return super().examples(split)

    def _without_held_out(
        self, pairs: Iterator[Pair] | Sequence[Pair]
    ) -> Iterator[Pair]:
        held_out = {
            source for split in self.held_out.values() for source, _ in split
        }
        # A pair without a target goes to no other split. It stays in training,
        # where pairs left out are counted.
        return (
            (source, target)
            for source, target in pairs
            if source not in held_out or not target
        )


def with_all_splits(
    name: str,
    source: str,
    target: str,
    streams: Mapping[str, Stream],
    held_out: int,
) -> StreamedCorpus:
    """Return a corpus with the splits "train", "validation" and "test".

    If "validation" or "test" has no stream, its pairs are taken from the sample
    of the training text. The corpus also has all other splits in `streams`.

    Args:
        name: name of the corpus.
        source: code of the language translated from.
        target: code of the language translated into.
        streams: mapping whose keys are names of splits, and whose values are
            their streams; "train" must be present.
        held_out: number of source sentences to take for each split without a
            stream. From a small sample, fewer are taken: a twentieth of its
            distinct source sentences, but at least one.

    Raises:
        GlimpseError: a split has no stream, and the sample has too few source
            sentences to take the split from.
    """
    wanted = [each for each in ("validation", "test") if each not in streams]
    sample = streams["train"].sample
    sources = sorted(
        {source for source, target in sample if source and target},
        key=split_key,
    )
    if wanted and len(sources) < _FEWEST:
        raise GlimpseError(
            f"Corpus {name} has {len(sources)} different source sentences, too "
            f"few to take {' and '.join(wanted)} from them: give files for "
            f"{'these splits' if len(wanted) > 1 else 'this split'}, or more "
            "text."
        )
    count = max(1, min(held_out, len(sources) // _HELD_OUT_SHARE))
    taken = {}
    for place, split in enumerate(wanted):
        chosen = set(sources[place * count : (place + 1) * count])
        taken[split] = [
            (one, other) for one, other in sample if one in chosen and other
        ]
    return StreamedCorpus(name, source, target, streams, taken)
