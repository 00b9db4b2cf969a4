"""Dataset → dataset steps, and the batches of training built of them.

B is a batch's rows, S and T its source and target length, EOS included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from data.cleaning import EMPTY, TOO_LONG, Drop, Tally, clean
from data.corpora.corpus import Corpus, Pair
from data.errors import GlimpseError
from data.guidance import Guide
from data.options import CleaningOptions, PipelineOptions
from data.tokenizer import Tokenizer

_TOKENIZED_AT_ONCE = 1024  # one by one is ten times slower
_EMPTY = 1  # length of a sentence without words: its EOS
_READY_BATCHES = 2
_MEASURED_PAIRS = 20_000  # of a stream's sample, to foresee its batches


def strings(
    pairs: Callable[[], Iterable[tuple[str, ...]]], columns: int = 2
) -> tf.data.Dataset:
    """Return what `pairs()` yields as tuples of scalar strings.

    Args:
        pairs: called anew whenever the dataset is read.
        columns: how many strings each yields: (source, target), or with the
            links between their pieces, as `data.guidance` writes them.
    """

    def batches() -> Iterator[tuple[tuple[str, ...], ...]]:
        rows = iter(pairs())
        while some := list(islice(rows, _TOKENIZED_AT_ONCE)):
            yield tuple(zip(*some, strict=True))

    column = tf.TensorSpec((None,), tf.string)
    return tf.data.Dataset.from_generator(
        batches, output_signature=(column,) * columns
    ).unbatch()


def tokenize(
    pairs: tf.data.Dataset,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
) -> tf.data.Dataset:
    """Turn pairs of normalised strings into ids, each with a final EOS.

    Args:
        pairs: what `strings` returns.
        source_tokenizer: for the source.
        target_tokenizer: for the target, the same object if joint.

    Returns:
        Many pairs at a time, in the order of `pairs`: ragged int32
        ((N, None), (N, None)), and one more for their links.
    """

    def both(
        source: tf.Tensor, target: tf.Tensor, *links: tf.Tensor
    ) -> tuple[tf.RaggedTensor, ...]:
        return (
            _with_end(source_tokenizer.in_graph(source)),
            _with_end(target_tokenizer.in_graph(target)),
            *map(_numbers, links),
        )

    return pairs.batch(_TOKENIZED_AT_ONCE).map(both)


def keep_lengths(
    sequences: tf.data.Dataset,
    max_source: int,
    max_target: int,
    note: Callable[[np.ndarray, np.ndarray], None] = lambda source, target: (
        None
    ),
) -> tf.data.Dataset:
    """Drop pairs with a side that is too long, or empty (EOS alone).

    Args:
        sequences: many at a time, as `tokenize` gives them.
        max_source: longest source kept, in tokens with EOS.
        max_target: the same for the target.
        note: called with both sides of each pair dropped.

    Returns:
        As `sequences`.
    """

    def tell(*parts: np.ndarray) -> np.bool_:
        sources, source_ends, targets, target_ends = parts
        for source, target in zip(
            np.split(sources, source_ends[:-1]),
            np.split(targets, target_ends[:-1]),
            strict=True,
        ):
            note(source, target)
        return np.bool_(True)

    def fitting(
        source: tf.RaggedTensor, target: tf.RaggedTensor, *links: Any
    ) -> tuple[tf.RaggedTensor, ...]:
        sizes = tf.stack([source.row_lengths(), target.row_lengths()])  # (2, N)
        limits = tf.constant([[max_source], [max_target]], sizes.dtype)
        fits = tf.reduce_all((sizes > _EMPTY) & (sizes <= limits), axis=0)
        dropped = [
            part
            for side in (source, target)
            for row in [tf.ragged.boolean_mask(side, ~fits)]
            for part in (row.values, row.row_limits())
        ]
        told = tf.cond(
            tf.reduce_all(fits),
            lambda: True,
            lambda: tf.numpy_function(tell, dropped, tf.bool),
        )
        with tf.control_dependencies([told]):
            fits = tf.identity(fits)
        return tuple(
            tf.ragged.boolean_mask(side, fits)
            for side in (source, target, *links)
        )

    return sequences.map(fitting)


def one_by_one(sequences: tf.data.Dataset) -> tf.data.Dataset:
    """Turn what `tokenize` gives into ((S,), (T,)) int32, a pair each.

    Its links, if there are any, come third, (2 N,).
    """
    # A row of a ragged tensor cannot be padded.
    return sequences.unbatch().map(_tensors)


def spread_links(sequences: tf.data.Dataset) -> tf.data.Dataset:
    """Turn the links of `one_by_one` into what attention should be.

    Returns:
        ((S,), (T,), (T, S)): the last float32, a row for each target token
        that is spread evenly over what it is linked to; one without links is 0.
    """

    def spread(
        source: tf.Tensor, target: tf.Tensor, links: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        links = tf.reshape(links, (-1, 2))
        ones = tf.ones(tf.shape(links)[:1])
        shape = tf.stack([tf.size(target), tf.size(source)])
        alignment = tf.scatter_nd(links, ones, shape)
        total = tf.reduce_sum(alignment, 1, keepdims=True)
        return source, target, tf.math.divide_no_nan(alignment, total)

    return sequences.map(spread)


def shuffled(
    dataset: tf.data.Dataset, buffer: int, seed: int, epoch: int
) -> tf.data.Dataset:
    """Draw elements in an order that (seed, epoch) alone decides."""
    return dataset.shuffle(
        buffer, seed=epoch_seed(seed, epoch), reshuffle_each_iteration=False
    )


def epoch_seed(seed: int, epoch: int) -> int:
    """Return one number for an epoch: the first 63 bits of the SHA-256 of
    "seed/epoch" in decimal, so that neighbours share nothing.
    """
    digest = hashlib.sha256(f"{seed}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def bucket(
    sequences: tf.data.Dataset, lengths: Sequence[int], batch_size: int
) -> tf.data.Dataset:
    """Batch pairs of like length, both sides padded to one of `lengths`.

    A pair belongs to the smallest length that holds its longer side, whatever
    comes with it: so the number of batches does not depend on the order, and
    the shapes (B, L) are one a length. On Multi30k, source and target sides in
    one length waste less than any other key with so few shapes, because
    translations are about as long as what they translate.

    Args:
        sequences: ((S,), (T,)) int32, no side longer than the last length,
            and perhaps the (T, S) of `spread_links`.
        lengths: ascending.
        batch_size: rows; a length's last batch may have fewer.

    Returns:
        ((B, L), (B, L)) int32 batches, padded with 0; and (B, L, L).
    """
    edges = tf.constant(lengths, tf.int32)

    def key(
        source: tf.Tensor, target: tf.Tensor, *alignment: tf.Tensor
    ) -> tf.Tensor:
        longer = tf.maximum(tf.size(source), tf.size(target))
        return tf.cast(tf.searchsorted(edges, longer[None])[0], tf.int64)

    return sequences.group_by_window(
        key,
        lambda which, window: pad(window, edges[which], batch_size),
        window_size=batch_size,
    )


def pad(
    sequences: tf.data.Dataset, length: int | tf.Tensor, batch_size: int
) -> tf.data.Dataset:
    """Batch pairs in order, every axis padded with 0 to `length`."""
    length = tf.cast(length, tf.int64)
    shapes = tuple(
        tf.fill((side.shape.rank,), length) for side in sequences.element_spec
    )
    return sequences.padded_batch(batch_size, padded_shapes=shapes)


def complete(batches: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Fill batches up to `batch_size` with copies of their first row.

    Returns:
        What `batches` gives, and last weights (B,) float32, 1 for a row of
        the data and 0 for a copy. No row is without tokens, which some kernels
        crash on.
    """

    def filled(*sides: tf.Tensor) -> tuple[tf.Tensor, ...]:
        rows = tf.range(batch_size)
        real = rows < tf.shape(sides[0])[0]
        rows = tf.where(real, rows, 0)
        weights = tf.cast(real, tf.float32)
        return (*(tf.gather(side, rows) for side in sides), weights)

    return batches.map(filled)


def shift(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Give the decoder its input: BOS and the target but its EOS.

    Returns:
        ({"source", "target_in"}, target_out, weights), the first three int32
        (B, S), (B, T) and (B, T). What `spread_links` made is "alignment"
        beside the first two, (B, T, S).
    """

    def shifted(
        source: tf.Tensor, target: tf.Tensor, *rest: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        begin = tf.fill((tf.shape(target)[0], 1), Tokenizer.BOS)
        before = tf.concat([begin, target[:, :-1]], axis=1)  # (B, T)
        target_in = tf.where(target == Tokenizer.PAD, target, before)
        inputs = {"source": source, "target_in": target_in}
        *alignment, weights = rest
        inputs.update(zip(("alignment",), alignment, strict=False))
        return inputs, target, weights

    return batches.map(shifted)


@dataclass(frozen=True)
class Report:
    """What became of the pairs of a corpus.

    Attributes:
        pairs: read.
        kept: in the batches.
        drops: left out, by the reason; empty for a stream, whose `tally` fills
            as it is read.
        source_tokens: kept, EOS included.
        target_tokens: kept, EOS included.
        source_padding: part of the source cells of an epoch that hold no
            token of the data, in padding or filler rows, 0 to 1.
        target_padding: the same for the target.
        shapes: (S, T) of the batches, ascending.
        batches: in an epoch.
        is_estimate: whether the numbers are those of a sample, scaled up.
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


@dataclass(frozen=True)
class Sample:
    """Some pairs of a corpus that is too large to be read beforehand.

    Attributes:
        pairs: from all over it, as they will come.
        share: how many of the corpus there are of them, 0 to 1.
        size: pairs in the corpus, those included that will be left out.
    """

    pairs: Sequence[Pair]
    share: float
    size: int


class TrainingData:
    """Batches of a corpus, in an order for every (seed, epoch).

    Batches are those of `shift`, all of `options.batch_size` rows, padded to
    one of `options.lengths`; each pair kept is once in an epoch at weight 1.
    The ids of all pairs are kept in memory, unless a `sample` stands for them:
    then every epoch reads and tokenizes `pairs` anew, and the number of batches
    is an estimate.

    Args:
        pairs: what `strings` returns, normalised.
        source_tokenizer: for the source.
        target_tokenizer: for the target, the same object if joint.
        options: see `PipelineOptions`.
        tally: what `pairs` counts of itself as it is read.
        sample: of pairs that are not to be kept in memory.

    Attributes:
        report: a `Report` on the pairs.
        tally: what was left out of the last epoch read.

    Raises:
        GlimpseError: no pair is left.

    Example:
        >>> data = TrainingData(corpus.dataset("train"), tokenizer, tokenizer)
        >>> for inputs, target_out, weights in data.epoch(seed=1, epoch=0):
        ...     ...
    """

    def __init__(
        self,
        pairs: tf.data.Dataset,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        options: PipelineOptions | None = None,
        *,
        tally: Tally | None = None,
        sample: Sample | None = None,
    ) -> None:
        self.options = options or PipelineOptions()
        self.tally = tally or Tally()
        tokenizers = (source_tokenizer, target_tokenizer)
        self._sequences = self._tokenized(pairs, tokenizers)
        if sample is None:
            # Every epoch is derived of this one dataset, so they share its
            # cache; the report's pass fills it to the end.
            self._sequences = self._sequences.cache()
            self.report = _report(self._sequences, self.tally, self.options)
        else:
            self.report = _estimate(sample, tokenizers, self.options)
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
        """Number of batches, the same in every epoch; about, of a stream."""
        return self.report.batches

    def epoch(self, seed: int, epoch: int) -> tf.data.Dataset:
        """Return the batches of an epoch; its `.skip(n)` resumes after n."""
        buffer = min(self.options.shuffle_buffer, self.report.kept)
        return self._batches(shuffled(self._sequences, buffer, seed, epoch))

    def in_order(self) -> tf.data.Dataset:
        """Return the batches without shuffling, as for validation."""
        return self._batches(self._sequences)

    def _tokenized(
        self, pairs: tf.data.Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
    ) -> tf.data.Dataset:
        def note(*sides: np.ndarray) -> None:
            is_empty = min(map(len, sides)) <= _EMPTY
            source, target = (
                tokenizer.decode(ids)
                for tokenizer, ids in zip(tokenizers, sides, strict=True)
            )
            self.tally.drop(EMPTY if is_empty else TOO_LONG, (source, target))

        kept = keep_lengths(
            tokenize(pairs, *tokenizers),
            self.options.max_source_length,
            self.options.max_target_length,
            note,
        )
        return one_by_one(kept)

    def _batches(self, sequences: tf.data.Dataset) -> tf.data.Dataset:
        size = self.options.batch_size
        if len(sequences.element_spec) > 2:
            sequences = spread_links(sequences)
        batches = bucket(sequences, self.options.lengths, size)
        batches = shift(complete(batches, size)).prefetch(_READY_BATCHES)
        if not self.report.is_estimate:
            batches = batches.apply(
                tf.data.experimental.assert_cardinality(self.report.batches)
            )
        options = tf.data.Options()
        options.deterministic = True
        # There is nothing to tune, and its thread keeps an iterator that has
        # ended waiting, as long again as it has run.
        options.autotune.enabled = False
        return batches.with_options(options)


def read_split(
    corpus: Corpus,
    split: str,
    tokenizers: tuple[Tokenizer, Tokenizer],
    options: PipelineOptions,
    cleaning: CleaningOptions | None = None,
    guide: Guide | None = None,
) -> TrainingData:
    """Return a split of a corpus, cleaned and counted, as batches.

    Args:
        corpus: kept in memory if it has no more than
            `options.in_memory_pairs`, else streamed.
        split: name of the split.
        tokenizers: for source and target.
        options: how pairs become batches.
        cleaning: what is left out; by default pairs with an empty side.
        guide: which words of these pairs go together, if attention is to learn
            it; the batches then have an "alignment".
    """
    cleaning = cleaning or CleaningOptions()
    languages = (corpus.source, corpus.target)
    tally = Tally()
    sample = None
    if corpus.size(split) > options.in_memory_pairs:
        some = corpus.sample(split)
        kept = list(clean(some, cleaning, languages, Tally()))
        share = len(kept) / len(some)
        sample = Sample(kept, share, corpus.size(split))

    def rows() -> Iterator[tuple[str, ...]]:
        pairs = corpus.pairs(split)
        if guide is None:
            return pairs
        return guide.rows(pairs, tokenizers)

    return TrainingData(
        strings(
            lambda: clean(rows(), cleaning, languages, tally),
            columns=2 if guide is None else 3,
        ),
        *tokenizers,
        options,
        tally=tally,
        sample=sample,
    )


def _with_end(ids: tf.RaggedTensor) -> tf.RaggedTensor:
    ends = tf.fill((ids.nrows(), 1), Tokenizer.EOS)
    return tf.concat([ids, ends], axis=1)


def _numbers(texts: tf.Tensor) -> tf.RaggedTensor:
    return tf.strings.to_number(tf.strings.split(texts), tf.int32)


def _tensors(*sides: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return tuple(tf.identity(side) for side in sides)


def _report(
    sequences: tf.data.Dataset, tally: Tally, options: PipelineOptions
) -> Report:
    sizes = _sizes(sequences)
    dropped = sum(drop.count for drop in tally.drops.values())
    return Report(
        pairs=len(sizes) + dropped, drops=tally.drops, **_plan(sizes, options)
    )


def _estimate(
    sample: Sample,
    tokenizers: tuple[Tokenizer, Tokenizer],
    options: PipelineOptions,
) -> Report:
    some = sample.pairs[:: -(-len(sample.pairs) // _MEASURED_PAIRS) or 1]
    sizes = np.array(
        [
            [len(ids) + 1 for ids in tokenizer.encode_batch(side)]  # with EOS
            for tokenizer, side in zip(
                tokenizers, zip(*some, strict=True), strict=bool(some)
            )
        ]
    ).T.reshape(-1, 2)
    limits = [options.max_source_length, options.max_target_length]
    fitting = sizes[np.all((sizes > _EMPTY) & (sizes <= limits), axis=1)]
    factor = sample.size * sample.share / max(1, len(sizes))
    return Report(
        pairs=sample.size,
        drops={},
        is_estimate=True,
        **_plan(fitting, options, factor),
    )


def _plan(
    sizes: np.ndarray, options: PipelineOptions, factor: float = 1
) -> dict[str, Any]:
    """Return what `bucket` will make of pairs of these sizes (N, 2).

    Args:
        sizes: of both sides, in tokens.
        options: how pairs become batches.
        factor: how many pairs each of these stands for.
    """
    lengths = np.array(options.lengths)
    which = np.searchsorted(lengths, sizes.max(axis=1, initial=0))
    pairs = np.bincount(which, minlength=len(lengths)) * factor  # by length
    batches = np.ceil(pairs / options.batch_size).astype(int)
    cells = int((batches * lengths).sum()) * options.batch_size
    source_tokens, target_tokens = (
        round(side * factor) for side in sizes.sum(axis=0)
    )
    return {
        "kept": round(len(sizes) * factor),
        "source_tokens": source_tokens,
        "target_tokens": target_tokens,
        "source_padding": 1 - source_tokens / max(cells, 1),
        "target_padding": 1 - target_tokens / max(cells, 1),
        "shapes": tuple((int(each),) * 2 for each in lengths[batches > 0]),
        "batches": int(batches.sum()),
    }


def _sizes(sequences: tf.data.Dataset) -> np.ndarray:
    """Return the lengths of both sides of each pair: (N, 2)."""
    sizes = sequences.map(
        lambda source, target, *links: tf.stack(
            [tf.size(source), tf.size(target)]
        )
    ).batch(_TOKENIZED_AT_ONCE)
    return np.concatenate([np.zeros((0, 2), int), *sizes.as_numpy_iterator()])
