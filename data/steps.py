"""Steps of the `tf.data` pipeline, from text pairs to the batches of an epoch.

Source and target of each pair are converted into ids, EOS included. In shapes,
N is the number of pairs in an item of a dataset, B is the number of rows of a
batch, and S and T are the numbers of ids of source and target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from data.modalities import Modality, Symbols
from data.sides import Ladder

AT_ONCE = 1024  # pairs tokenised together: ten times as fast as one by one


def strings(
    pairs: Callable[[], Iterable[tuple[Any, ...]]], *, links: bool = False
) -> tf.data.Dataset:
    """Return a dataset of text pairs; an item has up to `AT_ONCE` pairs.

    Args:
        pairs: function that returns the pairs (source, target). It is called
            anew whenever the dataset is read from the start.
        links: whether `pairs` returns tuples (source, target, links) instead.
            The links are an alignment between the pieces of the pair, as the
            flat array that `data.guidance` describes.

    Returns:
        A dataset whose items are tuples (sources, targets) or, if `links` is
        true, (sources, targets, links). Sources and targets are strings of
        shape (N,); links are ragged int32 of shape (N, None). N is at most
        `AT_ONCE`.
    """
    column = tf.TensorSpec((None,), tf.string)
    link = tf.RaggedTensorSpec((None, None), tf.int32, ragged_rank=1)

    def batches() -> Iterator[tuple[Any, ...]]:
        rows = iter(pairs())
        while some := list(islice(rows, AT_ONCE)):
            source, target, *rest = zip(*some, strict=True)
            yield source, target, *map(_ragged, rest)

    return tf.data.Dataset.from_generator(
        batches, output_signature=(column, column, *([link] if links else []))
    )


def encode(
    pairs: tf.data.Dataset, source: Modality, target: Modality
) -> tf.data.Dataset:
    """Turn the strings of pairs into ids.

    Args:
        pairs: dataset from `strings`, of normalised strings.
        source: modality of the source, which turns its strings into ids.
        target: modality of the target, which turns its strings into ids.

    Returns:
        A dataset of source ids and target ids, both ragged of shape (N, None),
        in the order of `pairs`. If `pairs` has links, each item of the result
        also contains the links, unchanged.
    """
    return pairs.map(
        lambda one, other, *links: (
            source.encode(one),
            target.encode(other),
            *links,
        )
    )


def keep_fitting(
    elements: tf.data.Dataset,
    fit: Callable[[tf.Tensor], tf.Tensor],
    note: Callable[[np.ndarray, np.ndarray], None] = lambda source, target: (
        None
    ),
) -> tf.data.Dataset:
    """Remove the pairs that are too long or too short.

    Args:
        elements: dataset from `encode`; each of its items has many pairs.
        fit: function that takes the lengths (2, N) of source and target and
            returns booleans of shape (N,), True for the pairs to keep.
        note: function that is called with the source ids and the target ids of
            each dropped pair.

    Returns:
        A dataset like `elements`, without the dropped pairs.
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
        fits = fit(tf.stack([source.row_lengths(), target.row_lengths()]))
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

    return elements.map(fitting)


def one_by_one(elements: tf.data.Dataset) -> tf.data.Dataset:
    """Split items of many pairs, as `encode` makes them, into single pairs.

    Returns:
        A dataset of source ids (S,), target ids (T,), the lengths S and T as an
        int32 tensor (2,) and, if `elements` has links, the links of the pair,
        as a flat array of two integers for each link.
    """

    def measured(
        source: tf.Tensor, target: tf.Tensor, *links: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        lengths = tf.stack([tf.shape(source)[0], tf.shape(target)[0]])
        sides = (source, target, lengths, *links)
        # Rows of ragged tensors cannot be padded, so they become plain tensors.
        return tuple(tf.identity(side) for side in sides)

    return elements.unbatch().map(measured)


def spread_links(elements: tf.data.Dataset) -> tf.data.Dataset:
    """Turn the links of each pair into the attention that a model should learn.

    Args:
        elements: dataset from `one_by_one`, with links.

    Returns:
        A dataset of source ids (S,), target ids (T,), their lengths (2,) and
        attention, float32 (T, S). In the row of a target token, the source
        tokens that are linked to it have equal weights, whose sum is 1; all
        other weights are 0. The row of a target token without links is all 0.
    """

    def spread(
        source: tf.Tensor,
        target: tf.Tensor,
        lengths: tf.Tensor,
        links: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        links = tf.reshape(links, (-1, 2))
        ones = tf.ones(tf.shape(links)[:1])
        alignment = tf.scatter_nd(links, ones, tf.reverse(lengths, [0]))
        total = tf.reduce_sum(alignment, 1, keepdims=True)
        alignment = tf.math.divide_no_nan(alignment, total)
        return source, target, lengths, alignment

    return elements.map(spread)


def shuffled(
    dataset: tf.data.Dataset, buffer: int, seed: int, epoch: int
) -> tf.data.Dataset:
    """Shuffle a dataset; the order depends only on seed and epoch.

    Args:
        dataset: items to shuffle.
        buffer: number of items from which the next one is drawn at random.
        seed: seed of the training run.
        epoch: number of the epoch.
    """
    return dataset.shuffle(
        buffer, seed=epoch_seed(seed, epoch), reshuffle_each_iteration=False
    )


def epoch_seed(seed: int, epoch: int) -> int:
    """Return a seed for one epoch, unrelated to the seeds of other epochs.

    It is the first 63 bits of the SHA-256 of the text "SEED/EPOCH", where both
    numbers are written in decimal.
    """
    digest = hashlib.sha256(f"{seed}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def bucket(
    elements: tf.data.Dataset, ladder: Ladder, batch_size: int
) -> tf.data.Dataset:
    """Make batches of pairs of similar length, padded to one of a few shapes.

    The shapes (S, T) are the rungs of a ladder. A pair is padded to the first
    rung that is long enough for both its source and its target. The number of
    pairs of each rung, and so the number of batches, does not depend on the
    order of the pairs.

    Args:
        elements: dataset from `one_by_one` or `spread_links`. No pair may be
            longer than the last rung.
        ladder: ascending lengths to which source and target are padded.
        batch_size: number of rows of a batch; the last batch of each rung may
            have fewer rows.

    Returns:
        A dataset of batches, in the form that `pad` returns.
    """
    edges = tf.constant(ladder, tf.int32)  # (2, R)

    def key(
        source: tf.Tensor, target: tf.Tensor, lengths: tf.Tensor, *rest: Any
    ) -> tf.Tensor:
        rungs = tf.searchsorted(edges, lengths[:, None])
        return tf.cast(tf.reduce_max(rungs), tf.int64)

    return elements.group_by_window(
        key,
        lambda rung, window: pad(
            window, (edges[0, rung], edges[1, rung]), batch_size
        ),
        window_size=batch_size,
    )


def pad(
    elements: tf.data.Dataset,
    shape: tuple[int | tf.Tensor, int | tf.Tensor],
    batch_size: int,
) -> tf.data.Dataset:
    """Make batches of pairs, in order, and pad them with 0 to a shape (S, T).

    Args:
        elements: dataset from `one_by_one` or `spread_links`.
        shape: lengths S and T to pad source and target to.
        batch_size: number of rows of a batch; the last batch may have fewer.

    Returns:
        A dataset of source ids (B, S), target ids (B, T), the lengths (B, 2) of
        source and target, int32 and without padding, and, if `elements` has
        attention, the attention (B, T, S).
    """
    source, target = (tf.cast(length, tf.int64) for length in shape)
    axes = ([source], [target], [2], [target, source])
    return elements.padded_batch(
        batch_size, padded_shapes=axes[: len(elements.element_spec)]
    )


def complete(batches: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Fill batches up to `batch_size` rows with copies of their first row.

    The added rows do not consist of padding, since some low-level kernels crash
    on rows without tokens.

    Args:
        batches: dataset from `bucket` or `pad`.
        batch_size: number of rows that every batch gets.

    Returns:
        A dataset of the batches, with one more tensor at the end: the weights
        of the rows, float32 (B,). The weight of a copy is 0, and the weight of
        any other row is 1.
    """

    def filled(*sides: tf.Tensor) -> tuple[tf.Tensor, ...]:
        rows = tf.range(batch_size)
        real = rows < tf.shape(sides[0])[0]
        rows = tf.where(real, rows, 0)
        weights = tf.cast(real, tf.float32)
        return (*(tf.gather(side, rows) for side in sides), weights)

    return batches.map(filled)


def shift(batches: tf.data.Dataset, symbols: Symbols) -> tf.data.Dataset:
    """Add the decoder's input: the target, shifted right by one position.

    The decoder's input consists of the begin symbol, followed by the target ids
    without the last one.

    Args:
        batches: dataset from `complete`.
        symbols: ids of the padding and begin symbols of the target.

    Returns:
        A dataset of (inputs, target_out, weights). The dictionary `inputs` has
        "source" (B, S), "source_length" (B,), "target_in" (B, T),
        "target_length" (B,) and, if `batches` has the attention that a model
        should learn, "alignment" (B, T, S). `target_out` contains the target
        ids (B, T), and `weights` the weights of the rows (B,).
    """

    def shifted(
        source: tf.Tensor,
        target: tf.Tensor,
        lengths: tf.Tensor,
        *rest: tf.Tensor,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        begin = tf.fill((tf.shape(target)[0], 1), symbols.begin)
        before = tf.concat([begin, target[:, :-1]], axis=1)  # (B, T)
        source_length, target_length = tf.unstack(lengths, axis=1)
        real = tf.sequence_mask(target_length, tf.shape(target)[1])
        inputs = {
            "source": source,
            "source_length": source_length,
            "target_in": tf.where(real, before, symbols.pad),
            "target_length": target_length,
        }
        *alignment, weights = rest
        inputs.update(zip(("alignment",), alignment, strict=False))
        return inputs, target, weights

    return batches.map(shifted)


def _ragged(rows: Iterable[np.ndarray]) -> tf.RaggedTensor:
    rows = [np.asarray(row, np.int32) for row in rows]
    return tf.RaggedTensor.from_row_lengths(
        np.concatenate(rows), [len(row) for row in rows]
    )
