"""End of an epoch: validation, and the files and decisions that follow it."""

import time
from typing import Any

from app.inference import Translator
from app.machine.device import Device
from app.measuring.measure import Measured, measure
from app.measuring.sets import EvaluationSet
from app.metrics import WATCHED, metric
from app.runs import Run, versions, write_history
from app.runs.averaging import best_epochs
from app.training.checkpoints import TrainingState
from app.training.compiled import averaged
from app.training.schedule import judge
from app.training.watch import Watch


class Validator:
    """Validator of a run's model after each epoch.

    If the optimizer keeps moving averages of the weights, they are what is
    measured and saved as "best" and "last".

    Args:
        run: the run that is trained.
        translator: translator with the model that is trained.
        validation: the validation split.
        device: the device that the model is trained on.
    """

    def __init__(
        self,
        run: Run,
        translator: Translator,
        validation: EvaluationSet,
        device: Device,
    ) -> None:
        self.run = run
        self.options = run.config.training
        self.translator = translator
        self.validation = validation
        self.device = device
        self.watch = Watch(run, translator, validation.examples)

    def finish_epoch(self, state: TrainingState, row: dict[str, Any]) -> None:
        """Measure the model, judge it, and save its weights and its records.

        Args:
            state: the state of training; its history gets a new row, and its
                epoch is the next one afterwards.
            row: what training has measured in the epoch. The scores of the
                validation, tokens and seconds are added to it.
        """
        began = time.monotonic()
        with averaged(self.translator.model):
            measured = self._measure()
            scores = measured.scores.items()
            row |= {metric(name).column: each.score for name, each in scores}
            state.seconds += time.monotonic() - began
            row |= {"tokens": state.tokens, "seconds": round(state.seconds, 1)}
            state.history.append(row)
            state.epoch += 1
            state.batch = 0
            if self._is_best(state, row):
                self._save_weights("best")
            self._keep_best(state)
            self._save_weights("last")
            self.watch.snapshot(state.step)
        self.watch.record(state.step, row, measured.translations)
        self._write_records(state)

    def save_last(self) -> None:
        """Save the weights, or their moving averages, as "last"."""
        with averaged(self.translator.model):
            self._save_weights("last")

    def _write_records(self, state: TrainingState) -> None:
        """Write the history of training, and what it was trained with."""
        write_history(self.run.folder, state.history)
        self.run.write_json(
            "versions.json",
            {
                **versions(),
                "device": self.device.description,
                "seed": self.options.seed,
                "seconds": round(state.seconds, 1),
                "tokens": state.tokens,
            },
        )

    def _measure(self) -> Measured:
        names = (*WATCHED, metric(self.options.metric).name)
        return measure(
            self.translator,
            self.validation,
            tuple(dict.fromkeys(names)),
            beam=1,
            is_final=False,
        )

    def _is_best(self, state: TrainingState, row: dict[str, Any]) -> bool:
        score, perplexity = (
            row[each.column]
            for each in (metric(self.options.metric), metric("perplexity"))
        )
        return judge(state, self.options, score, perplexity)

    def _save_weights(self, name: str) -> None:
        self.run.save_weights(self.translator.model, name)

    def _keep_best(self, state: TrainingState) -> None:
        """Save the weights of this epoch if it is one of the best so far."""
        number = self.options.keep_best
        best = best_epochs(state.history, self.options, number)
        if state.epoch in best:
            self._save_weights(self.run.epoch_name(state.epoch))
        self.run.keep_epochs(best)
