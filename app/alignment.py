"""Attention as data: merged to words, read as links, scored against gold."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.translator import Hypothesis, Translation, Translator
from data import GlimpseError, Tokenizer, words

END = "</s>"  # how the end of a sentence is shown

Link = tuple[int, int]  # source word, target word

_LINK = re.compile(r"(\d+)([-p])(\d+)", re.ASCII)


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


@dataclass(frozen=True)
class Gold:
    """Links made by hand: the sure ones, and the possible, sure included."""

    sure: frozenset[Link]
    possible: frozenset[Link]


@dataclass(frozen=True)
class AlignmentScore:
    """Och and Ney 2003, section 5; all from 0 to 1.

    With links A, sure links S and possible links P, S among them:

    ```
    precision = |A & P| / |A|      recall = |A & S| / |S|
    aer = 1 - (|A & S| + |A & P|) / (|A| + |S|)
    ```

    f1 is the harmonic mean of precision and recall. Where a denominator is 0
    nothing can be wrong: precision and recall are 1, aer is 0.
    """

    aer: float
    precision: float
    recall: float
    f1: float
    sentences: int


def before(weights: np.ndarray) -> np.ndarray:
    """Each token's row is the one that produced it."""
    return weights


def after(weights: np.ndarray) -> np.ndarray:
    """Each token's row is the next one, whose state has read the token.

    Nothing follows the end of the sentence, which keeps its own row.
    """
    return np.concatenate([weights[1:], weights[-1:]])


READINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "before": before,
    "after": after,
}
MAIN_READING = "before"


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
        reading: one of `READINGS`.
    """
    languages, tokenizers = translator.languages, translator.tokenizers
    source, source_shares = _word_shares(
        tokenizers.source,
        translation.source_ids,
        translation.source_text,
        languages[0],
    )
    target, target_shares = _word_shares(
        tokenizers.target, hypothesis.ids, hypothesis.text, languages[1]
    )
    if hypothesis.attention is None:
        return View(source, target, None)
    weights = READINGS[reading](hypothesis.attention)
    return View(source, target, merge(weights, source_shares, target_shares))


def merge(
    weights: np.ndarray, source_shares: np.ndarray, target_shares: np.ndarray
) -> np.ndarray:
    """Merge pieces to words, so that a word's row sums to what its pieces' do.

    Args:
        weights: (T, S) between pieces.
        source_shares: (S, words), as `shares` gives them.
        target_shares: (T, words), likewise.

    Returns:
        (target words, source words), float32.
    """
    averages = target_shares / target_shares.sum(0)
    return (averages.T @ weights @ source_shares).astype(np.float32)


def shares(
    pieces: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]
) -> np.ndarray:
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


def links(weights: np.ndarray | None) -> list[Link]:
    """Link each target word to the source word of its largest weight.

    The last row and column, the ends of the sentences, are left out first; a
    row without any weight left has no link, and neither has what has no
    attention.
    """
    if weights is None or not weights[:-1, :-1].size:
        return []
    inner = weights[:-1, :-1]
    best = inner.argmax(1)
    return sorted(
        (int(source), target)
        for target, source in enumerate(best)
        if inner[target, source] > 0
    )


def to_pharaoh(pairs: Iterable[Link]) -> str:
    """Write links as `i-j`, separated by spaces."""
    return " ".join(f"{source}-{target}" for source, target in pairs)


def parse_pharaoh(text: str) -> Gold:
    """Read `i-j` (sure) and `ipj` (possible) links, separated by spaces.

    Raises:
        GlimpseError: something else is there.
    """
    sure, possible = set(), set()
    for item in text.split():
        match = _LINK.fullmatch(item)
        if match is None:
            raise GlimpseError(
                f"Alignments got the link '{item}'; SOURCE-TARGET for a sure "
                "link and SOURCEpTARGET for a possible one are accepted, word "
                "numbers from 0, such as '0-0 1p2'"
            )
        link = (int(match[1]), int(match[3]))
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return Gold(frozenset(sure), frozenset(possible))


def score_alignments(
    proposed: Sequence[Iterable[Link]], gold: Sequence[Gold]
) -> AlignmentScore:
    """Score links against gold, counts summed over all sentences."""
    made = [frozenset(pairs) for pairs in proposed]
    pairs = list(zip(made, gold, strict=True))
    total = sum(len(a) for a in made)
    sure = sum(len(g.sure) for g in gold)
    in_sure = sum(len(a & g.sure) for a, g in pairs)
    in_possible = sum(len(a & g.possible) for a, g in pairs)
    precision = _ratio(in_possible, total)
    recall = _ratio(in_sure, sure)
    return AlignmentScore(
        aer=1 - _ratio(in_sure + in_possible, total + sure),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / ((precision + recall) or 1),
        sentences=len(gold),
    )


def _word_shares(
    tokenizer: Tokenizer, ids: Sequence[int], text: str, language: str
) -> tuple[tuple[str, ...], np.ndarray]:
    if tokenizer.is_word_level:
        # Moses's rules would make three words of the mark.
        mark = tokenizer.UNKNOWN_WORD
        masked = text.replace(mark, "x" * len(mark))
    else:
        masked = text = tokenizer.decode(ids)
    spans = words(masked, language)
    labels = [text[start:end] for start, end in spans]
    end = [END] if ids else []  # an empty sentence has no translation
    return (*labels, *end), shares(tokenizer.spans(ids, text), spans)


def _next_word(position: int, spans: Sequence[tuple[int, int]]) -> int:
    """Without any word this is the end mark's column, the only one."""
    following = (
        column for column, span in enumerate(spans) if span[1] > position
    )
    return next(following, max(len(spans) - 1, 0))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
