"""Changes of the configuration that are allowed when a run is resumed.

A checkpoint contains the configuration that it was made with. This is compared
with the present configuration. The number of epochs may be larger than before,
which extends the run. The options of the section `search` and the options in
`FREE` may change, since they affect only later steps. Files of the corpus and
of alignments may have moved to other folders if they keep their names. Any
other change is an error, since neither configuration would then describe the
whole run. For example, `training.metric` may not change, because the best score
so far was computed with the old metric, and `training.guided_alignment` may not
change, because it decides whether the training data contain alignments.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from app.config import EPOCHS, Config, TrainingOptions, flatten
from app.runs import Run, fewer_epochs
from app.training.checkpoints import TrainingState
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
        "r_drop",
        "scheduled_sampling",
        "l2",
        "weight_decay",
        "clip_norm",
        "patience",
        "keep_best",
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
    """Return a configuration as a dictionary, as checkpoints save it.

    The keys are SECTION.KEY.
    """
    return json.loads(json.dumps(flatten(config)))


def config_of(state: TrainingState, run: Run) -> dict[str, Any]:
    """Return the configuration that a checkpoint was made with.

    A checkpoint of an older version does not contain its configuration. For
    such a checkpoint, the result has only the number of epochs.
    """
    if state.config:
        return state.config
    patience = run.config.training.patience
    epochs = Run.open(run.folder).config.training.epochs
    if state.finished and not is_reached(state.stale_epochs, patience):
        epochs = state.epoch
    return {EPOCHS: epochs}


def changes(before: Mapping[str, Any], config: Config, folder: Path) -> Changes:
    """Return the changes of the configuration since a checkpoint was made.

    Args:
        before: the configuration in the checkpoint, in the form that `recorded`
            returns. Options that only one of the configurations has are
            ignored, since they come from another version of this application.
        config: the configuration to continue the run with.
        folder: the run folder.

    Returns:
        A dictionary whose keys are the changed options, as SECTION.KEY, and
        whose values are tuples of the old and the new value.

    Raises:
        GlimpseError: an option that must stay the same has changed, or the
            number of epochs is smaller than before.
    """
    now = recorded(config)
    unused = {f"model.{name}" for name in config.model.unused()}
    found = {
        key: (old, now[key])
        for key, old in before.items()
        if key in now and now[key] != old and key not in unused
    }
    refused = {k: v for k, v in found.items() if not _is_allowed(k, *v)}
    if refused:
        raise GlimpseError(
            f"{folder / 'config.yaml'} has changed since the last checkpoint "
            f"in options that a run cannot change ({described(refused)}): "
            "restore the old values, or train a new run with another --run"
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
    """Return a text that lists changes on one line, as `key: old → new`."""
    return "; ".join(
        f"{key}: {_written(old)} → {_written(new)}"
        for key, (old, new) in found.items()
    )


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def before_changes(options: TrainingOptions, found: Changes) -> TrainingOptions:
    """Return the options of training as they were before changes.

    Args:
        options: the options after the changes.
        found: the changes.
    """
    old = {
        key.removeprefix("training."): value
        for key, (value, _) in found.items()
        if key.startswith("training.")
    }
    return replace(options, **old)


def has_ended(state: TrainingState, options: TrainingOptions) -> bool:
    """Tell whether training of a run has ended.

    It has ended if all epochs are done, or if the validation score has not
    improved for `options.patience` epochs.
    """
    return state.epoch >= options.epochs or is_reached(
        state.stale_epochs, options.patience
    )


def is_reached(count: int, limit: int | None) -> bool:
    """Tell whether a count is at least as large as a limit.

    The result is false if the limit is None. The count can be larger than the
    limit, since the limit may have been lowered between two runs of the
    program.
    """
    return limit is not None and count >= limit


def foreseen(
    state: TrainingState,
    options: TrainingOptions,
    until: int | None,
    command: str,
) -> str:
    """Return a message if training will do less than the user requested.

    Args:
        state: the state of training.
        options: the options of training.
        until: the last epoch that the user wants to train, counted from 1; None
            for all epochs of the options.
        command: the command that continues the run, to be shown to the user.

    Returns:
        The message; empty if training will do what was requested.
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
            f"{until} leaves nothing to do; continue with: {command}"
        )
    return (
        f"--until {until} is past the end of the run, which is trained to its "
        f"last epoch, {epochs}; to train further, add: --set {EPOCHS}={until}"
    )
