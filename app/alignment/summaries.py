"""What a matrix of attention is like, in a few numbers.

T target words by S source words; both may include the ends of sentences.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AttentionSummary:
    """Means over the words of many sentences.

    Attributes:
        entropy: of a target word's row, in bits: 0 looks at one word, `log2 S`
            at all alike.
        diagonality: see `diagonality`; 1 is the diagonal.
        covered: the share of source words that get as much weight as 1/2 of a
            target word; what is missing may be untranslated.
        fertility: target words whose largest weight is on a source word, of
            those that have any.
    """

    entropy: float
    diagonality: float
    covered: float
    fertility: float


def entropy(weights: np.ndarray) -> np.ndarray:
    """Entropy of each row in bits: (T,).

    A row is made to sum to 1 first, which those of monotonic and local
    attention need not; one without weight has 0.
    """
    sums = weights.sum(1, keepdims=True)
    shares = np.divide(
        weights, sums, where=sums > 0, out=np.zeros_like(weights)
    )
    logs = np.log2(shares, where=shares > 0, out=np.zeros_like(shares))
    return -(shares * logs).sum(1) + 0.0  # no minus zero


def coverage(weights: np.ndarray) -> np.ndarray:
    """The attention each source word gets from all target words: (S,).

    Tu et al. 2016, section 3, without their fertility.
    """
    return weights.sum(0)


def fertility(weights: np.ndarray) -> np.ndarray:
    """How many target words look most at each source word: (S,) ints.

    That of a source word in the alignment by argmax (Brown et al. 1993); a
    row without weight counts for none.
    """
    rows = weights[weights.any(1)]
    return np.bincount(rows.argmax(1), minlength=weights.shape[1])


def diagonality(weights: np.ndarray) -> float:
    """How near attention is to the diagonal, from 0 to 1.

    `1 - mean over t of sum over s of a[t, s] |s / (S - 1) - t / (T - 1)|`,
    rows summing to 1: 1 if each target word looks at the same part of its
    sentence; attention spread evenly over long sentences has 2/3.
    """
    rows, columns = weights.shape
    down = np.arange(rows) / max(rows - 1, 1)
    across = np.arange(columns) / max(columns - 1, 1)
    away = np.abs(across - down[:, None])
    total = weights.sum()
    return float(1 - (weights * away).sum() / total) if total else 0.0


def summarise(matrices: Iterable[np.ndarray]) -> AttentionSummary | None:
    """Summarise sentences; None without any.

    Args:
        matrices: (T, S) each, at least 1 by 1.
    """
    every = list(matrices)
    if not every:
        return None
    fertilities = np.concatenate([fertility(weights) for weights in every])
    covered = np.concatenate([coverage(weights) >= 0.5 for weights in every])
    return AttentionSummary(
        entropy=float(np.concatenate([entropy(each) for each in every]).mean()),
        diagonality=float(np.mean([diagonality(each) for each in every])),
        covered=float(covered.mean()),
        fertility=float(fertilities[fertilities > 0].mean()),
    )
