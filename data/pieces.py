"""Conversion between pieces (sub-words) and words, for alignments.

A piece is the part of a text that one token id represents. Attention weights
refer to pieces, but word alignments refer to words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from data.links import Link
from data.text import Span


def shares(pieces: Sequence[Span], spans: Sequence[Span]) -> np.ndarray:
    """Compute how each piece is divided among the words of its text.

    A piece that overlaps several words is divided among them in proportion to
    its characters in each word. A piece that overlaps no word, such as a lone
    space, belongs to the next word, or to the last word if none follows. The
    last piece, which is the end-of-sentence symbol, counts as a word of its
    own, in the last column.

    Args:
        pieces: spans of the pieces in characters, ordered; the last span is
            that of the end-of-sentence symbol.
        spans: spans of the words in characters, ordered and without overlap.

    Returns:
        Array (pieces, words + 1) with the share of each piece that belongs to
        each word. Each row sums to 1, so that no attention is lost.
    """
    result = np.zeros((len(pieces), len(spans) + 1))
    if not pieces:
        return result
    starts, ends = np.array(pieces).T[:, :, None]  # (pieces, 1)
    firsts, lasts = np.array(spans, int).reshape(-1, 2).T  # (words,)
    shared = np.minimum(ends, lasts) - np.maximum(starts, firsts)
    result[:, :-1] = shared.clip(0)
    result[-1, -1] = 1
    for row in np.flatnonzero(~result.any(1)):
        result[row, _next_word(pieces[int(row)][1], spans)] = 1
    return result / result.sum(1, keepdims=True)


def piece_links(
    links: Iterable[Link], source: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Turn links between words into links between their pieces.

    For each link, all pieces of the source word are linked to all pieces of the
    target word.

    Args:
        links: links between words, as (source word, target word), counted
            from 0.
        source: result of `shares` for the source: (S, words + 1) for S pieces.
        target: result of `shares` for the target: (T, words + 1) for T pieces.

    Returns:
        The N links between pieces in ascending order, as integers of shape
        (N, 2). Each row is (target piece, source piece).
    """
    between = np.zeros((target.shape[1], source.shape[1]))
    for i, j in links:
        between[j, i] = 1
    joined = (target > 0) @ between @ (source > 0).T
    return np.argwhere(joined > 0)


def _next_word(position: int, spans: Sequence[Span]) -> int:
    """Return the index of the first word that ends after `position`.

    If no word ends after `position`, the result is the index of the last word.
    In a text without words, the result is 0, the column of the end-of-sentence
    symbol in the result of `shares`.

    Args:
        position: position in the text, in characters.
        spans: spans of the words in characters, ordered.
    """
    following = (
        column for column, span in enumerate(spans) if span[1] > position
    )
    return next(following, max(len(spans) - 1, 0))
