"""Corpora read anew whenever they are wanted, however large."""

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

_HELD_OUT_SHARE = 20  # at most one source in so many goes to a split
_FEWEST = 10  # different sources that a split can be taken from


@dataclass(frozen=True)
class Stream:
    """The pairs of one split as they come, normalised.

    Attributes:
        read: yields them, from the first each time it is called.
        size: how many there are.
        sample: pairs from all over it, all if they are few; other splits than
            "train" may have none.
        fingerprint: of its text; another text has another one.
    """

    read: Callable[[], Iterator[Pair]]
    size: int
    sample: Sequence[Pair]
    fingerprint: str


@dataclass(frozen=True)
class StreamedCorpus(Corpus):
    """A corpus of streams; a split that has none is taken from training.

    A sentence goes to a split by its SHA-256, so that the same text always
    gives the same splits, and all pairs of one source stay together. What is
    taken out of training is taken out of all of it; the pairs of the new split
    are those of the sample, which for corpora of ordinary size is all there is.

    Attributes:
        streams: by split; "train" is among them.
        held_out: pairs of the splits taken from training, by split.
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
        # Without a target it is in no split: left here, it will be counted.
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
    """Return a corpus with training, validation and test.

    Args:
        name: of the corpus.
        source: code of the language translated from.
        target: code of the language translated into.
        streams: "train", and what other splits there are.
        held_out: source sentences for each split that there is not; at most a
            twentieth of the different ones.

    Raises:
        GlimpseError: a split is wanted, but there are too few sentences.
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
