"""Tables of the results of the variants' runs, as in models/README.md."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.alignment import READINGS
from app.experiments.variants import Plan, Variant, folder_of, require_same_plan
from app.metrics import METRICS
from app.runs import read_history
from data import GlimpseError
from data.writing import write_whole

BEGIN, END = "<!-- scores:begin -->", "<!-- scores:end -->"
GOAL = 90.0  # validation BLEU
NOTHING = "–"


@dataclass(frozen=True)
class Result:
    """Result of one run of a variant.

    Attributes:
        measures: for each split, the object that `evaluate --json` prints.
        steps_to_goal: number of training steps at the end of the first epoch
            whose validation BLEU reached `GOAL`; None if no epoch did.
        seconds: duration of training, in seconds.
        speed: result of `measure_speed`; None if the speed was not measured.
    """

    measures: dict[str, dict[str, Any]]
    steps_to_goal: int | None
    seconds: float
    speed: dict[str, Any] | None


def results(root: Path, plan: Plan, variant: Variant) -> list[Result]:
    """Read the results of a variant's finished runs, in the order of the seeds.

    A run is finished if it was measured on all splits of the plan.

    Args:
        root: folder that contains all run folders.
        plan: the plan that has the variant.
        variant: the variant.

    Raises:
        GlimpseError: see `require_same_plan`.
    """
    folders = [folder_of(root, variant, seed) for seed in variant.seeds]
    for folder, seed in zip(folders, variant.seeds, strict=True):
        require_same_plan(folder, plan, variant, seed)
    return [
        _read(folder, plan.splits)
        for folder in folders
        if all(_measure(folder, split).is_file() for split in plan.splits)
    ]


def _measure(folder: Path, split: str) -> Path:
    return folder / "evaluation" / f"{split}.json"


def _read(folder: Path, splits: Sequence[str]) -> Result:
    history = read_history(folder)
    bleu = METRICS["bleu"]
    reached = [
        int(row["step"])
        for row in history
        if bleu.is_reached(row[bleu.column], GOAL)
    ]
    speed = folder / "speed.json"
    return Result(
        {s: json.loads(_measure(folder, s).read_text("utf-8")) for s in splits},
        reached[0] if reached else None,
        history[-1]["seconds"],
        json.loads(speed.read_text("utf-8")) if speed.is_file() else None,
    )


def to_json(root: Path, plan: Plan, chosen: Sequence[Variant]) -> list[Any]:
    """Return all results of the variants' finished runs, as a list for JSON.

    Args:
        root: folder that contains all run folders.
        plan: the plan that has the variants.
        chosen: the variants to show.

    Raises:
        GlimpseError: see `require_same_plan`.
    """
    return [
        {
            "variant": variant.name,
            "group": variant.group,
            "set": variant.changes,
            "runs": [vars(each) for each in results(root, plan, variant)],
        }
        for variant in chosen
    ]


def table(root: Path, plan: Plan, chosen: Sequence[Variant]) -> str:
    """Return a Markdown table of results, with a row for each variant.

    If a variant has several finished runs, a cell with a score or with a number
    of steps shows the mean over the runs and, in brackets, the smallest and the
    largest value.

    Args:
        root: folder that contains all run folders.
        plan: the plan that has the variants.
        chosen: the variants to show.

    Raises:
        GlimpseError: see `require_same_plan`.
    """
    head = ["variant", "set", "seeds", "parameters"]
    head += [f"BLEU {split}" for split in plan.splits]
    head += [f"AER {reading}" for reading in READINGS]
    head += [f"steps to {GOAL:.0f}", "tokens/s"]
    lines = [head, ["---"] * len(head)]
    lines += [_row(root, plan, variant) for variant in chosen]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(root: Path, plan: Plan, variant: Variant) -> list[str]:
    found = results(root, plan, variant)
    changes = " ".join(
        f"{key.removeprefix('model.')}={_plain(value)}"
        for key, value in variant.changes.items()
    )

    def cell(
        figure: Callable[[Result], float | None], form: str = ".1f"
    ) -> str:
        return _spread([figure(each) for each in found], form)

    return [
        f"`{variant.name}`",
        f"`{changes}`" if changes else "the preset",
        str(len(found)),
        _one(found, "parameters"),
        *(cell(partial(_bleu, split=split)) for split in plan.splits),
        *(
            cell(partial(_aer, split=plan.splits[0], reading=reading))
            for reading in READINGS
        ),
        cell(lambda result: result.steps_to_goal, ".0f"),
        _one(found, "target_tokens_per_second"),
    ]


def _one(found: Sequence[Result], key: str) -> str:
    """Format a value from the first run in `found` whose speed was measured.

    One run is enough, since the value does not depend on the seed. If no speed
    was measured, return a dash.

    Args:
        found: results of the runs of one variant.
        key: key of the value in `Result.speed`.
    """
    timed = (each.speed[key] for each in found if each.speed is not None)
    figure = next(timed, None)
    return NOTHING if figure is None else f"{figure:,}"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bleu(result: Result, split: str) -> float:
    return result.measures[split]["bleu"]["score"]


def _aer(result: Result, split: str, reading: str) -> float | None:
    aer = result.measures[split]["aer"]
    if aer is None:
        return None
    for each in (aer, aer["other_reading"]):
        if each["reading"] == reading:
            return 100 * each["score"]
    return None


def _spread(figures: Sequence[float | None], form: str) -> str:
    """Format the mean of a value over the finished runs of a variant.

    If there are several runs, the smallest and the largest value follow in
    brackets. If some values are None, they are ignored, and the brackets also
    show how many values are known. If all are None, return a dash.

    Args:
        figures: one value for each finished run; None if the run has no value.
        form: format specification of a number, such as ".1f".
    """
    known = [figure for figure in figures if figure is not None]
    if not known:
        return NOTHING
    mean = format(sum(known) / len(known), form)
    if len(figures) == 1:
        return mean
    spread = f"{format(min(known), form)}–{format(max(known), form)}"
    some = "" if len(known) == len(figures) else f" in {len(known)}"
    return f"{mean} ({spread}{some})"


def require_place(path: Path) -> str:
    """Check that a file has a place for the table; return the file's text.

    The place is between the lines `BEGIN` and `END`, in this order.

    Raises:
        GlimpseError: the file cannot be read, or does not have these lines.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise GlimpseError(
            f"{path} cannot be read ({error.strerror}); give a Markdown file "
            f"with the lines {BEGIN} and {END}"
        ) from error
    if END not in text.partition(BEGIN)[2]:
        raise GlimpseError(
            f"{path} has no place for the scores: the lines {BEGIN} and {END} "
            "are wanted, and the text between them is replaced"
        )
    return text


def write(
    path: Path, root: Path, plan: Plan, chosen: Sequence[Variant]
) -> None:
    """Write the results into the tables of a Markdown file.

    The text between the lines `BEGIN` and `END` is replaced by the result of
    `table`. In all other tables of the file, if the first cell of a row is the
    name of a variant, the last cell is replaced by the variant's BLEU on the
    first split of the plan.

    Args:
        path: the Markdown file.
        root: folder that contains all run folders.
        plan: the plan that has the variants.
        chosen: the variants to show.

    Raises:
        GlimpseError: see `require_place`.
    """
    text = require_place(path)
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    scores = {
        variant.name: _spread(
            [
                _bleu(each, plan.splits[0])
                for each in results(root, plan, variant)
            ],
            ".1f",
        )
        for variant in chosen
    }
    before, after = (_fill(part, scores) for part in (before, after))
    body = table(root, plan, chosen)
    write_whole(path, f"{before}{BEGIN}\n{body}\n{END}{after}")


def _fill(text: str, scores: dict[str, str]) -> str:
    def filled(match: re.Match[str]) -> str:
        score = scores.get(match["name"])
        return match[0] if score is None else f"{match['row']} {score} |"

    return re.sub(
        r"^(?P<row>\| `(?P<name>[a-z0-9-]+)` \|(?:.*\|)?)[^|\n]*\|$",
        filled,
        text,
        flags=re.MULTILINE,
    )
