"""What a search leaves behind: a preset, a table, pictures, TensorBoard."""

import csv
import dataclasses
import shutil
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from matplotlib.figure import Figure
from tensorboard.plugins.hparams import api as hparams

from app.config import changed, flatten, save_config
from app.plots import parallel_coordinates, save, score_by_parameter
from app.run import replacing
from app.tuning.folder import Folder, Record

SHOWN = 10  # best trials in the table


def write(folder: Folder) -> None:
    """Write `best.yaml` and `trials.csv`, as the search stands."""
    records = folder.records()
    _write_best(folder, folder.settings.best(records))
    _write_csv(folder, records)


def finish(folder: Folder) -> None:
    """Write everything."""
    write(folder)
    _write_tensorboard(folder, _scored(folder))
    for name, figure in figures(folder).items():
        save(figure, folder.pictures / name)


def figures(folder: Folder) -> dict[str, Figure]:
    """Pictures of the trials that have a score, by name; none without."""
    # A promoted trial goes on in the run of another: it stands for both.
    records = list({record.run: record for record in _scored(folder)}.values())
    if not records:
        return {}
    most = max(record.epochs for record in records)
    settings = folder.settings
    return {
        name: draw(
            [parameter.name for parameter in folder.space.parameters],
            [record.values for record in records],
            [float(record.score or 0) for record in records],
            label=f"validation {settings.objective}",
            smaller_is_better=settings.direction == "min",
            stopped=[i for i, r in enumerate(records) if r.epochs < most],
        )
        for name, draw in (
            ("parameters", score_by_parameter),
            ("parallel", parallel_coordinates),
        )
    }


def to_json(folder: Folder) -> dict[str, Any]:
    """The object of `tune --json`."""
    best = folder.best()
    return {
        "run": str(folder.path),
        "objective": folder.settings.objective,
        "preset": str(folder.path / "best.yaml"),
        "seconds": folder.seconds(),
        "best": best and dataclasses.asdict(best),
        "trials": [dataclasses.asdict(each) for each in folder.records()],
    }


def table(folder: Folder) -> str:
    """The best trials, what they changed, and what became of the others."""
    settings = folder.settings  # first: it says if this is no search
    records = folder.records()
    scored = sorted(
        _scored(folder),
        key=lambda record: record.score or 0,
        reverse=settings.direction == "max",
    )
    lines = [
        f"{'trial':7}{settings.objective:>11}  epochs  parameters  seconds"
    ]
    for record in scored[:SHOWN]:
        lines += [
            f"{record.trial:7}{record.score:11.4g}{record.epochs:8}"
            f"{record.parameters or 0:12,}{record.seconds:9.0f}",
            f"       {_changes(folder, record)}",
        ]
    lines += [
        f"{record.trial:7}{record.status}: {record.reason}"
        for record in records
        if record.reason
    ]
    counts = [
        f"{count} {status}"
        for status in ("completed", "failed", "refused", "running")
        if (count := sum(record.status == status for record in records))
    ]
    lines.append(f"Trials: {', '.join(counts) or 'none'}")
    return "\n".join(lines)


def _scored(folder: Folder) -> list[Record]:
    return [r for r in folder.records() if r.score is not None]


def _changes(folder: Folder, record: Record) -> str:
    preset = flatten(folder.base)
    overrides = folder.space.overrides(record.values)
    changes = [
        f"{key.partition('.')[2]}={value}"
        for key, value in flatten(changed(folder.base, overrides)).items()
        if value != preset[key]
    ]
    return ", ".join(changes) or "as the preset"


def _write_best(folder: Folder, best: Record | None) -> None:
    config = folder.base
    said = "No trial has ended yet: this is the preset itself."
    if best is not None:
        config = changed(config, folder.space.overrides(best.values))
        said = (
            f"Trial {best.trial}, the best until now: validation "
            f"{folder.settings.objective} {best.score:.4g} after "
            f"{best.epochs} epochs."
        )
    with replacing(folder.path / "best.yaml") as beside:
        save_config(config, beside)
        text = beside.read_text("utf-8")
        beside.write_text(f"# {said}\n{text}", "utf-8")


def _write_csv(folder: Folder, records: Sequence[Record]) -> None:
    names = [parameter.name for parameter in folder.space.parameters]
    fields = [f.name for f in dataclasses.fields(Record) if f.name != "values"]
    with (
        replacing(folder.path / "trials.csv") as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, [*fields, *names])
        writer.writeheader()
        for record in records:
            row = dataclasses.asdict(record)
            writer.writerow(row.pop("values") | row)


def _write_tensorboard(folder: Folder, records: Sequence[Record]) -> None:
    """The hyper-parameters and the score of each trial, for its dashboard."""
    logs = folder.path / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    for record in records:
        with tf.summary.create_file_writer(str(logs / record.trial)).as_default(
            step=record.epochs
        ):
            values = {
                name: value
                if isinstance(value, bool | int | float | str)
                else str(value)
                for name, value in record.values.items()
            }
            hparams.hparams(values, trial_id=record.trial)
            name = f"validation_{folder.settings.objective}"
            tf.summary.scalar(name, record.score)
