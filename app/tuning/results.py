"""Results of a search, made from the records of its trials.

The results are a preset with the best configuration, a CSV file, a table for
the terminal, pictures, and logs for TensorBoard.
"""

import csv
import dataclasses
import shutil
from collections import Counter
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from matplotlib.figure import Figure
from tensorboard.plugins.hparams import api as hparams

from app.config import changed, flatten, yaml_text
from app.machine.tables import aligned
from app.plots import parallel_coordinates, save, score_by_parameter
from app.tuning.folder import Folder, Record
from data.writing import replacing, write_whole

SHOWN = 10  # number of trials in the table


def write(folder: Folder) -> None:
    """Write the two files of results that are updated during the search.

    `best.yaml` is the configuration of the best trial, or the preset if no
    trial has a score; `trials.csv` has a row for each trial.
    """
    records = folder.records()
    _write_best(folder, folder.settings.best(records))
    _write_csv(folder, records)


def finish(folder: Folder) -> None:
    """Write all files of results.

    These are the files that `write` writes, the logs for TensorBoard, and the
    pictures.
    """
    write(folder)
    _write_tensorboard(folder, _scored(folder))
    for name, figure in figures(folder).items():
        save(figure, folder.pictures / name)


def figures(folder: Folder) -> dict[str, Figure]:
    """Draw the scores of trials against the values of their parameters.

    Return a mapping whose keys are the names of the figures. The mapping is
    empty if no trial has a score.
    """
    # Hyperband may continue the run of an earlier trial as a new trial; then
    # only the later of the two is drawn.
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
    """Return the results as the object that `tune --json` prints."""
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
    """Return a table of the search, as text for the terminal.

    The table has three parts: the `SHOWN` best trials, with the values that
    differ from the preset; the trials that failed or were refused, with the
    reasons; and the number of trials of each status.
    """
    settings = folder.settings  # first: an error if this is no search
    records = folder.records()
    scored = sorted(
        _scored(folder),
        key=lambda record: record.score or 0,
        reverse=settings.direction == "max",
    )
    shown = scored[:SHOWN]
    head, *rows = aligned(
        [
            [
                record.trial,
                f"{record.score:.4g}",
                f"{record.epochs}",
                f"{record.parameters or 0:,}",
                f"{record.seconds:.0f}",
            ]
            for record in shown
        ],
        "<>>>>",
        ["trial", settings.objective, "epochs", "parameters", "seconds"],
    )
    lines = [head]
    for row, record in zip(rows, shown, strict=True):
        lines += [row, f"       {_changes(folder, record)}"]
    lines += [
        f"{record.trial:7}{record.status}: {record.reason}"
        for record in records
        if record.reason
    ]
    statuses = Counter(record.status for record in records)
    counts = [
        f"{statuses[status]} {status}"
        for status in ("completed", "failed", "refused", "running")
        if statuses[status]
    ]
    lines.append(f"Trials: {', '.join(counts) or 'none'}")
    return "\n".join(lines)


def _scored(folder: Folder) -> list[Record]:
    return [r for r in folder.records() if r.score is not None]


def _changes(folder: Folder, record: Record) -> str:
    preset = flatten(folder.base)
    config = changed(folder.base, folder.space.overrides(record.values))
    unused = {f"model.{name}" for name in config.model.unused()}
    changes = [
        f"{key.partition('.')[2]}={value}"
        for key, value in flatten(config).items()
        if value != preset[key] and key not in unused
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
    text = yaml_text.dump(dataclasses.asdict(config))
    write_whole(folder.path / "best.yaml", f"# {said}\n{text}")


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
    """Write the chosen values and score of each record as TensorBoard logs."""
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
