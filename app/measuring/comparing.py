"""Comparison of two runs by the translations that `evaluate` has kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.machine.shell import app_command
from app.machine.tables import aligned
from app.measuring.sets import EvaluationSet, load_set
from app.metrics.paired import SAMPLES, Paired, paired_bootstrap
from app.metrics.text import sentence_bleu
from app.runs import Run
from data import GlimpseError, Places


@dataclass(frozen=True)
class Difference:
    """Sentence that two runs translate differently."""

    source: str
    references: tuple[str, ...]
    translations: tuple[str, str]
    scores: tuple[float, float]  # sentence BLEU


@dataclass(frozen=True)
class Comparison:
    """Comparison of two runs on a split.

    Attributes:
        runs: names of the run folders.
        split: name of the split.
        tests: result of the paired bootstrap, for each metric.
        equal: number of sentences with the same translation.
        better: numbers of sentences that each run translates better, by
            sentence BLEU.
        differences: the sentences whose translations differ, those first in
            which sentence BLEU differs most.
    """

    runs: tuple[str, str]
    split: str
    tests: Sequence[Paired]
    equal: int
    better: tuple[int, int]
    differences: Sequence[Difference]


def compare(
    runs: tuple[Path, Path],
    split: str = "test",
    places: Places | None = None,
    samples: int = SAMPLES,
) -> Comparison:
    """Compare two runs by the translations that `evaluate` has kept.

    Args:
        runs: the run folders, the baseline first.
        split: name of the split.
        places: the folders of the data; None for the default folders.
        samples: number of samples of the bootstrap.

    Raises:
        GlimpseError: a run was not measured on the split, or the runs have
            different sentences.
    """
    opened = [Run.open(folder) for folder in runs]
    kept = [_translations(run, split) for run in opened]
    given = load_set(opened[0], split, None, places or Places())
    for run, lines in zip(opened, kept, strict=True):
        if len(lines) != len(given.examples):
            raise GlimpseError(
                f"{run.folder} has {len(lines):,} translations of '{split}', "
                f"but this split of {opened[0].folder} has "
                f"{len(given.examples):,} sentences: compare runs of the same "
                "corpus, measured on the same split"
            )
    tokenizer = opened[0].config.bleu_tokenizer
    references = [example.references for example in given.examples]
    found = _differences(kept[0], kept[1], given, tokenizer)
    return Comparison(
        (str(runs[0]), str(runs[1])),
        split,
        paired_bootstrap(kept[0], kept[1], references, tokenizer, samples),
        len(given.examples) - len(found),
        (
            sum(each.scores[0] > each.scores[1] for each in found),
            sum(each.scores[0] < each.scores[1] for each in found),
        ),
        found,
    )


def _translations(run: Run, split: str) -> list[str]:
    path = run.evaluation / f"{split}.hypotheses.txt"
    if not path.is_file():
        command = app_command("evaluate", run.folder, "--split", split)
        raise GlimpseError(
            f"{run.folder} was not measured on '{split}'; measure it with: "
            f"{command}"
        )
    return path.read_text("utf-8").split("\n")[:-1]


def _differences(
    one: Sequence[str],
    other: Sequence[str],
    given: EvaluationSet,
    tokenizer: str,
) -> list[Difference]:
    found = []
    for example, *pair in zip(given.examples, one, other, strict=True):
        if pair[0] == pair[1]:
            continue
        first, second = (
            sentence_bleu(text, example.references, tokenizer) for text in pair
        )
        found.append(
            Difference(
                example.source,
                tuple(example.references),
                (pair[0], pair[1]),
                (first, second),
            )
        )
    return sorted(found, key=lambda x: -abs(x.scores[0] - x.scores[1]))


def described(comparison: Comparison, show: int) -> str:
    """Return a comparison as plain text, without a final newline.

    Args:
        comparison: the comparison.
        show: number of sentences to show.
    """
    rows = [
        [
            test.metric,
            *(
                f"{score:.2f} ± {interval:.2f}"
                for score, interval in zip(
                    test.scores, test.intervals, strict=True
                )
            ),
            f"{test.scores[1] - test.scores[0]:+.2f}",
            f"{test.p_value:.3f}",
            test.signature,
        ]
        for test in comparison.tests
    ]
    heads = ["", "A", "B", "B − A", "p", "signature"]
    total = comparison.equal + len(comparison.differences)
    lines = [
        *(f"{n}: {run}" for n, run in zip("AB", comparison.runs, strict=True)),
        "",
        *aligned(rows, "<>>>><", heads),
        "",
        f"Of {total:,} sentences of {comparison.split}, {comparison.equal:,} "
        f"have the same translation; A is better in {comparison.better[0]:,}, "
        f"B in {comparison.better[1]:,} (sentence BLEU).",
    ]
    for each in comparison.differences[:show]:
        lines += [
            "",
            f"  source     {each.source}",
            *(f"  reference  {text}" for text in each.references),
            *(
                f"  {name} {score:8.1f} {text}"
                for name, score, text in zip(
                    "AB", each.scores, each.translations, strict=True
                )
            ),
        ]
    return "\n".join(lines)
