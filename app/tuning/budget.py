"""How long a search goes on, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_tuner.engine.trial import Trial

from app.tuning.folder import Record

HOPELESS = 5  # trials that fail in a row, and the search is given up
REFUSALS = 100  # and so it is after as many that are refused


@dataclass(frozen=True)
class Budget:
    """What a search may cost in all; whichever is reached first ends it.

    Attributes:
        trials: models that were refused do not count.
        epochs: of all trials together.
        minutes: of searching, earlier sessions included.
    """

    trials: int | None = None
    epochs: int | None = None
    minutes: float | None = None

    def is_late(self, seconds: float) -> bool:
        return self.minutes is not None and seconds >= 60 * self.minutes

    def is_spent(
        self,
        trials: Mapping[str, Trial],
        records: Sequence[Record],
        seconds: float,
        longest: int,
    ) -> bool:
        """Whether no more trials are to begin.

        Args:
            trials: all that were begun.
            records: of them, as far as they have one.
            seconds: spent.
            longest: epochs of a trial that nothing says otherwise of.
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
        """How many are to end yet, of a number of trials."""
        return max(0, (self.trials or 0) - len(_ended(records)))

    def share(
        self,
        records: Sequence[Record],
        under_way: Mapping[str, int],
        seconds: float,
    ) -> float:
        """How much of it is used up, from 0 to 1.

        Args:
            records: of all trials.
            under_way: epochs that the runs of those that have not ended have
                behind them, by the name of the trial.
            seconds: spent.
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
    """Why to give the search up, if there is a reason."""
    begun = [record for record in records if record.status != "running"]
    for some, status, said, number in (
        (_ended(records), "failed", "failed", HOPELESS),
        (begun, "refused", "were refused", REFUSALS),
    ):
        last = some[-number:]
        if [record.status for record in last] == [status] * number:
            return (
                f"The last {number} trials {said}, and the search was given "
                f"up; the last of them because: {last[-1].reason}"
            )
    return None


def _epochs(trial: Trial, longest: int) -> int:
    values = trial.hyperparameters.values
    first = values.get("tuner/initial_epoch", 0)
    return values.get("tuner/epochs", longest) - first
