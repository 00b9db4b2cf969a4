"""Replacement of unknown words in a translation by words of the source.

Only models whose target tokens are whole words have unknown words.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.inference.hypotheses import Hypothesis
from data import Tokenizer


def replaced(hypothesis: Hypothesis) -> Hypothesis:
    """Return the hypothesis with the unknown words of its text replaced.

    Each unknown word is replaced by the source word with the largest attention
    weight in the step that produced the unknown word. An unknown word is kept
    if all these weights are 0. If the model has no attention, all unknown words
    are kept.
    """
    source, target = hypothesis.source, hypothesis.target
    if hypothesis.attention is None:
        return hypothesis
    assert source.spans is not None  # `Translator.encode` has set the spans
    weights = _by_word(
        hypothesis.attention[:, :-1], source.spans[:-1], source.text
    )
    known = source.text.split(" ")
    words = target.text.split(" ")
    for row, id_ in enumerate(target.ids):
        if id_ == Tokenizer.UNK and weights[row].any():
            words[row] = known[int(weights[row].argmax())]
    return replace(hypothesis, target=replace(target, text=" ".join(words)))


def _by_word(
    weights: np.ndarray, spans: Sequence[tuple[int, int]], text: str
) -> np.ndarray:
    """Sum the attention weights of the pieces of each source word.

    Args:
        weights: attention weights (T, S) of T target tokens to S source pieces.
        spans: start and end of each of the S pieces in `text`.
        text: source text of W words, separated by single spaces.

    Returns:
        Attention weights (T, W) of the target tokens to the source words.
    """
    spaces = text.count(" ")
    words = [text.count(" ", 0, end) for _, end in spans]
    return weights @ np.eye(spaces + 1, dtype=weights.dtype)[words]
