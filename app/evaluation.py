"""Measure a run: text, probabilities, alignment, speed."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from app.alignment import (
    MAIN_READING,
    READINGS,
    AlignmentScore,
    AttentionSummary,
    Gold,
    links,
    score_alignments,
    summarise,
    warn_if_from_one,
    word_view,
)
from app.cautions import check_lengths
from app.evaluation_sets import load_set
from app.kept import keep, result_name
from app.plots import save_extremes
from app.run import Run, replacing
from app.scores import Score, corpus_bleu, processed_bleu, text_scores
from app.translator import LEAST_DIVIDED, Translation, Translator
from data import Language
from data.corpora import Example

__all__ = [
    "Evaluation",
    "corpus_bleu",
    "evaluate",
    "load_attention",
    "table",
    "to_json",
]

LENGTH_STEP = 5  # words of the source, between rows of the table by length


@dataclass(frozen=True)
class LengthScore:
    """BLEU of the sentences with `shortest` to `longest` source words."""

    shortest: int
    longest: int
    sentences: int
    bleu: float


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found out.

    Attributes:
        corpus, split, sentences, beam: what was translated, and how.
        bleu: cased, by the tokenizer that the target's language wants.
        bleu_lc_norm_tok: lower-cased, punctuation normalised, Moses tokens.
        chrf, ter: character F-score, and translation edit rate.
        perplexity: of a token of the (first) references, end marks included.
        token_accuracy: share of them that were the likeliest token, 0 to 1.
        by_source_length: see `LengthScore`.
        aer: by reading, on forced decoding of the (first) references; None
            without attention or without gold.
        attention: what it is like in the translations, between words, their
            ends included; None without attention.
        sentences_per_second: of the search alone, once it is warm.
        hypotheses: the translations, in order; not among its JSON.
    """

    corpus: str
    split: str
    sentences: int
    beam: int
    bleu: Score
    bleu_lc_norm_tok: Score
    chrf: Score
    ter: Score
    perplexity: float
    token_accuracy: float
    by_source_length: tuple[LengthScore, ...]
    aer: dict[str, AlignmentScore] | None
    attention: AttentionSummary | None
    sentences_per_second: float
    hypotheses: tuple[str, ...]


def evaluate(
    folder: Path,
    *,
    split: str = "test",
    source: Path | None = None,
    reference: Path | None = None,
    cut: bool = False,
    alignments: Path | None = None,
    beam_size: int | None = None,
    keep_unknown: bool = False,
    output: Path | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> Evaluation:
    """Measure a run on a split of its corpus, or on files.

    The hypotheses (one a line), the attention of their tokens, the result and
    pictures of the best, the median and the worst translation are kept, by a
    name that says what was measured, and how; see `app.kept`. What cannot be
    written is warned of.

    Args:
        folder: the run.
        split: of the run's own corpus; unused with files.
        source: a file of sentences, one a line.
        reference: their translations, line by line.
        cut: whether to cut over-long lines of these files, not refuse them.
        alignments: gold for them; see `evaluation_sets.read_gold`.
        beam_size: the run's own when None.
        keep_unknown: see `Translator`.
        output: where to keep what was found; the run's folder `evaluation`
            when None.
        data_dir: see `data.load_corpus`.
        cache_dir: see `data.load_corpus`.

    Raises:
        GlimpseError: something cannot be read, or does not fit together.
    """
    run = Run.open(folder)
    languages, tokenizer = run.config.languages, run.config.bleu_tokenizer
    given = load_set(
        run.config, split, source, reference, alignments, data_dir, cache_dir
    )
    translator = Translator.load(folder, keep_unknown=keep_unknown)
    sources = [example.source for example in given.examples]
    check_lengths(translator, sources, source, cut)
    own_beam = translator.config.search.beam_size
    beam_size = beam_size or own_beam
    translations, speed = _translate(translator, sources, beam_size)
    forced = _force(translator, given.examples)
    hypotheses = [translation.text for translation in translations]
    references = [example.references for example in given.examples]
    result = Evaluation(
        corpus=given.corpus,
        split=given.split,
        sentences=len(sources),
        beam=beam_size,
        **text_scores(hypotheses, references, tokenizer),
        bleu_lc_norm_tok=processed_bleu(
            hypotheses,
            given.processed_references(languages[1].code),
            languages[1].code,
        ),
        perplexity=_perplexity(forced),
        token_accuracy=_token_accuracy(forced),
        by_source_length=_by_source_length(
            sources, hypotheses, references, languages[0], tokenizer
        ),
        aer=_aer(translator, forced, given.gold),
        attention=_attention(translator, translations),
        sentences_per_second=speed,
        hypotheses=tuple(hypotheses),
    )
    name = result_name(
        given.split,
        (source, reference, alignments) if source and reference else (),
        {
            f"beam{beam_size}": beam_size != own_beam,
            "keep-unknown": keep_unknown,
            "cut": cut and source is not None,  # a split is cut anyway
        },
    )
    keep(
        (output or run.evaluation) / name,
        {
            ".hypotheses.txt": partial(_save_hypotheses, hypotheses),
            ".attention.npz": partial(_save_attention, translations),
            ".json": partial(_save_result, result),
            ".pictures": lambda folder: save_extremes(
                folder, translator, translations, references
            ),
        },
    )
    return result


def _translate(
    translator: Translator, sources: Sequence[str], beam_size: int
) -> tuple[list[Translation], float]:
    """The translations, and how many came a second."""
    # The first call builds the graph, which is no part of the speed; that of
    # few sentences is another one.
    translator.translate(sources[:LEAST_DIVIDED], beam_size=beam_size)
    with _progress("Translating", len(sources)) as bar:
        start = time.perf_counter()
        translations = translator.translate(
            sources, beam_size=beam_size, progress=bar.update
        )
        seconds = time.perf_counter() - start
    return translations, len(sources) / seconds


def _force(
    translator: Translator, examples: Sequence[Example]
) -> list[Translation]:
    with _progress("Scoring references", len(examples)) as bar:
        return translator.force(
            [example.source for example in examples],
            [example.references[0] for example in examples],
            progress=bar.update,
        )


def _progress(what: str, total: int) -> tqdm:
    return tqdm(desc=what, total=total, unit=" sentences", leave=False)


def _perplexity(forced: Sequence[Translation]) -> float:
    log_prob = sum(each.hypotheses[0].log_prob for each in forced)
    # Bounded, since JSON knows no infinity.
    return math.exp(min(-log_prob / _tokens(forced), 700))


def _token_accuracy(forced: Sequence[Translation]) -> float:
    correct = sum(each.hypotheses[0].correct or 0 for each in forced)
    return correct / _tokens(forced)


def _tokens(forced: Sequence[Translation]) -> int:
    return sum(len(each.hypotheses[0].ids) for each in forced)


def _by_source_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    language: Language,
    tokenizer: str,
) -> tuple[LengthScore, ...]:
    rows: dict[int, list[int]] = {}
    for index, source in enumerate(sources):
        length = max(1, len(language.words(source)))
        rows.setdefault((length - 1) // LENGTH_STEP, []).append(index)
    return tuple(
        LengthScore(
            step * LENGTH_STEP + 1,
            (step + 1) * LENGTH_STEP,
            len(rows[step]),
            corpus_bleu(
                [hypotheses[index] for index in rows[step]],
                [references[index] for index in rows[step]],
                tokenizer,
            ),
        )
        for step in sorted(rows)
    )


def _aer(
    translator: Translator,
    forced: Sequence[Translation],
    gold: Mapping[int, Gold],
) -> dict[str, AlignmentScore] | None:
    """By reading, the main one first."""
    hypotheses = {index: forced[index].hypotheses[0] for index in gold}
    if not gold or any(each.attention is None for each in hypotheses.values()):
        return None

    every = list(gold.values())
    made = {
        reading: [
            links(word_view(translator, forced[index], each, reading).weights)
            for index, each in hypotheses.items()
        ]
        for reading in READINGS
    }
    warn_if_from_one(made[MAIN_READING], every)
    return {
        reading: score_alignments(found, every)
        for reading, found in made.items()
    }


def _attention(
    translator: Translator, translations: Sequence[Translation]
) -> AttentionSummary | None:
    views = (
        word_view(translator, each, each.hypotheses[0]) for each in translations
    )
    return summarise(view.weights for view in views if view.weights is not None)


def _save_hypotheses(hypotheses: Sequence[str], path: Path) -> None:
    with replacing(path) as beside:
        lines = [f"{hypothesis}\n" for hypothesis in hypotheses]
        beside.write_text("".join(lines), "utf-8", newline="\n")


def _save_result(result: Evaluation, path: Path) -> None:
    with replacing(path) as beside:
        values = json.dumps(to_json(result), indent=2)
        beside.write_text(f"{values}\n", "utf-8")


def _save_attention(translations: Sequence[Translation], path: Path) -> None:
    """All sentences in a row; half precision is plenty to look at."""
    best = [translation.hypotheses[0] for translation in translations]
    weights = [each.attention for each in best if each.attention is not None]
    if not weights:
        path.unlink(missing_ok=True)  # that of another model
        return
    sources = [translation.source_ids for translation in translations]
    targets = [hypothesis.ids for hypothesis in best]
    with replacing(path) as beside:
        np.savez_compressed(
            beside,
            shapes=[
                (len(target), len(source))
                for target, source in zip(targets, sources, strict=True)
            ],
            target_ids=np.concatenate([np.array(ids, int) for ids in targets]),
            source_ids=np.concatenate([np.array(ids, int) for ids in sources]),
            weights=np.concatenate([each.ravel() for each in weights]).astype(
                np.float16
            ),
        )


def load_attention(path: Path) -> list[np.ndarray]:
    """The attention `evaluate` saved: (T, S) for each sentence, in order."""
    with np.load(path) as arrays:
        shapes, weights = arrays["shapes"], arrays["weights"]
    ends = np.cumsum(shapes.prod(1))
    return [
        part.reshape(shape)
        for part, shape in zip(
            np.split(weights, ends[:-1]), shapes, strict=True
        )
    ]


def to_json(result: Evaluation) -> dict[str, Any]:
    """The object that `evaluate --json` prints."""
    values = asdict(result)
    del values["hypotheses"]  # they are kept as lines
    values["by_source_length"] = [
        {
            "from": row.shortest,
            "to": row.longest,
            "sentences": row.sentences,
            "bleu": row.bleu,
        }
        for row in result.by_source_length
    ]
    if result.aer is not None:
        main, other = (
            _aer_json(reading, score) for reading, score in result.aer.items()
        )
        values["aer"] = {**main, "other_reading": other}
    return values


def _aer_json(reading: str, score: AlignmentScore) -> dict[str, Any]:
    values = asdict(score)
    return {"score": values.pop("aer"), "reading": reading, **values}


def table(result: Evaluation) -> str:
    """The result for people: aligned plain text, without a final newline."""
    lines = [
        f"{result.corpus}, {result.split}: {result.sentences:,} sentences, "
        + (f"beam {result.beam}" if result.beam > 1 else "greedy"),
        "",
        *(
            f"{name:<18}{score.score:7.2f}   {score.signature}"
            for name, score in (
                ("BLEU", result.bleu),
                ("BLEU lc.norm.tok", result.bleu_lc_norm_tok),
                ("chrF", result.chrf),
                ("TER", result.ter),
            )
        ),
        f"{'Perplexity':<18}{result.perplexity:7.2f}   of a reference token",
        f"{'Token accuracy':<18}{result.token_accuracy:7.2%}"
        "  of reference tokens",
        *_alignment_lines(result.aer or {}),
        *_attention_lines(result.attention),
        f"{'Speed':<18}{result.sentences_per_second:7.1f}   sentences a second",
        "",
        f"{'Source words':<18}{'BLEU':>7}   Sentences",
        *(
            f"{f'{row.shortest}–{row.longest}':<18}{row.bleu:7.2f}   "
            f"{row.sentences:9,}"
            for row in result.by_source_length
        ),
    ]
    return "\n".join(lines)


def _alignment_lines(aer: Mapping[str, AlignmentScore]) -> list[str]:
    states = {"before": "before the word", "after": "that has read the word"}
    return [
        f"{'AER':<18}{score.aer:7.2%}  state {states[reading]}: precision "
        f"{score.precision:.1%}, recall {score.recall:.1%}, F1 {score.f1:.1%}, "
        f"{score.sentences:,} sentences"
        for reading, score in aer.items()
    ]


def _attention_lines(summary: AttentionSummary | None) -> list[str]:
    if summary is None:
        return []
    return [
        f"{'Attention':<18}{summary.entropy:7.2f}   bits a target word; "
        f"diagonality {summary.diagonality:.2f}, {summary.covered:.0%} of "
        f"source words covered, fertility {summary.fertility:.2f}"
    ]
