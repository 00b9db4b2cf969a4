"""Views: attention weights of a translation, with labels.

A reading is a way to choose which row of attention belongs to a target token:
the row of the decoder step that produced the token (`before`), or that of the
next step (`after`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """Attention of a translation, with labels for its rows and columns.

    Attributes:
        source: the S source tokens or words, as labels of the columns; the last
            one is the end of the sentence.
        target: the T target tokens or words, as labels of the rows; the last
            one is the end of the sentence.
        weights: attention (T, S); None for a model without attention.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray | None


def before(weights: np.ndarray) -> np.ndarray:
    """Return for each target token the attention of the step that produced it.

    The result is `weights` (T, S) itself, since row t is the attention of the
    decoder step that produced target token t.
    """
    return weights


def after(weights: np.ndarray) -> np.ndarray:
    """Return for each target token the attention of the next decoder step.

    The next step takes the token as its input. The end of the sentence has no
    next step; it gets the attention of the step that produced it.

    Args:
        weights: attention (T, S); row t is that of the decoder step that
            produced target token t.

    Returns:
        Attention (T, S).
    """
    return np.concatenate([weights[1:], weights[-1:]])


# The first reading is the main one: pictures show it, and its scores are
# printed first.
READINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "before": before,
    "after": after,
}
MAIN_READING = next(iter(READINGS))
# Further readings, only for given translations.
POSTERIOR = "posterior"
FORESIGHT = "foresight"
OF_GIVEN = (POSTERIOR, FORESIGHT)


def merge(
    weights: np.ndarray, source_shares: np.ndarray, target_shares: np.ndarray
) -> np.ndarray:
    """Merge attention between pieces of words into attention between words.

    The weights are summed over the pieces of each source word, and averaged
    over the pieces of each target word. If each row of `weights` sums to 1, so
    does each row of the result.

    Args:
        weights: attention (T, S) between T target pieces and S source pieces.
        source_shares: matrix of shape (S, source words), computed by
            `data.pieces.shares`; an entry is the share of a piece that belongs
            to a word.
        target_shares: matrix of shape (T, target words), computed by
            `data.pieces.shares` from the target pieces.

    Returns:
        Attention of shape (target words, source words), as float32.
    """
    averages = target_shares / target_shares.sum(0)
    return (averages.T @ weights @ source_shares).astype(np.float32)


def rounded(weights: np.ndarray) -> list[list[float]]:
    """Convert weights to nested lists for JSON, rounded to six decimals."""
    return [[round(float(weight), 6) for weight in row] for row in weights]
