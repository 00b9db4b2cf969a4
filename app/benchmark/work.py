"""What all systems are given to do: the same batches, the same sources.

They are arrays in a file, so that a system in another process, of another
library, gets the very same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

DENSE_LENGTH = 18  # tokens of both sides, of batches without padding
DENSE_BATCHES = 6
REAL_BATCHES = 24  # from all over an epoch
SOURCES = 256  # to translate
BATCH_SIZE = 64  # of those
EXTRA_LENGTH, LENGTH_FACTOR = 10, 1.5  # limits of what is translated

_ARRAYS = ("source", "target_in", "target_out")


@dataclass(frozen=True)
class Batch:
    """A batch of training: three (B, L) int32, 0 on padding."""

    source: np.ndarray
    target_in: np.ndarray
    target_out: np.ndarray

    @property
    def tokens(self) -> int:
        """Target tokens, padding not counted."""
        return int((self.target_out != 0).sum())


class System(Protocol):
    """A library's model, ready to be timed."""

    parameters: int

    def train(self, batches: Sequence[Batch]) -> None:
        """Train on each batch once."""

    def greedy(self, sources: Sequence[np.ndarray]) -> None:
        """Translate batches of sources (B, S), to their limits."""


def limit(sources: np.ndarray) -> int:
    """How many tokens are made of the longest of these sources."""
    longest = int((sources != 0).sum(1).max())
    return EXTRA_LENGTH + int(LENGTH_FACTOR * longest)


def dense(
    vocabulary: int,
    rows: int,
    source: int = DENSE_LENGTH,
    target: int = DENSE_LENGTH,
) -> list[Batch]:
    """Batches of random words without any padding.

    Args:
        vocabulary: ids are from 4 to this.
        rows: sentences of a batch.
        source: tokens of each source.
        target: tokens of each target.
    """
    random = np.random.default_rng(1)

    def words(length: int) -> np.ndarray:
        return random.integers(4, vocabulary, (rows, length), np.int32)

    return [
        Batch(words(source), words(target), words(target))
        for _ in range(DENSE_BATCHES)
    ]


def batches_of(sources: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Batches of sources of like length, padded: (B, S) int32."""
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
    """About `count` of `total` items, from all over them."""
    return islice(items, 0, None, max(1, total // count))


def save(
    path: Path,
    sets: Mapping[str, Sequence[Batch]],
    sources: Sequence[np.ndarray],
) -> None:
    """Write sets of batches, by name, and sources."""
    arrays = {
        f"{name}-{number}-{part}": getattr(batch, part)
        for name, batches in sets.items()
        for number, batch in enumerate(batches)
        for part in _ARRAYS
    }
    arrays |= {f"sources-{n}": batch for n, batch in enumerate(sources)}
    np.savez(path, **arrays)


def load(path: Path) -> tuple[dict[str, list[Batch]], list[np.ndarray]]:
    """Read what `save` wrote."""
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
