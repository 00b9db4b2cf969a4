"""Keras Tuner's loop over trials, with ours in the place of its own."""

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

from app.run import replacing
from app.tuning.folder import Folder, Record
from app.tuning.oracles import Lasting
from app.tuning.trials import Place, TrialStoppedError, run_trial

WAIT = 1.0  # seconds before an idle worker asks again
log = logging.getLogger(__name__)


class Tuner(BaseTuner):
    """Gets trials from an oracle, here or at the chief, and trains them.

    Args:
        folder: of the search.
        oracle: that chooses.
        place: where trials are trained.
        is_late: whether to stop a trial that is under way.
        look: is called again and again meanwhile.
    """

    oracle: Any  # here; or Keras Tuner's client of one elsewhere

    def __init__(
        self,
        folder: Folder,
        oracle: Lasting,
        place: Place,
        is_late: Callable[[], bool] = lambda: False,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.place = place
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
        """Search until there is no more to do, or it is late."""
        try:
            self.search()
        except FatalError as error:
            if isinstance(error.__cause__, TrialStoppedError):
                return
            raise error.__cause__ or error from None

    def pre_create_trial(self) -> None:
        """Keras Tuner asks at once again where there is nothing to do yet."""
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
                self.place,
                self.is_late,
                self.look,
            )
        except Exception as error:  # Keras Tuner would take it for a score
            raise FatalError from error
        # The oracle knows that infinite is none: an exception would fail the
        # trial too, with a traceback on the terminal.
        score = math.inf if record.score is None else record.score
        return {self.folder.settings.objective: score}

    def _record(self, trial: Trial) -> Record:
        """The trial as chosen, and what earlier attempts at it took."""
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
        """Mark that there is something to go on with; whole or not at all."""
        if self._is_worker():
            return  # the chief does
        self.oracle.save()
        with replacing(Path(self._get_tuner_fname())) as beside:
            beside.write_text("{}")

    def _get_tuner_fname(self) -> str:
        # One for whoever chooses: a chief goes on where one process was.
        return str(Path(self.project_dir) / "tuner.json")


class Patient:
    """An oracle elsewhere, which is asked again if it was lost meanwhile.

    Keras Tuner waits for one that is not there yet, but takes one that goes
    away while it is asked, or cannot answer, for a trial that failed. Nothing
    is counted twice: see `Lasting`.

    Args:
        oracle: Keras Tuner's client.
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
                    log.warning("The chief was lost; waiting for another")
                    time.sleep(WAIT)

        return ask


@contextmanager
def silent() -> Iterator[None]:
    """Keras Tuner prints on stdout, which is for results."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield
