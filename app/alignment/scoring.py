"""Links scored against gold."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.links import Gold, Link

log = logging.getLogger(__name__)

FAR_BETTER = 2 / 3  # of the error


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


def warn_if_from_one(
    proposed: Sequence[Iterable[Link]], gold: Sequence[Gold]
) -> None:
    """Say if gold fits the links far better with all its numbers one less.

    Where a word 0 is linked, nobody has counted from 1.
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
            "They are counted from 0 here",
            100 * found,
            100 * given,
        )


def _less(links: Iterable[Link]) -> frozenset[Link]:
    return frozenset((i - 1, j - 1) for i, j in links)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
