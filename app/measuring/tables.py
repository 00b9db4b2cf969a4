"""Measurements as JSON, and as tables of plain text."""

from dataclasses import asdict
from typing import Any

from app.alignment import AlignmentScore, AttentionSummary
from app.machine.tables import aligned
from app.measuring.measure import Measured
from app.metrics import METRICS, Score


def to_json(measured: Measured) -> dict[str, Any]:
    """Return a measurement as the object that `evaluate --json` prints."""
    aer = measured.aer
    if aer is not None:
        main, other = (_aer_json(*each) for each in aer.items())
    return {
        "corpus": measured.given.corpus,
        "split": measured.given.split,
        "sentences": len(measured.translations),
        "beam": measured.beam,
        **{name: _score_json(score) for name, score in measured.scores.items()},
        "by_source_length": [
            {
                "from": row.shortest,
                "to": row.longest,
                "sentences": row.sentences,
                "bleu": row.bleu,
            }
            for row in measured.by_source_length
        ],
        "aer": None if aer is None else {**main, "other_reading": other},
        "attention": measured.attention and asdict(measured.attention),
        "sentences_per_second": measured.sentences_per_second,
    }


def _score_json(score: Score) -> Any:
    """Return a score as a number, or as a JSON object if it has a signature."""
    return asdict(score) if score.signature else score.score


def _aer_json(reading: str, score: AlignmentScore) -> dict[str, Any]:
    values = asdict(score)
    return {"score": values.pop("aer"), "reading": reading, **values}


def table(measured: Measured) -> str:
    """Return a measurement as tables of plain text, without a final newline."""
    given, rate = measured.given, measured.sentences_per_second
    search = f"beam {measured.beam}" if measured.beam > 1 else "greedy"
    rows = [_row(name, score) for name, score in measured.scores.items()]
    rows += map(_alignment_row, (measured.aer or {}).items())
    if measured.attention is not None:
        rows.append(_attention_row(measured.attention))
    if rate is not None:
        rows.append(["Speed", f"{rate:.1f}", "sentences a second"])
    lengths = [
        [
            f"{row.shortest}–{row.longest}",
            f"{row.bleu:.2f}",
            f"{row.sentences:,}",
        ]
        for row in measured.by_source_length
    ]
    lines = [
        f"{given.corpus}, {given.split}: {len(measured.translations):,} "
        f"sentences, {search}",
        "",
        *aligned(rows, "<><"),
        "",
        *aligned(lengths, "<>>", ["Source words", "BLEU", "Sentences"]),
    ]
    return "\n".join(lines)


def _row(name: str, score: Score) -> list[str]:
    label = METRICS[name].label
    if score.signature:
        return [label, f"{score.score:.2f}", score.signature]
    if name == "token_accuracy":
        return [label, f"{score.score:.2%}", "of reference tokens"]
    return [label, f"{score.score:.2f}", "of a reference token"]


def _alignment_row(found: tuple[str, AlignmentScore]) -> list[str]:
    reading, score = found
    states = {"before": "before the word", "after": "that has read the word"}
    return [
        "AER",
        f"{score.aer:.2%}",
        f"state {states[reading]}: precision {score.precision:.1%}, recall "
        f"{score.recall:.1%}, F1 {score.f1:.1%}, {score.sentences:,} sentences",
    ]


def _attention_row(summary: AttentionSummary) -> list[str]:
    return [
        "Attention",
        f"{summary.entropy:.2f}",
        f"bits a target word; diagonality {summary.diagonality:.2f}, "
        f"{summary.covered:.0%} of source words covered, fertility "
        f"{summary.fertility:.2f}",
    ]
