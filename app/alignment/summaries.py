"""Summaries of attention in a few numbers.

An attention matrix has the shape (T, S): it has a row for each of the T target
words, and a column for each of the S source words. The end of a sentence may
count as one of its words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AttentionSummary:
    """Summary of the attention matrices of many sentences.

    Attributes:
        entropy: mean over all target words of the entropy of their attention,
            in bits. It is 0 if all attention is on one source word, and
            `log2 S` if all S source words get equal attention.
        diagonality: mean over all sentences of the number that the function
            `diagonality` returns. It is 1 if all attention is on the diagonal.
        covered: share of the source words that get a total attention of 1/2 or
            more from all target words; the remaining source words may be
            untranslated.
        fertility: mean of the counts that the function `fertility` returns;
            source words whose count is 0 are left out.
    """

    entropy: float
    diagonality: float
    covered: float
    fertility: float


def entropy(weights: np.ndarray) -> np.ndarray:
    """Compute the entropy of the attention of each target word, in bits.

    Each row of `weights`, of shape (T, S), is first divided by its sum, since
    the rows of monotonic and local attention need not sum to 1. The entropy of
    a row of zeros is 0.

    Returns:
        The entropy of each row, an array of shape (T,).
    """
    sums = weights.sum(1, keepdims=True)
    shares = np.divide(
        weights, sums, where=sums > 0, out=np.zeros_like(weights)
    )
    logs = np.log2(shares, where=shares > 0, out=np.zeros_like(shares))
    return -(shares * logs).sum(1) + 0.0  # turns -0.0 into 0.0


def coverage(weights: np.ndarray) -> np.ndarray:
    """Compute the total attention that each source word gets.

    The result is the sum of the attention of all target words. Tu et al. 2016,
    section 3, divide this sum by the fertility; this function does not.

    Returns:
        The sum of each column of `weights` (T, S), an array of shape (S,).
    """
    return weights.sum(0)


def fertility(weights: np.ndarray) -> np.ndarray:
    """For each source word, count the target words that attend most to it.

    Each target word is aligned to the source word with its largest weight. The
    counts are the fertilities (Brown et al. 1993) of the source words in this
    alignment. Target words whose weights are all 0 are not counted.

    Returns:
        The count of each source word, an array of integers of shape (S,).
    """
    rows = weights[weights.any(1)]
    return np.bincount(rows.argmax(1), minlength=weights.shape[1])


def diagonality(weights: np.ndarray) -> float:
    """Measure how near attention is to the diagonal, from 0 to 1.

    For attention `a` (T, S) whose rows sum to 1, the result is

    `1 - mean over t of sum over s of a[t, s] |s / (S - 1) - t / (T - 1)|`.

    It is 1 if all attention of each target word is on the source word at the
    same relative position. It is about 2/3 if attention is spread evenly over
    long sentences. If all weights are 0, it is 0.
    """
    rows, columns = weights.shape
    down = np.arange(rows) / max(rows - 1, 1)
    across = np.arange(columns) / max(columns - 1, 1)
    away = np.abs(across - down[:, None])
    total = weights.sum()
    return float(1 - (weights * away).sum() / total) if total else 0.0


def summarise(matrices: Iterable[np.ndarray]) -> AttentionSummary | None:
    """Summarise the attention of many sentences in four numbers.

    Args:
        matrices: the attention (T, S) of each sentence, with at least one row
            and one column.

    Returns:
        The summary; None if there are no sentences.
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
