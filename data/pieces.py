"""Which pieces of a tokenizer make which words, and what links make of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from data.links import Link
from data.text import Language, Span
from data.tokenizer import Tokenizer


def shares(pieces: Sequence[Span], spans: Sequence[Span]) -> np.ndarray:
    """How much of each piece belongs to each word: (pieces, words + 1).

    A piece that reaches into several words is shared among them by its
    characters in each; one in no word, such as a lone space, goes with the
    next word, or with the last where none follows. The last piece, which ends
    the sentence, is a word of its own, the last column. Each row sums to 1,
    so that no attention is lost.

    Args:
        pieces: spans of characters, ordered, the last that of the end mark.
        spans: those of the words, ordered and without overlap.
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
    """Links between words as links between their pieces: (target, source).

    Every piece of a linked word is linked to every piece of the other.

    Args:
        links: between words.
        source: what `shares` gives for the source, (S, words + 1).
        target: the same for the target, (T, words + 1).

    Returns:
        (N, 2) ints, ascending: target piece, source piece.
    """
    between = np.zeros((target.shape[1], source.shape[1]))
    for i, j in links:
        between[j, i] = 1
    joined = (target > 0) @ between @ (source > 0).T
    return np.argwhere(joined > 0)


def word_shares(
    tokenizer: Tokenizer, text: str, language: Language
) -> np.ndarray:
    """`shares` of the pieces of a normalised text, its end included."""
    ids = [*tokenizer.encode(text), tokenizer.EOS]
    return shares(tokenizer.spans(ids, text), language.words(text))


def _next_word(position: int, spans: Sequence[Span]) -> int:
    """Without any word this is the end mark's column, the only one."""
    following = (
        column for column, span in enumerate(spans) if span[1] > position
    )
    return next(following, max(len(spans) - 1, 0))
