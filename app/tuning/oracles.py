"""Keras Tuner's oracles, which choose the trials, made to last.

An oracle of Keras Tuner writes its state in place, and in an order that loses
or repeats a trial if it is killed in between. Here a file is replaced or left
alone, and what is read again is put right; besides, the budget can end.
"""

import json
import logging
import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from sklearn.exceptions import ConvergenceWarning

from app.run import replacing
from app.tuning.folder import Folder
from data import GlimpseError

NEVER = 10**9
log = logging.getLogger(__name__)


class Lasting(keras_tuner.Oracle):
    """What all our oracles have besides Keras Tuner's own.

    Attributes:
        is_spent: whether to begin no more trials.
        keeps_workers: whether a trial stays with the worker that has it when
            the oracle is read again; else the next worker to ask has it.
        is_over: whether a worker was told that there is no more to do.
        broken: why it could not be saved; for a chief to look at, since Keras
            Tuner tells that to the worker, and answers no other from then on.
    """

    # Keras Tuner's own.
    trials: dict[str, Trial]
    ongoing_trials: dict[str, Trial]
    tuner_ids: set[str]
    start_order: list[str]
    end_order: list[str]
    _retry_queue: list[str]

    is_spent: Callable[[], bool] = staticmethod(lambda: False)
    keeps_workers = False
    is_over = False
    broken: GlimpseError | None = None

    def __init__(self, **kwargs: Any) -> None:
        # Whether to give up is for the search to say.
        super().__init__(max_consecutive_failed_trials=NEVER, **kwargs)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """A trial to run; idle while one may have to be taken over."""
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED:
            if self.ongoing_trials:
                self.tuner_ids.add(tuner_id)
                trial.status = TrialStatus.IDLE
            else:
                if not (self.is_over or self.is_spent()):
                    log.warning("The search space has nothing more to try")
                self.is_over = True
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.is_spent():
            return {"status": TrialStatus.STOPPED}
        return super().populate_space(trial_id)

    def score_trial(self, trial: Trial) -> None:
        """Infinite is no score: not a number makes Keras Tuner fail it."""
        super().score_trial(trial)
        if math.isinf(trial.score):
            trial.score = math.nan

    @keras_tuner.synchronized
    def end_trial(self, trial: Trial) -> None:
        """Once, even if a worker that was lost comes back with it."""
        if trial.trial_id in self.end_order:
            self.ongoing_trials = {
                worker: other
                for worker, other in self.ongoing_trials.items()
                if other.trial_id != trial.trial_id
            }
            return
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        super().end_trial(trial)
        self.save()  # once more, now that it is no longer under way

    @keras_tuner.synchronized
    def release(self, worker: str) -> None:
        """Give up a worker; its trial goes to the next that asks."""
        trial = self.ongoing_trials.pop(worker, None)
        if trial is not None:
            self._retry_queue.append(trial.trial_id)
        self.tuner_ids.discard(worker)
        self.save()

    def save(self) -> None:
        self._write(Path(self._get_oracle_fname()), self.get_state())

    def _save_trial(self, trial: Trial) -> None:
        self._write(self._trial_file(trial.trial_id), trial.get_state())

    def _trial_file(self, name: str) -> Path:
        return Path(self._get_trial_dir(name)) / "trial.json"

    def _write(self, path: Path, state: dict[str, Any]) -> None:
        try:
            with replacing(path) as beside:
                beside.write_text(json.dumps(state), "utf-8")
        except GlimpseError as error:
            self.broken = error
            raise

    def set_state(self, state: dict[str, Any]) -> None:
        # By name: Keras Tuner looks for a pattern, and so finds one written for
        # a trial that was killed before it counted, and none below a folder
        # that has [ in its name.
        self.trials = {
            name: Trial.from_state(
                json.loads(self._trial_file(name).read_text("utf-8"))
            )
            for name in state["start_order"]
        }
        super().set_state(state)
        self._assigned = dict(self.ongoing_trials)

    def reload(self) -> None:
        """Go on where `save` was last called.

        Raises:
            GlimpseError: what it wrote was damaged.
        """
        try:
            super().reload()
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise GlimpseError(
                f"{self._get_oracle_fname()} and the trials beside it cannot "
                f"be read ({type(error).__name__}: {error}), so the search "
                "cannot go on: begin another with another --run; the runs and "
                "records of this one are kept"
            ) from error
        ended = set(self.end_order)
        waiting = dict.fromkeys(self._retry_queue)  # each once
        waiting = {name: None for name in waiting if name not in ended}
        if self.keeps_workers:
            self.ongoing_trials = {
                worker: trial
                for worker, trial in self._assigned.items()
                if trial.trial_id not in ended
            }
            self.tuner_ids = set(self.ongoing_trials)
            for trial in self.ongoing_trials.values():
                waiting.pop(trial.trial_id, None)
        self._retry_queue = list(waiting)

    def _random_values(self) -> dict[str, Any] | None:
        """The preset's own at first, so that nothing worse is the best."""
        if self.start_order:
            return super()._random_values()
        return {
            each.name: each.default
            for each in self.hyperparameters.space
            if self.hyperparameters.is_active(each)
        }


class Hyperband(Lasting, keras_tuner.oracles.HyperbandOracle):
    """Many trials for few epochs, the best of them for more.

    The preset is in no bracket, but trained to the end: what a bracket leaves
    is measured against it.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        for bracket in self._brackets:  # one without a score leaves its place
            bracket["rounds"][0] = [
                each
                for each in bracket["rounds"][0]
                if self._is_of_use(each["id"])
            ]
        if self.start_order or self.is_spent():
            return super().populate_space(trial_id)
        epochs = {"tuner/epochs": self.max_epochs, "tuner/initial_epoch": 0}
        values = (self._random_values() or {}) | epochs
        return {"status": TrialStatus.RUNNING, "values": values}

    def require_room(self, combinations: float) -> None:
        """Refuse a space too small to choose from.

        Raises:
            GlimpseError: a bracket would never be full.
        """
        size = self._get_size(self._get_num_brackets() - 1, round_num=0)
        if combinations <= size:
            raise GlimpseError(
                f"The search space has {combinations:.0f} combinations, and "
                f"Hyperband begins with {size} besides the preset: choose "
                "--tuner grid, in another --run"
            )

    def _is_of_use(self, name: str) -> bool:
        return self.trials[name].status != TrialStatus.FAILED


class RandomSearch(Lasting, keras_tuner.oracles.RandomSearchOracle):
    """Trials drawn evenly."""


class GridSearch(Lasting, keras_tuner.oracles.GridSearchOracle):
    """Every combination.

    Keras Tuner's does not save how far it is, and lets one trial wait for the
    other. Combinations follow each other as trials do, so it can be told from
    these, as soon as they are begun.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        chosen = super().populate_space(trial_id)
        if chosen["status"] == TrialStatus.RUNNING:
            self._populate_next.append(trial_id)
        return chosen

    def reload(self) -> None:
        super().reload()
        for before, name in pairwise([None, *self.start_order]):
            self._ordered_ids.insert(name, before)
        self._populate_next = list(self.start_order)


class BayesianOptimization(
    Lasting, keras_tuner.oracles.BayesianOptimizationOracle
):
    """Trials where a Gaussian process expects most, none of them twice."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            # Of the kernel's bounds, which are not for a user to set.
            warnings.simplefilter("ignore", ConvergenceWarning)
            chosen = super().populate_space(trial_id)
        if chosen["status"] == TrialStatus.RUNNING and self._duplicate(
            chosen["values"]
        ):
            return self._random_populate_space()
        return chosen


ORACLES: dict[str, type[Lasting]] = {
    "hyperband": Hyperband,
    "random": RandomSearch,
    "grid": GridSearch,
    "bayesian": BayesianOptimization,
}


def make_oracle(folder: Folder) -> Lasting:
    """The oracle of a search, with nothing chosen yet."""
    settings = folder.settings
    arguments: dict[str, Any] = {
        "objective": keras_tuner.Objective(
            settings.objective, settings.direction
        ),
        "hyperparameters": folder.space.hyperparameters(folder.base),
        "seed": settings.seed,
    }
    # The budget ends them, not a number of trials or of rounds.
    if settings.method == "hyperband":
        arguments["max_epochs"] = settings.epochs
        arguments["hyperband_iterations"] = NEVER
    else:
        arguments["max_trials"] = None
    oracle = ORACLES[settings.method](**arguments)
    if isinstance(oracle, Hyperband):
        oracle.require_room(folder.space.size())
    oracle.verbose = 0  # it would print on stdout, which is for results
    return oracle
