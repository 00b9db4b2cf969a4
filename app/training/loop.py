"""Training loop, which can be interrupted and then resumed exactly.

A run that is killed and resumed ends with the same weights as a run that is not
killed. For this, checkpoints contain all variables that training changes, the
number of the epoch, and the number of batches done in it. The order of the data
depends only on the seed and the epoch, so these two numbers determine where in
the data training continues.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from app.config import EPOCHS
from app.inference import Translator
from app.machine.device import Device
from app.machine.shell import app_command
from app.measuring.measure import Measured, measure
from app.measuring.sets import from_corpus
from app.runs import Run
from app.training import resuming
from app.training.checkpoints import (
    Checkpoints,
    TrainingState,
    is_same_text,
)
from app.training.compiled import compile_model, graph, old_order, variables
from app.training.resuming import Changes
from app.training.schedule import extended, learning_rate
from app.training.stopping import stop_requests
from app.training.validating import Validator
from app.training.watch import is_early
from data import Corpus, GlimpseError
from data.cleaning import described
from data.guidance import Guide
from data.sides import Sides
from data.training_data import read_split

SHOWN_EVERY = 10  # steps; reading a loss to show it waits for the device
log = logging.getLogger(__name__)


class InterruptedRunError(GlimpseError):
    """Error raised after a signal stopped training and the state was saved."""


@dataclass(frozen=True)
class Summary:
    """Summary of a training, which `python -m app train` prints as JSON."""

    run: str
    epochs: int
    steps: int
    seconds: float
    best: dict[str, Any]


class Trainer:
    """Trainer of a run: its model, data, checkpoints, and the training loop.

    Args:
        run: the run to train.
        corpus: the corpus to train and validate on.
        sides: tokenizers of source and target, with their languages.
        device: the device to train on.
        guide: word alignments to train attention on; None for no alignments.
    """

    def __init__(
        self,
        run: Run,
        corpus: Corpus,
        sides: Sides,
        device: Device,
        guide: Guide | None = None,
    ) -> None:
        config = run.config
        self.run = run
        self.corpus = corpus
        self.fingerprint = corpus.fingerprint()
        if guide is not None:
            self.fingerprint += f" {guide.fingerprint()}"
        self.options = config.training
        self.device = device
        self.data = read_split(
            corpus, "train", sides, config.pipeline, config.cleaning, guide
        )
        self.validation = from_corpus(corpus, "validation", config.languages)
        self.model = run.build_model(sides)
        compile_model(self.model, self.options, device)
        batch = self.data.in_order().element_spec
        self.train_step = graph(self.model.train_step, batch, device)
        self.checkpoints = Checkpoints(
            run.checkpoints, variables(self.model), old_order(self.model)
        )
        self.translator = Translator(
            self.model, sides, config, run.load_inventory()
        )
        self.validator = Validator(
            run, self.translator, self.validation, device
        )
        self.total_steps = self.options.epochs * self.data.steps_per_epoch

    def measure_best(self) -> Measured:
        """Measure the model with its best weights on the validation split.

        It is measured in the same way as by the command `evaluate`. The best
        weights stay in the model afterwards.
        """
        self.run.load_weights(self.model)
        return measure(self.translator, self.validation)

    def train(self, until: int | None = None) -> Summary:
        """Train from the newest checkpoint on.

        Args:
            until: the last epoch to train, counted from 1; None to train all
                epochs of the configuration.

        Raises:
            InterruptedRunError: a signal has stopped training; the state is
                saved.
            GlimpseError: the training data have changed since the checkpoint,
                the loss is no longer finite, or a file cannot be written.
        """
        last = self.options.epochs if until is None else until
        state = self._pick_up()
        if said := resuming.foreseen(
            state, self.options, until, self._command()
        ):
            log.info("%s", said)
        if not state.finished and state.epoch < last:
            self._require_same_text(state)
            self._announce(state)
            with stop_requests() as requested:
                while not state.finished and state.epoch < last:
                    self._train_epoch(state, requested)
                    self._finish_epoch(state)
                    if requested() and not state.finished:
                        self._stop(state)
        return self._summary(state)

    def _pick_up(self) -> TrainingState:
        """Restore the newest checkpoint, and return its state.

        If the configuration has changed since the checkpoint was saved, the
        state is adapted to the present configuration, and saved. Without a
        checkpoint, the result is a new state.
        """
        state = self.checkpoints.restore()
        now = resuming.recorded(self.run.config)
        if state is None:
            self.run.save_config()
            return TrainingState(corpus=self.fingerprint, config=now)
        if state.config != now:
            changes = resuming.changes(
                resuming.config_of(state, self.run),
                self.run.config,
                self.run.folder,
            )
            if changes:
                self._require_same_text(state)
                self._adopt(changes, state)
            # The configuration is written first: if the run is killed after
            # that, the next start does all this again.
            self.run.save_config()
            state.config = now
            self.checkpoints.amend(state)
        return state

    def _adopt(self, changes: Changes, state: TrainingState) -> None:
        """Apply changes of the configuration to the state of training.

        If the number of epochs was raised, `stale_epochs` and `plateau_epochs`
        become 0.

        Args:
            changes: old and new value of each changed option.
            state: the state of training, which is changed.
        """
        others = {k: v for k, v in changes.items() if k != EPOCHS}
        if others:
            log.info(
                "The configuration has changed since the last checkpoint, and "
                "is used as it is now: %s",
                resuming.described(others),
            )
        if EPOCHS in changes:
            state.stale_epochs = state.plateau_epochs = 0
            steps = self.data.steps_per_epoch
            log.info("%s", extended(changes, self.options, state, steps))
        state.finished = resuming.has_ended(state, self.options)

    def _command(self) -> str:
        return app_command("train", "--run", self.run.folder, "--resume")

    def _require_same_text(self, state: TrainingState) -> None:
        if not is_same_text(state.corpus, self.fingerprint):
            raise GlimpseError(
                "The text or the alignments of the corpus "
                f"{self.corpus.name} have changed since {self.run.folder} was "
                "trained on them: restore the old ones to continue this run, "
                "or train a new run with another --run"
            )
        state.corpus = self.fingerprint

    def _announce(self, state: TrainingState) -> None:
        log.info("%s", self.data.report.described())
        log.info("Model: %s parameters", f"{self.model.count_params():,}")
        if parts := self.model.plain_parts():
            log.info(
                "The loops of its %s use automatic gradients, which are slower "
                "than hand-written ones: models/README.md says which loops "
                "have those",
                " and ".join(parts),
            )
        if self.model.parts > 1 and not self.model.is_divisible:
            log.info(
                "Its attention draws noise at each step, so that batches are "
                "not divided into parts, which is slower"
            )
        if state.step:
            log.info("Continuing after step %d", state.step)

    def _train_epoch(
        self, state: TrainingState, requested: Callable[[], bool]
    ) -> None:
        if not state.step:
            self.validator.watch.snapshot(0)
        if not state.batch:
            self.model.reset_metrics()
        batches = self.data.epoch(self.options.seed, state.epoch)
        last = time.monotonic()
        with self._bar(state) as bar:
            for batch in batches.skip(state.batch):
                self._set_rate(state)
                self.train_step(batch)
                state.step += 1
                state.batch += 1
                state.seconds += time.monotonic() - last
                last = time.monotonic()
                bar.update()
                if state.step % SHOWN_EVERY == 0:
                    self._show(bar)
                if is_early(state.step):
                    self.validator.watch.snapshot(state.step)
                if requested():
                    self._stop(state)
                if state.step % self.options.checkpoint_steps == 0:
                    self._save(state)

    def _bar(self, state: TrainingState) -> tqdm:
        return tqdm(
            desc=f"epoch {state.epoch + 1}/{self.options.epochs}",
            total=self.data.steps_per_epoch,
            initial=state.batch,
            unit="batch",
            dynamic_ncols=True,
            mininterval=0.5,
        )

    def _show(self, bar: tqdm) -> None:
        if bar.disable:
            return
        elapsed = bar.format_dict["elapsed"] or 1e-9
        share = (bar.n - bar.initial) / max(1, bar.n)
        speed = self._tokens() * share / elapsed
        bar.set_postfix_str(
            f"{_describe(self._results())}, {speed:,.0f} tokens/s",
            refresh=False,
        )

    def _tokens(self) -> int:
        """Return the number of target tokens since metrics were last reset."""
        return int(self.model.perplexity.count)

    def _results(self) -> dict[str, float]:
        metrics = self.model.token_metrics
        return {each.name: float(each.result()) for each in metrics}

    def _set_rate(self, state: TrainingState) -> None:
        rate = learning_rate(self.options, state.step, self.total_steps)
        self.model.optimizer.learning_rate.assign(rate * state.rate_factor)

    def _save(self, state: TrainingState) -> None:
        self._require_finite_loss(state)
        self.checkpoints.save(state)

    def _require_finite_loss(self, state: TrainingState) -> None:
        loss = self._results()["loss"]
        if not math.isfinite(loss):
            raise GlimpseError(
                f"The loss is {loss} at step {state.step}; earlier checkpoints "
                "are kept: lower training.learning_rate or training.clip_norm "
                "and train a new run"
            )

    def _stop(self, state: TrainingState) -> None:
        self._save(state)
        self.validator.save_last()
        raise InterruptedRunError(
            f"Interrupted: all is saved at step {state.step} of "
            f"{self.total_steps}; continue with: {self._command()}"
        )

    def _finish_epoch(self, state: TrainingState) -> None:
        self._require_finite_loss(state)
        row: dict[str, Any] = {"epoch": state.epoch + 1, "step": state.step}
        row |= {f"train_{k}": v for k, v in self._results().items()}
        row["train_gradient_norm"] = float(self.model.gradient_norm.result())
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.data.report.is_estimate:  # the true counts are known now
            for line in described(self.data.tally.drops):
                log.info("%s", line)
        state.tokens += self._tokens()
        self.validator.finish_epoch(state, row)
        # The checkpoint is saved last: if the run is killed before that, the
        # end of the epoch is done again; if the run is killed after that,
        # nothing is missing.
        self._save(state)
        validation = {
            name.removeprefix("validation_"): value
            for name, value in row.items()
            if name.startswith("validation_")
        }
        log.info("epoch %d: %s", state.epoch, _describe(validation))

    def _summary(self, state: TrainingState) -> Summary:
        return Summary(
            run=str(self.run.folder),
            epochs=state.epoch,
            steps=state.step,
            seconds=round(state.seconds, 1),
            best={
                "metric": self.options.metric,
                "value": state.best,
                "step": state.best_step,
            },
        )


def _describe(results: dict[str, float]) -> str:
    return ", ".join(f"{k} {v:.4g}" for k, v in results.items())
