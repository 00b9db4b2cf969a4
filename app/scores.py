"""How good translations are as text: sacreBLEU's metrics, with signatures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER
from sacremoses import MosesPunctNormalizer, MosesTokenizer

from app.bleu_tokenizers import ORDINARY
from data import GlimpseError
from data.languages import base
from data.text import letters_apart

References = Sequence[Sequence[str]]  # one or more for each sentence


@dataclass(frozen=True)
class Score:
    """A corpus score, 0 to 100 (TER: and more), and how it was computed."""

    score: float
    signature: str


def corpus_bleu(
    hypotheses: Sequence[str],
    references: References,
    tokenizer: str = ORDINARY,
) -> float:
    """Cased BLEU, from 0 to 100.

    Args:
        hypotheses: one a sentence.
        references: for each sentence, a tuple of one or more.
        tokenizer: one of `app.bleu_tokenizers.TOKENIZERS`.

    Raises:
        GlimpseError: the tokenizer is not installed.
    """
    # Forced: unfinished models end their sentences in any way.
    metric = _bleu(tokenizer, force=True)
    return _score(metric, hypotheses, references).score


def sentence_bleu(
    hypothesis: str, references: Sequence[str], tokenizer: str = ORDINARY
) -> float:
    """Cased BLEU of one sentence, 0 to 100.

    Over the orders that it is long enough to have: sacreBLEU's effective order.
    """
    metric = _bleu(tokenizer, effective_order=True)
    return metric.sentence_score(hypothesis, list(references)).score


def text_scores(
    hypotheses: Sequence[str],
    references: References,
    tokenizer: str = ORDINARY,
) -> dict[str, Score]:
    """Cased BLEU, chrF and TER, by their keys in an evaluation.

    TER counts words; where they do not stand between spaces, what the
    tokenizer makes of the text, which then stands in its signature.
    """
    bleu = _bleu(tokenizer)
    return {
        "bleu": _score(bleu, hypotheses, references),
        "chrf": _score(CHRF(), hypotheses, references),
        "ter": _ter(hypotheses, references, tokenizer),
    }


def _bleu(tokenizer: str, **options: Any) -> Any:
    try:
        return BLEU(tokenize=tokenizer, **options)
    except (RuntimeError, ImportError) as error:
        raise GlimpseError(
            f"BLEU by {tokenizer} was asked for, which is not installed "
            f"({' '.join(str(error).split())}): install it, or leave "
            "training.bleu_tokenizer to the language"
        ) from error


def _ter(
    hypotheses: Sequence[str], references: References, tokenizer: str
) -> Score:
    if tokenizer == ORDINARY:
        return _score(TER(), hypotheses, references)
    split = _bleu(tokenizer).tokenizer
    found = _score(
        TER(),
        [split(text) for text in hypotheses],
        [tuple(map(split, texts)) for texts in references],
    )
    return Score(found.score, f"{found.signature}|split:{tokenizer}")


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
    """Lower-case, normalise punctuation, then tokenize, by Moses's rules.

    Letters of scripts without spaces are words by themselves.
    """
    normalise_punctuation, tokenize = _moses(base(language))
    return letters_apart(tokenize(normalise_punctuation(text.lower())))


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
