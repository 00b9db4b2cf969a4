"""Scores of translated text, computed by sacreBLEU, with its signatures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from app.metrics.bleu_tokenizers import ORDINARY
from data import GlimpseError
from data.languages import base
from data.text import letters_apart

References = Sequence[Sequence[str]]  # one or more for each sentence


@dataclass(frozen=True)
class Score:
    """Score of a corpus, with a signature.

    BLEU and chrF are from 0 to 100; TER is at least 0 and can be above 100. The
    signature is sacreBLEU's description of how the score was computed; it is
    empty for scores that sacreBLEU does not compute.
    """

    score: float
    signature: str


def corpus_bleu(
    hypotheses: Sequence[str],
    references: References,
    tokenizer: str = ORDINARY,
    *,
    force: bool = False,
) -> Score:
    """Compute cased BLEU, from 0 to 100.

    Args:
        hypotheses: a translation of each sentence.
        references: one or more reference translations of each sentence.
        tokenizer: name of the tokenizer, one of
            `app.metrics.bleu_tokenizers.TOKENIZERS`.
        force: whether to leave out sacreBLEU's warning about hypotheses that
            look tokenized because many end with a space and a full stop.

    Raises:
        GlimpseError: the tokenizer is not installed.
    """
    return _score(_bleu(tokenizer, force=force), hypotheses, references)


def sentence_bleu(
    hypothesis: str, references: Sequence[str], tokenizer: str = ORDINARY
) -> float:
    """Compute cased BLEU of one sentence, from 0 to 100.

    If the sentence is shorter than four tokens, BLEU is computed without the
    n-grams that are longer than the sentence, as with sacreBLEU's option
    `effective_order`.
    """
    metric = _bleu(tokenizer, effective_order=True)
    return metric.sentence_score(hypothesis, list(references)).score


def corpus_chrf(hypotheses: Sequence[str], references: References) -> Score:
    """Compute chrF, an F-score of character n-grams, from 0 to 100."""
    return _score(_metric("CHRF"), hypotheses, references)


def corpus_ter(
    hypotheses: Sequence[str],
    references: References,
    tokenizer: str = ORDINARY,
) -> Score:
    """Compute the translation edit rate in percent; it can be above 100.

    With the tokenizer "13a", the rate counts edits of words that are separated
    by spaces. With any other tokenizer, the rate counts edits of that
    tokenizer's tokens, which suits languages without spaces between words; the
    signature then names the tokenizer.

    Args:
        hypotheses: a translation of each sentence.
        references: one or more reference translations of each sentence.
        tokenizer: name of the tokenizer for BLEU, one of
            `app.metrics.bleu_tokenizers.TOKENIZERS`.

    Raises:
        GlimpseError: the tokenizer is not installed.
    """
    if tokenizer == ORDINARY:
        return _score(_metric("TER"), hypotheses, references)
    split = _bleu(tokenizer).tokenizer
    found = _score(
        _metric("TER"),
        [split(text) for text in hypotheses],
        [tuple(map(split, texts)) for texts in references],
    )
    return Score(found.score, f"{found.signature}|split:{tokenizer}")


def _bleu(tokenizer: str, **options: Any) -> Any:
    try:
        return _metric("BLEU", tokenize=tokenizer, **options)
    except (RuntimeError, ImportError) as error:
        raise GlimpseError(
            f"BLEU's tokenizer {tokenizer} is not installed "
            f"({' '.join(str(error).split())}): install it, or leave "
            "training.bleu_tokenizer out"
        ) from error


def processed_bleu(
    hypotheses: Sequence[str], references: References, language: str
) -> Score:
    """Compute BLEU of processed texts, as papers on Multi30k report it.

    Args:
        hypotheses: a translation of each sentence, not yet processed.
        references: one or more references of each sentence, already processed
            by `process`.
        language: code of the hypotheses' language.
    """
    processed = [process(text, language) for text in hypotheses]
    # `force` leaves out a warning, since the text is meant to be tokenized.
    metric = _metric("BLEU", tokenize="none", force=True)
    return _score(metric, processed, references)


def process(text: str, language: str) -> str:
    """Lower-case a text, normalise its punctuation, and tokenize it.

    The punctuation and the tokens are those of the Moses toolkit. In writing
    systems without spaces between words, such as Chinese, each letter becomes a
    token.

    Args:
        text: the text.
        language: code of the language of the text.
    """
    normalise_punctuation, tokenize = _moses(base(language))
    return letters_apart(tokenize(normalise_punctuation(text.lower())))


@lru_cache(maxsize=8)
def _moses(
    language: str,
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    # Imported on demand, since translating does not need it.
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    tokenizer = MosesTokenizer(language)
    return (
        MosesPunctNormalizer(language).normalize,
        lambda text: tokenizer.tokenize(text, return_str=True, escape=True),
    )


def _metric(name: str, **options: Any) -> Any:
    # Imported on demand, since translating does not need it.
    from sacrebleu import metrics

    return getattr(metrics, name)(**options)


def _score(
    metric: Any, hypotheses: Sequence[str], references: References
) -> Score:
    # sacreBLEU takes a list of all first references, one of all second
    # references, and so on; None stands for a missing reference.
    streams = [list(stream) for stream in zip_longest(*references)]
    result = metric.corpus_score(list(hypotheses), streams)
    return Score(result.score, str(metric.get_signature()))
