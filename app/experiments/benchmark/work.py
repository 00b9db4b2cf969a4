"""Data for all systems of a benchmark: training batches, and source sentences.

A system is a model written with one of the libraries that are compared. Each
runs in a process of its own. All read the data from the same file of arrays, so
that they train on and translate exactly the same sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

DENSE_LENGTH = 18  # tokens of a source or target in batches without padding
DENSE_BATCHES = 6
REAL_BATCHES = 24  # batches of the corpus, at even distances over an epoch
SOURCES = 256  # number of sources to translate
BATCH_SIZE = 64  # sources that are translated together
EXTRA_LENGTH, LENGTH_FACTOR = 10, 1.5  # limits of translations


@dataclass(frozen=True)
class Batch:
    """Batch of training data.

    Attributes:
        source: source ids (B, S), int32, padded with 0.
        target_in: target ids (B, T) that the decoder reads, padded likewise.
        target_out: target ids (B, T) that the decoder has to predict, padded
            likewise.
        source_length: lengths (B,) of the sources without padding.
        target_length: lengths (B,) of the targets without padding.
    """

    source: np.ndarray
    target_in: np.ndarray
    target_out: np.ndarray
    source_length: np.ndarray
    target_length: np.ndarray

    @property
    def tokens(self) -> int:
        """Number of target tokens in the batch, without padding."""
        return int(self.target_length.sum())


_ARRAYS = tuple(each.name for each in fields(Batch))


class System(Protocol):
    """Interface of a model whose speed the benchmark measures.

    Attributes:
        parameters: number of the model's parameters.
    """

    parameters: int

    def train(self, batches: Sequence[Batch]) -> None:
        """Train one step on each batch, in order."""

    def greedy(self, sources: Sequence[np.ndarray]) -> None:
        """Translate batches of source ids (B, S) by greedy search.

        No translation ends before it reaches the length limit, see `limit`.
        """


def lengths(sources: np.ndarray) -> np.ndarray:
    """Return the lengths (B,) of sources (B, S) that are padded with 0."""
    return (sources != 0).sum(1).astype(np.int32)


def limit(sources: np.ndarray) -> int:
    """Return the length limit of a batch's translations, in tokens.

    The limit depends on the length of the longest source.

    Args:
        sources: source ids (B, S), padded with 0.
    """
    return EXTRA_LENGTH + int(LENGTH_FACTOR * lengths(sources).max())


def dense(
    vocabulary: int,
    rows: int,
    source: int = DENSE_LENGTH,
    target: int = DENSE_LENGTH,
) -> list[Batch]:
    """Make training batches of random ids without any padding.

    Args:
        vocabulary: size of the vocabulary; ids are at least 4 and less
            than this size.
        rows: number of sentences in a batch.
        source: number of tokens of each source.
        target: number of tokens of each target.
    """
    random = np.random.default_rng(1)

    def words(length: int) -> np.ndarray:
        return random.integers(4, vocabulary, (rows, length), np.int32)

    whole = [np.full(rows, each, np.int32) for each in (source, target)]
    return [
        Batch(words(source), words(target), words(target), *whole)
        for _ in range(DENSE_BATCHES)
    ]


def batches_of(sources: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Group sources of similar length into batches of ids (B, S), int32.

    Shorter sources of a batch are padded with 0.
    """
    ordered = sorted(sources, key=len)
    return [
        _padded(ordered[start : start + BATCH_SIZE])
        for start in range(0, len(ordered), BATCH_SIZE)
    ]


def _padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    result = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for row, ids in zip(result, rows, strict=True):
        row[: len(ids)] = ids
    return result


def every(items: Iterable[Batch], count: int, total: int) -> Iterator[Batch]:
    """Yield about `count` of the items, at even distances.

    Args:
        items: the items.
        count: number of items to yield, approximately.
        total: number of all items.
    """
    return islice(items, 0, None, max(1, total // count))


def save(
    path: Path,
    sets: Mapping[str, Sequence[Batch]],
    sources: Sequence[np.ndarray],
) -> None:
    """Write the data of a benchmark to a NumPy file.

    Args:
        path: the file to write.
        sets: sets of training batches, by the name of the set.
        sources: batches of source ids (B, S) to translate.
    """
    arrays = {
        f"{name}-{number}-{part}": getattr(batch, part)
        for name, batches in sets.items()
        for number, batch in enumerate(batches)
        for part in _ARRAYS
    }
    arrays |= {f"sources-{n}": batch for n, batch in enumerate(sources)}
    np.savez(path, **arrays)


def load(path: Path) -> tuple[dict[str, list[Batch]], list[np.ndarray]]:
    """Read the data of a benchmark that `save` wrote.

    Returns:
        The sets of training batches by name, and the batches of sources.
    """
    sets: dict[str, list[Batch]] = {}
    sources = []
    with np.load(path) as arrays:
        for name in arrays.files:
            kind, number, *part = name.split("-")
            if kind == "sources":
                sources.append(arrays[name])
            elif part == [_ARRAYS[0]]:
                parts = (arrays[f"{kind}-{number}-{each}"] for each in _ARRAYS)
                sets.setdefault(kind, []).append(Batch(*parts))
    return sets, sources
