"""Tuner that trains the trials of a search in child processes.

The tuners that Keras Tuner itself provides train models in their own process.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import grpc
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FatalError

from app.tuning.folder import Folder, Record
from app.tuning.oracles import Lasting
from app.tuning.trials import Post, TrialStoppedError, run_trial
from data.writing import write_whole

WAIT = 1.0  # seconds before an idle worker asks for a trial again
log = logging.getLogger(__name__)


class Tuner(BaseTuner):
    """Subclass of Keras Tuner's tuner that trains trials in child processes.

    Args:
        folder: folder of the search.
        oracle: oracle of Keras Tuner, which chooses the trials. In a worker
            process, the oracle of the chief chooses the trials instead.
        post: description of this process: its name, and the folders of the
            corpora.
        is_late: function that returns whether the time of the search is up;
            if it is, the current trial is stopped.
        look: function that is called once or twice a second while the tuner
            trains or waits.
    """

    oracle: Any  # an oracle, or Keras Tuner's client of the chief's oracle

    def __init__(
        self,
        folder: Folder,
        oracle: Lasting,
        post: Post,
        is_late: Callable[[], bool] = lambda: False,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.post = post
        self.is_late = is_late
        self.look = look
        self._is_waiting = False
        with silent():
            super().__init__(
                oracle, directory=str(folder.path), project_name="oracle"
            )
        if self._is_worker():
            self.oracle = Patient(self.oracle)

    def go(self) -> None:
        """Train trials until none is left, or until the time is up.

        Raises:
            Exception: any error that ended the search.
        """
        try:
            self.search()
        except FatalError as error:
            if isinstance(error.__cause__, TrialStoppedError):
                return
            raise error.__cause__ or error from None

    def pre_create_trial(self) -> None:
        """Wait `WAIT` seconds if the previous request got no trial.

        Keras Tuner calls this method before it requests a trial from the
        oracle. By default, Keras Tuner repeats a request without waiting.

        Raises:
            FatalError: the previous request got no trial, and the time of the
                search is up.
        """
        if self._is_waiting:
            if self.is_late():
                raise FatalError from TrialStoppedError()
            self.look()
            time.sleep(WAIT)
        self._is_waiting = True

    def run_trial(self, trial: Trial) -> dict[str, float]:
        self._is_waiting = False
        try:
            record = run_trial(
                self.folder,
                self._record(trial),
                self.post,
                self.is_late,
                self.look,
            )
        except Exception as error:  # else Keras Tuner would continue
            raise FatalError from error
        # For the oracle, infinity means that there is no score. An exception
        # would fail the trial too, but with a traceback on the terminal.
        score = math.inf if record.score is None else record.score
        return {self.folder.settings.objective: score}

    def _record(self, trial: Trial) -> Record:
        """Make the record of a trial that the oracle has chosen.

        If an earlier session began the trial, the record has the seconds
        already spent on the trial. If the trial continues an earlier
        trial, as with Hyperband, the record has the run folder of the earlier
        trial.
        """
        name, values = trial.trial_id, trial.hyperparameters.values
        earlier = self.folder.read(name)
        promoted = self.folder.read(values.get("tuner/trial_id", ""))
        return Record(
            trial=name,
            values=self.folder.space.chosen(values),
            run=promoted.run if promoted else name,
            first_epoch=values.get("tuner/initial_epoch", 0),
            epochs=values.get("tuner/epochs", self.folder.settings.epochs),
            seconds=earlier.seconds if earlier else 0.0,
        )

    def on_trial_end(self, trial: Trial) -> None:
        super().on_trial_end(trial)
        self.look()

    def save(self) -> None:
        """Save the oracle, then a file that makes Keras Tuner reload it.

        Keras Tuner reloads the oracle when the search is continued.

        In a worker, save nothing, because the chief saves the oracle.
        """
        if self._is_worker():
            return
        self.oracle.save()
        write_whole(Path(self._get_tuner_fname()), "{}")

    def _get_tuner_fname(self) -> str:
        # The name is the same for a chief and for a search without workers, so
        # that each can continue the search of the other.
        return str(Path(self.project_dir) / "tuner.json")


class Patient:
    """Client that calls the chief's oracle again if a call gets no answer.

    It wraps Keras Tuner's client, through which a worker calls the methods of
    the chief's oracle over the network. By itself, Keras Tuner waits only for a
    chief that has not started yet. If the chief ends or cannot answer during a
    call, Keras Tuner marks the trial as failed; this wrapper instead makes the
    same call again until the chief answers. Repeated calls are safe if the
    oracle of the chief is a `Lasting`.

    Args:
        oracle: Keras Tuner's client of the chief's oracle.
    """

    def __init__(self, oracle: Any) -> None:
        self._oracle = oracle

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._oracle, name)
        if not callable(found):
            return found

        def ask(*args: Any, **kwargs: Any) -> Any:
            while True:
                try:
                    return found(*args, **kwargs)
                except grpc.RpcError as error:
                    if error.code() != grpc.StatusCode.UNAVAILABLE:
                        raise FatalError from error
                    log.warning("The chief was lost; waiting until it is back")
                    time.sleep(WAIT)

        return ask


@contextmanager
def silent() -> Iterator[None]:
    """Discard what is printed on stdout in the `with` block.

    Keras Tuner prints messages on stdout, which is reserved for the results.
    """
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield
