"""How good translations are as text: sacreBLEU's metrics, with signatures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER
from sacremoses import MosesPunctNormalizer, MosesTokenizer

References = Sequence[Sequence[str]]  # one or more for each sentence


@dataclass(frozen=True)
class Score:
    """A corpus score, 0 to 100 (TER: and more), and how it was computed."""

    score: float
    signature: str


def corpus_bleu(hypotheses: Sequence[str], references: References) -> float:
    """Cased BLEU on 13a tokens, from 0 to 100.

    Args:
        hypotheses: one a sentence.
        references: for each sentence, a tuple of one or more.
    """
    # Forced: unfinished models end their sentences in any way.
    return _score(BLEU(force=True), hypotheses, references).score


def sentence_bleu(hypothesis: str, references: Sequence[str]) -> float:
    """BLEU of one sentence, 0 to 100; cased, 13a.

    Over the orders that it is long enough to have: sacreBLEU's effective order.
    """
    metric = BLEU(effective_order=True)
    return metric.sentence_score(hypothesis, list(references)).score


def text_scores(
    hypotheses: Sequence[str], references: References
) -> dict[str, Score]:
    """BLEU (cased, 13a), chrF and TER, by their keys in an evaluation."""
    metrics = {"bleu": BLEU(), "chrf": CHRF(), "ter": TER()}
    return {
        key: _score(metric, hypotheses, references)
        for key, metric in metrics.items()
    }


def processed_bleu(
    hypotheses: Sequence[str], references: References, language: str
) -> Score:
    """BLEU of processed hypotheses: the protocol of Multi30k's papers.

    Args:
        hypotheses: raw; they are processed here.
        references: as `process` makes them.
        language: code of the hypotheses' language.
    """
    processed = [process(text, language) for text in hypotheses]
    # Forced: the text is meant to be tokenized.
    metric = BLEU(tokenize="none", force=True)
    return _score(metric, processed, references)


def process(text: str, language: str) -> str:
    """Lower-case, normalise punctuation, then tokenize, by Moses's rules."""
    normalise_punctuation, tokenize = _moses(language)
    return tokenize(normalise_punctuation(text.lower()))


@lru_cache(maxsize=8)
def _moses(
    language: str,
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    tokenizer = MosesTokenizer(language)
    return (
        MosesPunctNormalizer(language).normalize,
        lambda text: tokenizer.tokenize(text, return_str=True, escape=True),
    )


def _score(
    metric: Any, hypotheses: Sequence[str], references: References
) -> Score:
    # sacreBLEU wants all first references, all second ones, …; None for none.
    streams = [list(stream) for stream in zip_longest(*references)]
    result = metric.corpus_score(list(hypotheses), streams)
    return Score(result.score, str(metric.get_signature()))
