"""Progress of a hyperparameter search, shown while the search runs."""

import sys
import time
from collections.abc import Mapping

from tqdm import tqdm

from app.runs import has_history, read_history
from app.tuning import results
from app.tuning.budget import Budget
from app.tuning.clock import Clock
from app.tuning.folder import Folder, Record

EVERY, EVERY_IN_A_LOG = 1.0, 30.0  # seconds between updates of the bar


class Progress:
    """Display of a search's progress: a bar, and a line for each ended trial.

    Whenever a trial has ended, the files of results are written again.

    Args:
        folder: folder of the search.
        budget: budget of the search; the bar shows how much of it is used up.
        clock: clock of the time spent on the search.
    """

    def __init__(self, folder: Folder, budget: Budget, clock: Clock) -> None:
        self.folder = folder
        self.budget = budget
        self.clock = clock
        self._ended = {r.trial for r in folder.records() if _has_ended(r)}
        self._looked = self._shown = 0.0
        self._bar = tqdm(
            desc="search",
            total=100,
            bar_format="{desc}: {percentage:.0f}% {bar} {elapsed}, "
            "{remaining} left{postfix}",
            dynamic_ncols=True,
            smoothing=0,
        )
        if not self._bar.disable:  # TQDM_DISABLE is not set
            self._bar.start_t -= clock.seconds()  # earlier sessions count
        self._every = EVERY if sys.stderr.isatty() else EVERY_IN_A_LOG
        results.write(folder)

    def look(self) -> None:
        """Update the display, but at most once in `EVERY` seconds.

        Each update prints a line for each trial that has ended since the
        previous update. If stderr is not a terminal, the bar is redrawn only
        every `EVERY_IN_A_LOG` seconds.
        """
        now = time.monotonic()
        if now - self._looked < EVERY:
            return
        self._looked = now
        records = self._note()
        if now - self._shown >= self._every:
            self._shown = now
            self._show(records)

    def _note(self) -> list[Record]:
        """Print a line for each trial that has ended since the previous call.

        If there is such a trial, write the files of results again.

        Returns:
            The records of all trials.
        """
        records = self.folder.records()
        new = [r for r in records if _has_ended(r)]
        new = [r for r in new if r.trial not in self._ended]
        for record in new:
            self._ended.add(record.trial)
            tqdm.write(self._sentence(record), file=sys.stderr)
        if new:
            results.write(self.folder)
        return records

    def _show(self, records: list[Record]) -> None:
        under_way = {
            record.trial: _epochs(self.folder, record)
            for record in records
            if not _has_ended(record)
        }
        share = self.budget.share(records, under_way, self.clock.seconds())
        self._bar.n = round(100 * share)
        self._bar.set_postfix_str(self._standing(records, under_way))

    def close(self) -> None:
        self._show(self._note())
        self._bar.close()

    def _sentence(self, record: Record) -> str:
        if record.score is None:
            return f"Trial {record.trial} {record.status}: {record.reason}"
        return (
            f"Trial {record.trial}: {self.folder.settings.objective} "
            f"{record.score:.4g} after {record.epochs} epochs, "
            f"{record.seconds:.0f} s"
        )

    def _standing(
        self, records: list[Record], under_way: Mapping[str, int]
    ) -> str:
        parts = []
        best = self.folder.settings.best(records)
        if best is not None:
            parts.append(f"best {best.score:.4g} (trial {best.trial})")
        parts += [
            f"trial {record.trial} has {under_way[record.trial]} of "
            f"{record.epochs} epochs"
            for record in records
            if record.trial in under_way
        ]
        if self.budget.trials:
            left = self.budget.trials_left(records)
            parts.append(f"{left} {'trial' if left == 1 else 'trials'} left")
        return "; ".join(parts)


def _has_ended(record: Record) -> bool:
    return record.status != "running"


def _epochs(folder: Folder, record: Record) -> int:
    """Return for how many epochs the run of a trial has been trained."""
    run = folder.run(record)
    return len(read_history(run)) if has_history(run) else 0
