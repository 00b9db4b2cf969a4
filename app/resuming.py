"""What may change in a run between a checkpoint and going on from it.

A checkpoint holds the configuration that it was made with. More epochs extend
the run. What only says how to go on is used as it is now: the search, and the
keys in `FREE`. Files may have been moved, if they are still called the same.
Anything else would make of the run what neither configuration says: it is
refused. `training.metric` is, since the best score was counted by the old one,
and `guided_alignment`, which decides what the text of training holds.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from app.checkpoints import TrainingState
from app.config import EPOCHS, Config, TrainingOptions, flatten
from app.run import fewer_epochs
from data import GlimpseError

FREE = frozenset(
    f"training.{key}"
    for key in (
        "learning_rate",
        "warmup_steps",
        "schedule",
        "plateau_patience",
        "plateau_factor",
        "label_smoothing",
        "coverage_loss",
        "clip_norm",
        "patience",
        "checkpoint_steps",
        "fused",
        "parts",
    )
)
FILES = frozenset(
    [
        "corpus.train",
        "corpus.validation",
        "corpus.test",
        "training.alignments",
    ]
)

Changes = Mapping[str, tuple[Any, Any]]  # old and new value, by SECTION.KEY


def recorded(config: Config) -> dict[str, Any]:
    """A configuration as a checkpoint holds it, by SECTION.KEY."""
    return json.loads(json.dumps(flatten(config)))


def changes(before: Mapping[str, Any], config: Config, folder: Path) -> Changes:
    """What has changed since a checkpoint was made.

    Args:
        before: what `recorded` gave it; keys that only one of both knows are
            another version's, and no change.
        config: what the run is now to go on with.
        folder: of the run.

    Raises:
        GlimpseError: a run cannot go on with what has changed.
    """
    now = recorded(config)
    found = {
        key: (old, now[key])
        for key, old in before.items()
        if key in now and now[key] != old
    }
    refused = {k: v for k, v in found.items() if not _is_allowed(k, *v)}
    if refused:
        raise GlimpseError(
            f"{folder / 'config.yaml'} has changed since the last checkpoint "
            f"in what a run cannot change ({described(refused)}): put the old "
            "value back, or train a new run with another --run"
        )
    if EPOCHS in found and found[EPOCHS][0] > found[EPOCHS][1]:
        raise fewer_epochs(folder, *found[EPOCHS])
    return found


def _is_allowed(key: str, old: Any, new: Any) -> bool:
    if key in FILES:
        return _names(old) == _names(new)
    return key == EPOCHS or key in FREE or key.startswith("search.")


def _names(files: Any) -> list[str]:
    several = files if isinstance(files, list) else [files or ""]
    return [PurePath(each).name for each in several]


def described(found: Changes) -> str:
    """Changes in a line, `key: old → new`."""
    return "; ".join(
        f"{key}: {_written(old)} → {_written(new)}"
        for key, (old, new) in found.items()
    )


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def before_changes(options: TrainingOptions, found: Changes) -> TrainingOptions:
    """The training options as they were before these changes."""
    old = {
        key.removeprefix("training."): value
        for key, (value, _) in found.items()
        if key.startswith("training.")
    }
    return replace(options, **old)


def has_ended(state: TrainingState, options: TrainingOptions) -> bool:
    """Whether all epochs are done, or patience is lost."""
    return state.epoch >= options.epochs or is_reached(
        state.stale_epochs, options.patience
    )


def is_reached(count: int, limit: int | None) -> bool:
    """Whether a count is at a limit, or past one that was lowered."""
    return limit is not None and count >= limit


def foreseen(
    state: TrainingState,
    options: TrainingOptions,
    until: int | None,
    command: str,
) -> str:
    """What there is to say if nothing is left to do, or less than asked for.

    Args:
        state: where the run stands.
        options: its own.
        until: the epoch it was asked to stop after, if it was.
        command: that goes on with it.
    """
    epochs = options.epochs
    if state.finished:
        early = (
            f", since validation was not better for {state.stale_epochs} epochs"
        )
        return (
            f"The run has ended after epoch {state.epoch} of {epochs}"
            f"{early if state.epoch < epochs else ''}, so nothing is left to "
            "do; train it further, to any larger number of epochs, with: "
            f"{command} --set {EPOCHS}={max(2 * epochs, until or 0)}"
        )
    if until is None or state.epoch < until <= epochs:
        return ""
    if until <= state.epoch:
        return (
            f"Epoch {state.epoch} of {epochs} is done already, so --until "
            f"{until} leaves nothing to do; go on with: {command}"
        )
    return (
        f"--until {until} is past the end of the run, which is trained to its "
        f"last epoch, {epochs}; to go further add: --set {EPOCHS}={until}"
    )
