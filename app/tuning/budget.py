"""Budget of a hyperparameter search: limits on its trials, epochs and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_tuner.engine.trial import Trial

from app.tuning.folder import Record

HOPELESS = 5  # failed trials in a row, after which a search is given up
MINUTES = 20.0  # length of a search for which no limit was given
REFUSALS = 100  # refused trials in a row, after which a search is given up


@dataclass(frozen=True)
class Budget:
    """Limits on the cost of a search, which ends when one of them is reached.

    If an attribute is None, there is no limit of that kind.

    Attributes:
        trials: limit on the number of trials. A trial that is refused, because
            its configuration is invalid or its model is too large, is never
            trained, and is not counted.
        epochs: limit on the total number of epochs of all trials.
        minutes: limit on the time of the search. If the search is stopped and
            continued, this is the total time of all its sessions.
    """

    trials: int | None = None
    epochs: int | None = None
    minutes: float | None = None

    @classmethod
    def of(
        cls, trials: int | None, epochs: int | None, minutes: float | None
    ) -> "Budget":
        """Make a budget; if all limits are None, set `minutes` to `MINUTES`."""
        if (trials, epochs, minutes) == (None, None, None):
            minutes = MINUTES
        return cls(trials, epochs, minutes)

    def is_late(self, seconds: float) -> bool:
        """Tell whether a search that has lasted `seconds` is out of time."""
        return self.minutes is not None and seconds >= 60 * self.minutes

    def is_spent(
        self,
        trials: Mapping[str, Trial],
        records: Sequence[Record],
        seconds: float,
        longest: int,
    ) -> bool:
        """Tell whether a limit is reached, so that no more trials may begin.

        Args:
            trials: all trials that have begun. The keys are their names.
            records: records of these trials; a new trial may lack a record.
            seconds: time spent on the search until now.
            longest: greatest number of epochs that a model is trained for.
                Only Hyperband sets fewer epochs for a trial; with other
                methods, each trial counts as `longest` epochs.
        """
        refused = {r.trial for r in records if r.status == "refused"}
        begun = [t for name, t in trials.items() if name not in refused]
        epochs = sum(_epochs(trial, longest) for trial in begun)
        return (
            self.is_late(seconds)
            or (self.trials is not None and len(begun) >= self.trials)
            or (self.epochs is not None and epochs >= self.epochs)
        )

    def trials_left(self, records: Sequence[Record]) -> int:
        """Return how many trials are left until the limit on trials is reached.

        A trial that is still being trained counts as left. Refused trials are
        not counted. Without a limit on trials, the result has no meaning: it is
        always 0.
        """
        return max(0, (self.trials or 0) - len(_ended(records)))

    def share(
        self,
        records: Sequence[Record],
        under_way: Mapping[str, int],
        seconds: float,
    ) -> float:
        """Return the fraction of the budget that is used up, from 0 to 1.

        If there are several limits, the fraction is that of the limit that is
        closest to being reached.

        Args:
            records: records of all trials.
            under_way: mapping from the name of each trial that has not ended
                to the number of epochs that its run has been trained for.
                Epochs of an earlier trial in the same run count too.
            seconds: time spent on the search until now.
        """
        lengths = {r.trial: r.epochs - r.first_epoch for r in records}
        done = {r.trial: lengths[r.trial] for r in _ended(records)}
        for record in records:
            if record.trial in under_way:
                trained = under_way[record.trial] - record.first_epoch
                done[record.trial] = max(0, trained)
        trials = sum(done[name] / lengths[name] for name in done)
        parts = [
            trials / self.trials if self.trials else 0,
            sum(done.values()) / self.epochs if self.epochs else 0,
            seconds / 60 / self.minutes if self.minutes else 0,
        ]
        return min(1.0, max(parts))


def _ended(records: Sequence[Record]) -> list[Record]:
    return [r for r in records if r.status in ("completed", "failed")]


def hopeless(records: Sequence[Record]) -> str | None:
    """Return the reason to give up the search; None if there is no reason.

    A trial is refused, and not trained, if its configuration is not valid or
    its model too large. A search is given up in two cases: the last `REFUSALS`
    trials were all refused; or, among the trials that were trained, the last
    `HOPELESS` all failed.
    """
    begun = [record for record in records if record.status != "running"]
    for some, status, said, number in (
        (_ended(records), "failed", "failed", HOPELESS),
        (begun, "refused", "were refused", REFUSALS),
    ):
        last = some[-number:]
        if [record.status for record in last] == [status] * number:
            return (
                f"The last {number} trials {said}, and the search was given "
                f"up; the last one ended because: {last[-1].reason}"
            )
    return None


def _epochs(trial: Trial, longest: int) -> int:
    values = trial.hyperparameters.values
    first = values.get("tuner/initial_epoch", 0)
    return values.get("tuner/epochs", longest) - first
