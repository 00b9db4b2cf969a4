"""Averaging of a run's best epochs, into a run with one model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.config import TrainingOptions
from app.machine.shell import app_command
from app.metrics import metric
from app.runs.folder import Run
from app.runs.history import read_history
from data import GlimpseError


def best_epochs(
    history: Sequence[Mapping[str, Any]],
    options: TrainingOptions,
    number: int,
) -> list[int]:
    """Return the epochs with the best scores on validation, best first.

    If two epochs have equal scores, the one with the lower perplexity is
    better; after that, the later one.

    Args:
        history: a row of numbers for each epoch.
        options: options of training, which name the metric of the score.
        number: largest number of epochs to return.
    """
    metrics = metric(options.metric), metric("perplexity")
    ranks = [
        (*(each.sign * row[each.column] for each in metrics), int(row["epoch"]))
        for row in history
    ]
    return [rank[-1] for rank in sorted(ranks, reverse=True)[:number]]


def average(run: Run, folder: Path, number: int | None = None) -> list[int]:
    """Make a run whose weights are the mean of the best epochs of another run.

    The new run has no checkpoints, so it cannot be trained further.

    Args:
        run: the run, which kept the weights of its best epochs.
        folder: folder of the new run.
        number: number of epochs to average; None for all that were kept.

    Returns:
        The epochs that were averaged, best first.

    Raises:
        GlimpseError: the run kept fewer epochs than that, a file cannot be
            read, or `folder` exists.
    """
    if folder.exists():
        raise GlimpseError(
            f"The folder {folder} exists already, and nothing is overwritten: "
            "give the averaged run another folder"
        )
    kept = run.kept_epochs()
    wanted = len(kept) if number is None else number
    if not kept or len(kept) < wanted:
        command = app_command(
            *("train", "--run", "NEW", "--set"),
            f"training.keep_best={number or 5}",
        )
        raise GlimpseError(
            f"{run.folder} kept the weights of {len(kept)} epochs, and "
            f"{number or 'at least one'} are needed: train a run that keeps "
            f"more, such as with: {command}"
        )
    history = read_history(run.folder)
    ranked = best_epochs(history, run.config.training, len(history))
    chosen = [epoch for epoch in ranked if epoch in kept][:wanted]
    sides = run.load_sides()
    model = run.build_model(sides)
    sums = [np.zeros(each.shape) for each in model.weights]
    for epoch in chosen:
        run.load_weights(model, run.epoch_name(epoch))
        sums = [
            total + each.numpy()
            for total, each in zip(sums, model.weights, strict=True)
        ]
    model.set_weights([total / len(chosen) for total in sums])
    new = Run.create(folder, run.config)
    new.save_sides(sides)
    if inventory := run.load_inventory():
        new.save_inventory(inventory)
    new.save_weights(model, "best")
    new.write_json("averaged.json", {"run": run.folder.name, "epochs": chosen})
    return chosen
