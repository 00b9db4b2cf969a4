"""Where a hypothesis looked: between tokens as they are, or merged to words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.translator import Hypothesis, Translation, Translator
from data import Language
from data.pieces import shares
from data.text import Span

END = "</s>"  # how the end of a sentence is shown


@dataclass(frozen=True)
class View:
    """Where a translation looked, ready to be shown.

    Attributes:
        source: a label for each column; the last is the end of the sentence.
        target: a label for each row, likewise.
        weights: (T, S), None without attention.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray | None


def before(weights: np.ndarray) -> np.ndarray:
    """Each token's row is the one that produced it."""
    return weights


def after(weights: np.ndarray) -> np.ndarray:
    """Each token's row is the next one, whose state has read the token.

    Nothing follows the end of the sentence, which keeps its own row.
    """
    return np.concatenate([weights[1:], weights[-1:]])


# The first is the main one: what pictures show, and figures are named by.
READINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "before": before,
    "after": after,
}
MAIN_READING = next(iter(READINGS))
POSTERIOR = "posterior"  # another reading, of given translations alone


def token_view(
    translator: Translator, translation: Translation, hypothesis: Hypothesis
) -> View:
    """Attention as it is: between the pieces of words."""
    tokenizers = translator.tokenizers
    return View(
        tuple(tokenizers.source.pieces(translation.source_ids)),
        tuple(tokenizers.target.pieces(hypothesis.ids)),
        hypothesis.attention,
    )


def word_view(
    translator: Translator,
    translation: Translation,
    hypothesis: Hypothesis,
    reading: str = MAIN_READING,
) -> View:
    """Attention merged to words: summed over source, averaged over target.

    The unknown words of a word-level model are shown as they are in the texts:
    what the sentence has, and what the translation has been given for them. A
    mark that is left there is one word.

    Args:
        translator: what made the translation.
        translation: gives the source.
        hypothesis: one of its hypotheses.
        reading: one of `READINGS`, or `POSTERIOR` where `Translator.force`
            was asked for it.
    """
    languages, tokenizer = translator.languages, translator.tokenizers.target
    source, source_shares = _word_shares(
        translation.source_text, translation.source_spans, languages[0]
    )
    text = hypothesis.text  # in which a word-level model's words are replaced
    if not tokenizer.is_word_level:
        text = tokenizer.decode(hypothesis.ids)
    target, target_shares = _word_shares(
        text, tokenizer.spans(hypothesis.ids, text), languages[1]
    )
    if hypothesis.attention is None:
        return View(source, target, None)
    if reading == POSTERIOR:
        assert hypothesis.posterior is not None  # or nobody asked for it
        weights = hypothesis.posterior
    else:
        weights = READINGS[reading](hypothesis.attention)
    return View(source, target, merge(weights, source_shares, target_shares))


def merge(
    weights: np.ndarray, source_shares: np.ndarray, target_shares: np.ndarray
) -> np.ndarray:
    """Merge pieces to words, so that a word's row sums to what its pieces' do.

    Args:
        weights: (T, S) between pieces.
        source_shares: (S, words), as `data.pieces.shares` gives them.
        target_shares: (T, words), likewise.

    Returns:
        (target words, source words), float32.
    """
    averages = target_shares / target_shares.sum(0)
    return (averages.T @ weights @ source_shares).astype(np.float32)


def rounded(weights: np.ndarray) -> list[list[float]]:
    """Weights as JSON has them: six decimals are plenty."""
    return [[round(float(weight), 6) for weight in row] for row in weights]


def _word_shares(
    text: str, pieces: Sequence[Span], language: Language
) -> tuple[tuple[str, ...], np.ndarray]:
    spans = language.words(text)
    labels = [text[start:end] for start, end in spans]
    end = [END] if pieces else []  # an empty sentence has no translation
    return (*labels, *end), shares(pieces, spans)
