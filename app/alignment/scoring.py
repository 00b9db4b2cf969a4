"""Scores of predicted word alignments against gold alignments."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.machine.tables import aligned
from data.links import Gold, Link

log = logging.getLogger(__name__)

FAR_BETTER = 2 / 3  # an AER below this fraction of another AER is far better


@dataclass(frozen=True)
class AlignmentScore:
    """Scores of predicted word alignments (Och and Ney 2003, section 5).

    Let A be the predicted links, S the sure links of the gold alignments, and P
    their possible links, which include S. Then the scores, from 0 to 1, are:

    ```
    precision = |A & P| / |A|      recall = |A & S| / |S|
    aer = 1 - (|A & S| + |A & P|) / (|A| + |S|)
    ```

    `aer` is the alignment error rate; `f1` is the harmonic mean of precision
    and recall. If the denominator of a score is 0, the score has its best
    value: 1 for precision and recall, 0 for `aer`. `sentences` is the number of
    sentences that were scored.
    """

    aer: float
    precision: float
    recall: float
    f1: float
    sentences: int


def score_alignments(
    proposed: Sequence[Iterable[Link]], gold: Sequence[Gold]
) -> AlignmentScore:
    """Compare predicted links with gold alignments, and compute the scores.

    The links are counted over all sentences together, then each score is
    computed once from these counts.

    Args:
        proposed: the predicted links of each sentence.
        gold: the gold alignment of each sentence.
    """
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


def warn_if_from_one(
    proposed: Sequence[Iterable[Link]], gold: Sequence[Gold]
) -> None:
    """Warn if the gold alignments seem to count words from 1 instead of 0.

    The warning is given if subtracting 1 from all word numbers of `gold` makes
    the alignment error rate far lower. If any gold link has the word number 0,
    words are counted from 0, and there is no warning.

    Args:
        proposed: the predicted links of each sentence, with words counted
            from 0.
        gold: the gold alignment of each sentence.
    """
    if any(0 in link for each in gold for link in each.possible):
        return
    less = [Gold(_less(each.sure), _less(each.possible)) for each in gold]
    given, found = (
        score_alignments(proposed, each).aer for each in (gold, less)
    )
    if found < FAR_BETTER * given:
        log.warning(
            "The gold alignments fit far better with every number one less "
            "(AER %.1f %% instead of %.1f %%): are their words counted from 1? "
            "The first word of a sentence must be word 0",
            100 * found,
            100 * given,
        )


def _less(links: Iterable[Link]) -> frozenset[Link]:
    return frozenset((i - 1, j - 1) for i, j in links)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def scores_to_json(
    scores: Mapping[str, Mapping[str, AlignmentScore]],
) -> dict[str, Any]:
    """Return the JSON object that `align --score --json` prints.

    Scores lie between 0 and 1, as in `evaluate --json`.

    Args:
        scores: for each way of linking, the score of each reading.
    """
    return {
        name: {reading: vars(score) for reading, score in readings.items()}
        for name, readings in scores.items()
    }


def scores_table(
    scores: Mapping[str, Mapping[str, AlignmentScore]],
) -> str:
    """Return scores as a table in plain text; see `scores_to_json`."""
    rows = [
        [
            name,
            reading,
            f"{score.aer:.2%}",
            f"{score.precision:.1%}",
            f"{score.recall:.1%}",
            f"{score.f1:.1%}",
            f"{score.sentences:,}",
        ]
        for name, readings in scores.items()
        for reading, score in readings.items()
    ]
    heads = ["links", "reading", "AER", "precision", "recall", "F1"]
    return "\n".join(aligned(rows, "<<>>>>>", [*heads, "sentences"]))
