"""Checkpoints: states of training on disk, from which training can resume."""

import dataclasses
import json
import logging
import re
import shutil
from collections.abc import Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from data import GlimpseError
from data.writing import write_whole

STATE = "state.json"
ORDER = "encoder, decoder, target, source"  # of variables, by part of the model
KEPT = 2  # number of checkpoints; one is left if the newest is damaged
log = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """State of training: what a checkpoint contains besides the variables.

    Attributes:
        epoch: number of the current epoch, from 0.
        batch: number of batches of this epoch that are already done.
        step: number of updates of the weights that are already done.
        tokens: number of target tokens in all batches of earlier epochs.
        seconds: time spent in training and validation.
        best: best validation score so far; None before the first validation.
        best_step: value of `step` at the validation with the best score.
        best_perplexity: perplexity at the validation with the best score.
        stale_epochs: number of epochs, each with one validation, since the
            validation with the best score, or since the run was extended by
            more epochs, whichever was later.
        plateau_epochs: like `stale_epochs`, but also reset to 0 each time the
            learning rate is lowered because the score no longer improves.
        rate_factor: product of all factors by which the learning rate was
            multiplied because the score no longer improved.
        finished: whether training has ended.
        corpus: fingerprint of the training text and, in guided alignment, of
            the word alignments that attention is trained on.
        history: a row of numbers for each validation.
        config: the configuration, as a dictionary whose keys are SECTION.KEY;
            empty in a checkpoint of a version that did not record it.
        order: name of the order in which the checkpoint stores the variables;
            empty for the order that older versions used.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    best_perplexity: float = 0.0  # 0 in older runs: equal scores are no better
    stale_epochs: int = 0
    plateau_epochs: int = 0
    rate_factor: float = 1.0
    finished: bool = False
    corpus: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    order: str = ""


class Checkpoints:
    """Checkpoints of a run, which can be saved and restored.

    A checkpoint is written completely or not at all.

    Args:
        folder: folder of the checkpoints; it is made when the first one is
            saved.
        variables: all variables that training changes, in the order in which
            a checkpoint stores them.
        old: the same variables, in the order in which older versions stored
            them. Checkpoints of older versions can still be restored.
    """

    def __init__(
        self,
        folder: Path,
        variables: Sequence[tf.Variable],
        old: Sequence[tf.Variable],
    ) -> None:
        self.folder = folder
        self._orders = {
            ORDER: tf.train.Checkpoint(variables=list(variables)),
            "": tf.train.Checkpoint(variables=list(old)),
        }

    def save(self, state: TrainingState) -> None:
        """Save a checkpoint; delete all but the newest `KEPT` checkpoints.

        Raises:
            GlimpseError: the checkpoint could not be written; earlier
                checkpoints are kept.
        """
        state.order = ORDER
        final = self._path(state)
        beside = self.folder / f".writing-{final.name}"
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            self._orders[ORDER].write(str(beside / "variables"))
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
        """Rewrite the state in the saved checkpoint that has the same `step`.

        The variables in that checkpoint are not changed.
        """
        write_whole(self._path(state) / STATE, _text(state))

    def restore(self) -> TrainingState | None:
        """Restore the variables from the newest readable checkpoint.

        Returns:
            The state in that checkpoint; None if there is no checkpoint.

        Raises:
            GlimpseError: there are checkpoints, but none can be read.
        """
        found = _newest_first(self.folder)
        for path in found:
            try:
                return self._read(path)
            # TensorFlow reports damage by various exceptions, such as
            # IndexError.
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
        # The name has no folders, since TensorFlow reads it as a pattern, in
        # which [ and \ have a special meaning.
        with chdir(path):
            status = self._orders[state.order].read("variables")
        status.assert_consumed()
        return state

    def _path(self, state: TrainingState) -> Path:
        return self.folder / f"step-{state.step:09d}"


def newest_state(folder: Path) -> TrainingState | None:
    """Return the state in the newest readable checkpoint of a folder.

    If the folder has no readable checkpoint, the result is None.
    """
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


def is_same_text(old: str, new: str) -> bool:
    """Tell whether two fingerprints belong to the same training data.

    The training data are the text and, in guided alignment, the word alignments
    that attention is trained on.

    Args:
        old: the fingerprint in a checkpoint. Before version 0.2, if a corpus
            came with the package or was downloaded, its fingerprint was
            computed from code and files instead of the text. For such a
            fingerprint, the text is assumed to be the same.
        new: the fingerprint of the present data.
    """
    text, _, guide = old.partition(" ")
    if re.fullmatch("[0-9a-f]{64}", text):
        return guide == new.partition(" ")[2]
    return old == new
