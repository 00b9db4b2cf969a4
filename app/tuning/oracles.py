"""Oracles: Keras Tuner's classes that choose trials, made safe to interrupt.

Keras Tuner overwrites the saved files of an oracle in place. If the process is
killed after it has written some of the files, a trial is lost or repeated. The
oracles of this module replace each file atomically, and correct the saved state
when they load it. They also stop choosing trials when the budget of the search
is spent.
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

from app.tuning.folder import Folder
from data import GlimpseError
from data.writing import write_whole

NEVER = 10**9  # more trials or rounds than any search has
log = logging.getLogger(__name__)


class Lasting(keras_tuner.Oracle):
    """Mixin that makes an oracle of Keras Tuner safe to interrupt.

    It replaces saved files atomically, chooses no more trials when the budget
    is spent, and lets a worker (a process that trains trials) repeat a request
    to which the worker got no answer.

    Attributes:
        is_spent: function that returns whether the budget is spent; if it is,
            no more trials begin.
        keeps_workers: whether, after `reload`, an unfinished trial stays
            assigned to the worker that was training it. If not, the next worker
            that requests a trial gets the unfinished trial.
        is_over: whether the oracle has informed at least one worker that the
            search has ended.
        broken: error that prevented the oracle from being saved, or None. The
            process in which the oracle runs has to check this attribute,
            because Keras Tuner reports the error to only one worker, and then
            no longer answers any worker.
    """

    # Types of attributes that Keras Tuner's oracle has.
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
        # The search decides when to give up, not Keras Tuner.
        super().__init__(max_consecutive_failed_trials=NEVER, **kwargs)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Create a trial for a worker, or a placeholder if no trial is left.

        If other workers still train trials, the placeholder has the status
        IDLE. The worker then repeats its request later, because it may have to
        take over the trial of a worker that is lost in the meantime.
        If no worker trains a trial, the placeholder has the status STOPPED, and
        the worker ends.
        """
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
        """Compute the score of a trial.

        An infinite score is replaced by NaN, so that Keras Tuner regards the
        trial as failed.
        """
        super().score_trial(trial)
        if math.isinf(trial.score):
            trial.score = math.nan

    @keras_tuner.synchronized
    def end_trial(self, trial: Trial) -> None:
        """End a trial, unless it has ended already.

        If a slow worker is wrongly regarded as lost, another worker takes over
        its trial. Then both workers may try to end the trial.
        """
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
        self.save()  # again, now that the trial is no longer under way

    @keras_tuner.synchronized
    def release(self, worker: str) -> None:
        """Remove a worker.

        The next worker that requests a trial gets the removed worker's trial.
        """
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
            write_whole(path, json.dumps(state))
        except GlimpseError as error:
            self.broken = error
            raise

    def set_state(self, state: dict[str, Any]) -> None:
        # Only the trials named in the state are read. Keras Tuner reads all
        # files that match a glob pattern. So it would also find a trial whose
        # file was written before the process was killed, but which is not in
        # the state; and it would find none in a folder that has [ in its name.
        self.trials = {
            name: Trial.from_state(
                json.loads(self._trial_file(name).read_text("utf-8"))
            )
            for name in state["start_order"]
        }
        super().set_state(state)
        self._assigned = dict(self.ongoing_trials)

    def reload(self) -> None:
        """Restore the state that `save` wrote last, and correct it.

        Some trials wait in a queue to be trained again. From this queue, the
        trials that have ended or are still assigned to a worker are removed.

        Raises:
            GlimpseError: a saved file is missing or damaged.
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
        waiting = dict.fromkeys(self._retry_queue)  # without repeats
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
        """Return random values, or the default values for the first trial.

        The default value of a parameter is its value in the preset, if the
        space has that value. If the space has all values of the preset,
        the preset itself is the first trial, and so the best trial is at least
        as good as the preset.
        """
        if self.start_order:
            return super()._random_values()
        return {
            each.name: each.default
            for each in self.hyperparameters.space
            if self.hyperparameters.is_active(each)
        }


class Hyperband(Lasting, keras_tuner.oracles.HyperbandOracle):
    """Oracle of Hyperband, which trains the best trials for more epochs.

    Hyperband groups trials into brackets. A bracket has one or more rounds;
    each round after the first trains the best models of the previous round for
    more epochs. The first trial of the search, which has the values of the
    preset, belongs to no bracket. It is trained for the greatest number of
    epochs, as in the last round of a bracket, so that it can be compared with
    the best trial of each bracket.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        for bracket in self._brackets:  # give places of failed trials to others
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
        """Check that there are enough combinations of values for Hyperband.

        Raises:
            GlimpseError: there are too few combinations for the first trial and
                the first round of the largest bracket together.
        """
        size = self._get_size(self._get_num_brackets() - 1, round_num=0)
        if combinations <= size:
            raise GlimpseError(
                f"The search space has {combinations:.0f} combinations, and "
                f"Hyperband begins with {size} trials besides the preset: "
                "choose --tuner grid, in another --run"
            )

    def _is_of_use(self, name: str) -> bool:
        return self.trials[name].status != TrialStatus.FAILED


class RandomSearch(Lasting, keras_tuner.oracles.RandomSearchOracle):
    """Oracle of random search: each trial gets values drawn at random."""


class GridSearch(Lasting, keras_tuner.oracles.GridSearchOracle):
    """Oracle of grid search: it tries every combination of values in order.

    Keras Tuner's oracle does not save which combination comes next, and lets a
    trial begin only after an earlier trial has ended. This oracle does not
    wait: it gives each new trial the next combination, in order, after the one
    that the previous trial got. Since all trials that have begun are saved, the
    oracle can determine the next combination after an interruption.
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
    """Oracle of Bayesian optimization, which never repeats a combination.

    A Gaussian process, fitted to the scores so far, predicts which combination
    of values is promising. If that combination has been tried already, random
    values are used instead.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            # scikit-learn warns about bounds that users cannot set.
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
    """Make the oracle of a search, without the trials of earlier sessions.

    The method of the search decides the class of the oracle.

    Raises:
        GlimpseError: the search space is damaged, or too small for Hyperband.
    """
    settings = folder.settings
    arguments: dict[str, Any] = {
        "objective": keras_tuner.Objective(
            settings.objective, settings.direction
        ),
        "hyperparameters": folder.space.hyperparameters(folder.base),
        "seed": settings.seed,
    }
    # The budget ends a search, not a number of trials or of rounds.
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
