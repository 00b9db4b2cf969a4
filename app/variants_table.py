"""What the variants' runs came to, as the tables of models/README.md."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.alignment import READINGS
from app.run import replacing
from app.variants import Plan, Variant, folder_of, require_same_plan
from data import GlimpseError

BEGIN, END = "<!-- scores:begin -->", "<!-- scores:end -->"
GOAL = 90.0  # validation BLEU
NOTHING = "–"


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        measures: by split, what `evaluate --json` gives.
        steps_to_goal: of training until validation BLEU was `GOAL`, looked
            at after every epoch; None if it never was.
        seconds: of training.
        speed: what `measure_speed` gave; None if it was not measured.
    """

    measures: dict[str, dict[str, Any]]
    steps_to_goal: int | None
    seconds: float
    speed: dict[str, Any] | None


def results(root: Path, plan: Plan, variant: Variant) -> list[Result]:
    """Those of a variant's runs that are finished, by seed.

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
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        history = list(csv.DictReader(file))
    reached = [
        int(row["step"])
        for row in history
        if float(row["validation_bleu"]) >= GOAL
    ]
    speed = folder / "speed.json"
    return Result(
        {s: json.loads(_measure(folder, s).read_text("utf-8")) for s in splits},
        reached[0] if reached else None,
        float(history[-1]["seconds"]),
        json.loads(speed.read_text("utf-8")) if speed.is_file() else None,
    )


def to_json(root: Path, plan: Plan, chosen: Sequence[Variant]) -> list[Any]:
    """All figures of all finished runs."""
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
    """A row a variant, in Markdown; several seeds as mean (least–most)."""
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
    """Of the first run that was timed: seeds do not differ in this."""
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
    """The mean, and least and most of several; a run may have none."""
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
    """The text of a file that has the marks `BEGIN` and `END`.

    Raises:
        GlimpseError: it has not, or cannot be read.
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
            "are wanted, and what stands between them is replaced"
        )
    return text


def write(
    path: Path, root: Path, plan: Plan, chosen: Sequence[Variant]
) -> None:
    """Put the figures where `path` has a place for them.

    The table goes between the marks `BEGIN` and `END`; in every other table a
    row that begins with a variant's name gets its score in the last cell.

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
    with replacing(path) as beside:
        beside.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", "utf-8")


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
