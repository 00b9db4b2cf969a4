"""Training batches of a split of a corpus, in a new order in every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from data import steps
from data.cleaning import EMPTY, TOO_LONG, Drop, Tally, clean, described
from data.corpora.corpus import Corpus, Pair
from data.errors import GlimpseError
from data.guidance import Guide
from data.options import CleaningOptions, PipelineOptions
from data.sampling import sampled
from data.sides import Sides

_READY_BATCHES = 2  # batches made in advance
# About so many pairs are measured to estimate the number of batches of a
# corpus that is not kept in memory.
_MEASURED_PAIRS = 20_000


@dataclass(frozen=True)
class Report:
    """Counts of the pairs, tokens and batches of a `TrainingData`.

    Attributes:
        pairs: number of pairs in the split: those kept and those left out.
        kept: number of pairs in the batches of an epoch.
        drops: for each reason, the number of pairs left out, with an example.
            Empty if the pairs are not kept in memory. In that case,
            `TrainingData.tally` counts the pairs left out in each epoch.
        source_tokens: number of source tokens in the pairs kept, EOS included.
        target_tokens: number of target tokens in the pairs kept, EOS included.
        source_padding: share of padding, 0 to 1, in the source ids of all
            batches. Rows that only fill up a batch count as padding.
        target_padding: share of padding, 0 to 1, in the target ids of all
            batches. Rows that only fill up a batch count as padding.
        shapes: shapes of the batches, ascending, as (source length, target
            length).
        batches: number of batches in an epoch.
        is_estimate: whether the counts are estimated from a sample.
    """

    pairs: int
    kept: int
    drops: Mapping[str, Drop]
    source_tokens: int
    target_tokens: int
    source_padding: float
    target_padding: float
    shapes: tuple[tuple[int, int], ...]
    batches: int
    is_estimate: bool = False

    def described(self) -> str:
        """Return a sentence with the counts, and a line for each of `drops`."""
        about = "about " if self.is_estimate else ""
        return "\n".join(
            [
                f"Training on {about}{self.kept:,} of {self.pairs:,} pairs, "
                f"{self.target_tokens:,} target tokens, {self.batches:,} "
                f"batches per epoch; {self.source_padding:.0%} of the source "
                f"and {self.target_padding:.0%} of the target is padding",
                *described(self.drops),
            ]
        )


@dataclass(frozen=True)
class Sample:
    """Sample of a corpus that is too large to be kept in memory.

    Attributes:
        pairs: the sampled pairs that cleaning kept. Pairs are sampled at
            regular intervals from the whole corpus.
        share: share of the sampled pairs that cleaning kept, 0 to 1.
        size: number of pairs in the corpus before cleaning.
    """

    pairs: Sequence[Pair]
    share: float
    size: int


class TrainingData:
    """Batches of one split, in an order that depends on seed and epoch.

    A batch is (inputs, target_out, weights), as `steps.shift` returns it. All
    batches have `options.batch_size` rows and are padded to one of a few
    shapes, the rungs of the ladder. An epoch has each kept pair once, with
    weight 1; rows that only fill up a batch have weight 0. Without a `sample`,
    the ids of all pairs are kept in memory. With a `sample`, every epoch reads
    and encodes the pairs anew, and the number of batches is an estimate.

    Args:
        pairs: dataset of normalised pairs, from `steps.strings`.
        sides: tokenizers and languages of source and target.
        options: options of the batches, such as their size.
        tally: counts of the pairs that cleaning leaves out. The pairs
            that are too long or empty are added to these counts. If None, a new
            `Tally` is used.
        sample: sample from which the counts in `report` are estimated. If None,
            all pairs are kept in memory and counted.

    Attributes:
        options: options of the batches.
        sides: tokenizers and languages of source and target.
        ladder: lengths that batches are padded to.
        report: counts of pairs, tokens and batches.
        tally: counts of the pairs left out when the corpus was last read.

    Raises:
        GlimpseError: no pair is left for training.

    Example:
        >>> data = read_split(corpus, "train", sides, PipelineOptions())
        >>> for inputs, target_out, weights in data.epoch(seed=1, epoch=0):
        ...     ...
    """

    def __init__(
        self,
        pairs: tf.data.Dataset,
        sides: Sides,
        options: PipelineOptions | None = None,
        *,
        tally: Tally | None = None,
        sample: Sample | None = None,
    ) -> None:
        self.options = options or PipelineOptions()
        self.sides = sides
        self.ladder = sides.ladder(self.options)
        self.tally = tally or Tally()
        # All epochs derive from one dataset and share its cache, of texts or of
        # ids. `_counted` reads all of it, which fills the cache.
        kept = sample is None
        self._pairs = pairs.cache() if kept and self._samples else pairs
        self._elements = self._encoded(self._pairs)
        if sample is None:
            if not self._samples:
                self._elements = self._elements.cache()
            self.report = self._counted()
        else:
            self.report = self._estimated(sample)
        if not self.report.kept:
            reasons = ", ".join(
                f"{drop.count} {reason}"
                for reason, drop in self.tally.drops.items()
            )
            raise GlimpseError(
                f"Of {self.report.pairs} pairs none is left for training "
                f"({reasons or 'none came'}): give other text, or allow longer "
                "sentences."
            )

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch.

        It is an estimate if the pairs are not kept in memory.
        """
        return self.report.batches

    def epoch(self, seed: int, epoch: int) -> tf.data.Dataset:
        """Return the batches of an epoch; their order differs in each epoch.

        Args:
            seed: seed of the training run.
            epoch: number of the epoch.
        """
        buffer = min(self.options.shuffle_buffer, self.report.kept)
        elements = self._drawn(seed, epoch) if self._samples else self._elements
        return self._batches(steps.shuffled(elements, buffer, seed, epoch))

    @property
    def _samples(self) -> bool:
        """Tell whether each epoch has sub-words of its own."""
        return self.options.subword_dropout > 0

    def _drawn(self, seed: int, epoch: int) -> tf.data.Dataset:
        own = steps.epoch_seed(seed, epoch)
        return sampled(self._pairs, self.sides, self.options, own)

    def in_order(self) -> tf.data.Dataset:
        """Return the batches, for validation; the pairs are not shuffled."""
        return self._batches(self._elements)

    def _encoded(self, pairs: tf.data.Dataset) -> tf.data.Dataset:
        def fit(lengths: tf.Tensor) -> tf.Tensor:
            return self.sides.fit(lengths, self.options)

        kept = steps.keep_fitting(
            steps.encode(pairs, *self.sides), fit, self._note
        )
        return steps.one_by_one(kept)

    def _note(self, *elements: np.ndarray) -> None:
        """Count in `tally` a pair that is empty or too long.

        Args:
            *elements: source ids and target ids of the pair.
        """
        sides = list(zip(self.sides, elements, strict=True))
        is_empty = any(len(each) < side.least for side, each in sides)
        source, target = (side.decode(each.tolist()) for side, each in sides)
        self.tally.drop(EMPTY if is_empty else TOO_LONG, (source, target))

    def _batches(self, elements: tf.data.Dataset) -> tf.data.Dataset:
        size = self.options.batch_size
        if len(elements.element_spec) > 3:
            elements = steps.spread_links(elements)
        batches = steps.bucket(elements, self.ladder, size)
        batches = steps.shift(
            steps.complete(batches, size), self.sides.target.symbols
        ).prefetch(_READY_BATCHES)
        if not self.report.is_estimate and not self._samples:
            batches = batches.apply(
                tf.data.experimental.assert_cardinality(self.report.batches)
            )
        options = tf.data.Options()
        options.deterministic = True
        # There is nothing to tune. Besides, the tuning thread delays the end of
        # an iterator by as long as the iterator has run.
        options.autotune.enabled = False
        return batches.with_options(options)

    def _counted(self) -> Report:
        lengths = _lengths(self._elements)
        if self._samples:
            # Epochs differ a little in their numbers of tokens and batches;
            # this one stands for all of them.
            lengths = _lengths(self._drawn(0, 0))
        dropped = sum(drop.count for drop in self.tally.drops.values())
        return Report(
            pairs=len(lengths) + dropped,
            drops=self.tally.drops,
            **self._plan(lengths),
        )

    def _estimated(self, sample: Sample) -> Report:
        step = -(-len(sample.pairs) // _MEASURED_PAIRS) or 1
        lengths = self.sides.lengths(sample.pairs[::step])
        fitting = lengths[self.sides.fit(lengths.T, self.options)]
        factor = sample.size * sample.share / max(1, len(lengths))
        return Report(
            pairs=sample.size,
            drops={},
            is_estimate=True,
            **self._plan(fitting, factor),
        )

    def _plan(self, lengths: np.ndarray, factor: float = 1) -> dict[str, Any]:
        """Compute the counts of a `Report` from the lengths of pairs.

        Args:
            lengths: lengths (N, 2) of the sources and targets of N pairs.
            factor: number of pairs in the corpus that each pair of `lengths`
                represents: 1 if `lengths` has all pairs, more for a sample.

        Returns:
            Dictionary with the names and values of the attributes of `Report`
            from `kept` to `batches`, except `drops`.
        """
        ladder = np.array(self.ladder)  # (2, R)
        rungs = np.maximum(
            *(np.searchsorted(ladder[i], lengths[:, i]) for i in (0, 1))
        )
        pairs = np.bincount(rungs, minlength=ladder.shape[1]) * factor
        size = self.options.batch_size
        batches = np.ceil(pairs / size).astype(int)  # (R,)
        cells = (ladder @ batches) * size
        tokens = [round(side * factor) for side in lengths.sum(axis=0)]
        padding = [
            1 - real / max(int(all_), 1)
            for real, all_ in zip(tokens, cells, strict=True)
        ]
        return {
            "kept": round(len(lengths) * factor),
            "source_tokens": tokens[0],
            "target_tokens": tokens[1],
            "source_padding": padding[0],
            "target_padding": padding[1],
            "shapes": tuple(
                (int(source), int(target))
                for source, target in ladder.T[batches > 0]
            ),
            "batches": int(batches.sum()),
        }


def _lengths(elements: tf.data.Dataset) -> np.ndarray:
    """Return the lengths (N, 2) of all pairs of a dataset."""
    sizes = elements.map(lambda source, target, lengths, *links: lengths)
    batches = sizes.batch(steps.AT_ONCE).as_numpy_iterator()
    return np.concatenate([np.zeros((0, 2), int), *batches])


def read_split(
    corpus: Corpus,
    split: str,
    sides: Sides,
    options: PipelineOptions,
    cleaning: CleaningOptions | None = None,
    guide: Guide | None = None,
) -> TrainingData:
    """Clean a split of a corpus and return its batches.

    Args:
        corpus: corpus to read. If the split has more than
            `options.in_memory_pairs` pairs, every epoch reads it anew;
            otherwise it is kept in memory.
        split: name of the split.
        sides: tokenizers and languages of source and target.
        options: options of the batches, such as their size.
        cleaning: options that decide which pairs are left out. By default, only
            pairs with an empty source or target are left out.
        guide: word alignments of the pairs, if attention is to be trained on
            them. The inputs of each batch then include "alignment".
    """
    cleaning = cleaning or CleaningOptions()
    codes = (corpus.source, corpus.target)
    tally = Tally()
    sample = None
    if corpus.size(split) > options.in_memory_pairs:
        some = corpus.sample(split)
        kept = list(clean(some, cleaning, codes, Tally()))
        share = len(kept) / len(some)
        sample = Sample(kept, share, corpus.size(split))

    def rows() -> Iterator[tuple[Any, ...]]:
        pairs = corpus.pairs(split)
        return pairs if guide is None else guide.rows(pairs, sides)

    return TrainingData(
        steps.strings(
            lambda: clean(rows(), cleaning, codes, tally),
            links=guide is not None,
        ),
        sides,
        options,
        tally=tally,
        sample=sample,
    )
