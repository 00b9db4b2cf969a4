"""Whole training states on disk: written beside and renamed, newest first."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from app.run import replacing
from data import GlimpseError

STATE = "state.json"
KEPT = 2  # a damaged newest one leaves another to go back to
log = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """Where training stands: what a checkpoint holds besides variables.

    Attributes:
        epoch: the epoch under way, from 0.
        batch: batches of it already done.
        step: updates done.
        tokens: target tokens seen before this epoch.
        seconds: time spent training and validating.
        best: best validation score so far, and the step it came at.
        best_step: see `best`.
        best_perplexity: of validation, at that step.
        stale_epochs: validations since then.
        plateau_epochs: validations since then, or since the rate was cut.
        rate_factor: what the plateau rule has multiplied the rate by.
        finished: whether training has ended.
        corpus: fingerprint of the text trained on.
        history: a row for each validation.
        config: what it was trained with, by SECTION.KEY; empty if a version
            made it that did not say.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    best_perplexity: float = 0.0  # of older runs: equal scores change nothing
    stale_epochs: int = 0
    plateau_epochs: int = 0
    rate_factor: float = 1.0
    finished: bool = False
    corpus: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of a run.

    Args:
        folder: where they lie; made when the first is saved.
        variables: everything that training changes, always in this order.
    """

    def __init__(self, folder: Path, variables: Sequence[tf.Variable]) -> None:
        self.folder = folder
        self._checkpoint = tf.train.Checkpoint(variables=list(variables))

    def save(self, state: TrainingState) -> None:
        """Add a checkpoint and drop the oldest ones.

        Raises:
            GlimpseError: it could not be written; the others are kept.
        """
        final = self._path(state)
        beside = self.folder / f".writing-{final.name}"
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            self._checkpoint.write(str(beside / "variables"))
            (beside / STATE).write_text(_text(state), "utf-8")
            shutil.rmtree(final, ignore_errors=True)
            beside.rename(final)
        except (OSError, tf.errors.OpError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise GlimpseError(
                f"The checkpoint {final} could not be written ({error}); "
                "earlier ones are kept: free some space, then --resume"
            ) from error
        for old in _newest_first(self.folder)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def amend(self, state: TrainingState) -> None:
        """Replace what the checkpoint of this step says besides variables."""
        with replacing(self._path(state) / STATE) as beside:
            beside.write_text(_text(state), "utf-8")

    def restore(self) -> TrainingState | None:
        """Go back to the newest checkpoint that can be read, if there is any.

        Raises:
            GlimpseError: there are checkpoints, but none can be read.
        """
        found = _newest_first(self.folder)
        for path in found:
            try:
                return self._read(path)
            # TensorFlow reports damage as anything, down to an IndexError.
            except Exception as error:
                reason = " ".join(str(error).split())[:200]
                log.warning("Checkpoint %s is damaged: %s", path, reason)
        if found:
            raise GlimpseError(
                f"None of the {len(found)} checkpoints in {self.folder} can be "
                "read; delete that folder to train from the start"
            )
        return None

    def _read(self, path: Path) -> TrainingState:
        state = _read_state(path)
        # By a name without folders: TensorFlow takes what it reads for a
        # pattern, in which [ and \ stand for something else.
        with chdir(path):
            status = self._checkpoint.read("variables")
        status.assert_consumed()
        return state

    def _path(self, state: TrainingState) -> Path:
        return self.folder / f"step-{state.step:09d}"


def newest_state(folder: Path) -> TrainingState | None:
    """What the newest checkpoint in `folder` that can be read says."""
    for path in _newest_first(folder):
        with suppress(OSError, ValueError, TypeError):  # it is damaged
            return _read_state(path)
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True)


def _read_state(path: Path) -> TrainingState:
    return TrainingState(**json.loads((path / STATE).read_text("utf-8")))


def _text(state: TrainingState) -> str:
    return json.dumps(dataclasses.asdict(state), indent=1)
