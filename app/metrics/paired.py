"""Paired bootstrap: is the difference of two systems more than chance?"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from app.metrics.bleu_tokenizers import ORDINARY
from app.metrics.text import References

SAMPLES = 1000  # as in the command line of sacreBLEU


@dataclass(frozen=True)
class Paired:
    """Scores of two systems on the same sentences.

    Attributes:
        metric: name of the metric.
        scores: score of each system.
        means: mean score of each system in the samples.
        intervals: half of the width of each system's 95 % confidence interval.
        p_value: probability of a difference at least as large if the systems
            were equally good.
        signature: sacreBLEU's description of how the scores were computed.
    """

    metric: str
    scores: tuple[float, float]
    means: tuple[float, float]
    intervals: tuple[float, float]
    p_value: float
    signature: str


def paired_bootstrap(
    one: Sequence[str],
    other: Sequence[str],
    references: References,
    tokenizer: str = ORDINARY,
    samples: int = SAMPLES,
) -> list[Paired]:
    """Compare two systems by BLEU and chrF, with sacreBLEU's paired bootstrap.

    The test draws sentences at random, with replacement, and computes both
    scores of each sample (Koehn 2004, "Statistical significance tests for
    machine translation evaluation"). Its seed is fixed, so that the result is
    always the same.

    Args:
        one: translations of the first system, the baseline.
        other: translations of the second system.
        references: one or more reference translations of each sentence.
        tokenizer: name of the tokenizer for BLEU.
        samples: number of samples.
    """
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import PairedTest

    logging.getLogger("sacrebleu").setLevel(logging.WARNING)
    metrics = {"BLEU": BLEU(tokenize=tokenizer, force=True), "chrF": CHRF()}
    streams = [list(stream) for stream in zip_longest(*references)]
    test = PairedTest(
        [("one", list(one)), ("other", list(other))],
        metrics,
        streams,
        test_type="bs",
        n_samples=samples,
    )
    signatures, results = test()
    is_same = list(one) == list(other)
    tests: dict[str, Any] = {
        name: pair for name, pair in results.items() if name != "System"
    }
    return [
        Paired(
            name,
            (float(first.score), float(second.score)),
            (float(first.mean), float(second.mean)),
            (float(first.ci), float(second.ci)),
            # sacreBLEU's p-value of equal systems is the least there is.
            1.0 if is_same else float(second.p_value),
            str(signatures[name]),
        )
        for name, (first, second) in tests.items()
    ]
