"""Training: one small loop around the model's own step, exactly resumable.

Data order is a pure function of (seed, epoch), so a position is (epoch,
batch); everything else that training changes is in the checkpoint. A run that
is killed and resumed ends with the same weights as one that is not.
"""

import csv
import logging
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

from app import resuming
from app.checkpoints import Checkpoints, TrainingState, newest_state
from app.config import EPOCHS, Config, TrainingOptions
from app.device import Device
from app.resuming import Changes
from app.run import (
    Run,
    Tokenizers,
    alone,
    replacing,
    sample_pairs,
    train_tokenizers,
    versions,
)
from app.scores import corpus_bleu
from app.shell import app_command
from app.translator import Translation, Translator
from app.watch import Watch, is_early
from data import Corpus, GlimpseError, PipelineOptions
from data.cleaning import described
from data.corpora import Pair
from data.guidance import Guide, gold_guide, read_guide
from data.inventory import Inventory
from data.pipeline import Report, read_split
from models import Adam, TranslationModel

SHOWN_EVERY = 10  # steps between looks at the loss: a look waits for the device
log = logging.getLogger(__name__)


class InterruptedRunError(GlimpseError):
    """Training was asked to stop, and has saved where it stands."""


@dataclass(frozen=True)
class Summary:
    """How a run ended; `python -m app train` prints it as JSON."""

    run: str
    epochs: int
    steps: int
    seconds: float
    best: dict[str, Any]


def train(
    run: Run,
    device: Device,
    *,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    until: int | None = None,
) -> Summary:
    """Train a run to its end, from where its checkpoints say it stands.

    Args:
        run: the run.
        device: to train on.
        data_dir: see `data.load_corpus`.
        cache_dir: see `data.load_corpus`.
        until: an epoch to stop after, if that is before the end; the run can
            go on as if it had not stopped.

    Raises:
        InterruptedRunError: SIGINT or SIGTERM came; all is saved.
        GlimpseError: the corpus cannot be had, the disk is full, the loss is
            no longer finite, another process trains this run, or its
            configuration has changed in what `resuming` does not allow.
    """
    keras.utils.set_random_seed(run.config.training.seed)
    with alone(run.folder):
        if state := newest_state(run.checkpoints):
            # Before a model is built into which no checkpoint would fit.
            resuming.changes(state.config, run.config, run.folder)
        try:
            corpus = run.load_corpus(data_dir, cache_dir)
            guide = load_guide(run.config, corpus, data_dir)
            tokenizers = prepare_tokenizers(run, corpus)
        except GlimpseError:
            run.discard_if_new()  # or it would be in the way once it is mended
            raise
        return Trainer(run, corpus, tokenizers, device, guide).train(until)


def prepare_tokenizers(run: Run, corpus: Corpus) -> Tokenizers:
    """The run's tokenizers; trained on its training split if it has none.

    The inventory of the source is kept with them, so that `translate` can tell
    what it has never seen. Of a large corpus both are those of a sample.
    """
    if run.has_tokenizers():
        return run.load_tokenizers()
    sample = sample_pairs(corpus, run.config.cleaning)
    trained = train_tokenizers(sample, run.config.tokenizer)
    run.save_inventory(inventory(sample, trained, run.config.pipeline))
    run.save_tokenizers(trained)
    return run.load_tokenizers()


def inventory(
    pairs: Sequence[Pair], tokenizers: Tokenizers, options: PipelineOptions
) -> Inventory:
    """The inventory of the sources, and the longest of those that are kept."""
    sources, targets = (
        [len(ids) + 1 for ids in tokenizer.encode_batch(side)]
        for tokenizer, side in zip(
            tokenizers, zip(*pairs, strict=True), strict=True
        )
    )
    kept = (
        source
        for source, target in zip(sources, targets, strict=True)
        if source <= options.max_source_length
        and target <= options.max_target_length
    )
    return Inventory.of((pair[0] for pair in pairs), max(kept, default=None))


def load_guide(
    config: Config, corpus: Corpus, data_dir: Path | None = None
) -> Guide | None:
    """What attention is to learn, if it is: of the corpus, or of a file.

    Raises:
        GlimpseError: there is none, or the file does not fit the corpus.
    """
    if not config.training.guided_alignment:
        return None
    file = config.training.alignments
    if file is None:
        return gold_guide(corpus, config.languages)
    return read_guide(file, corpus, config.languages, data_dir)


def learning_rate(
    options: TrainingOptions, step: int, total_steps: int
) -> float:
    """The scheduled rate of update `step`, counted from 0.

    A linear warm-up over `warmup_steps`, then the schedule: constant; cosine,
    to 0 at `total_steps`; inverse-sqrt, `sqrt(warmup / step)`.
    """
    warmup = options.warmup_steps
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    if options.schedule == "cosine":
        progress = (step - warmup) / max(1, total_steps - warmup)
        progress = min(1, progress)  # of a stream, the total is an estimate
        return options.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    if options.schedule == "inverse-sqrt":
        peak = max(1, warmup)
        return options.learning_rate * math.sqrt(peak / max(peak, step))
    return options.learning_rate


class Trainer:
    """A model, its data and its checkpoints, and the loop over them."""

    def __init__(
        self,
        run: Run,
        corpus: Corpus,
        tokenizers: Tokenizers,
        device: Device,
        guide: Guide | None = None,
    ) -> None:
        self.run = run
        self.corpus = corpus
        self.fingerprint = corpus.fingerprint()
        if guide is not None:
            self.fingerprint += f" {guide.fingerprint()}"
        self.options = run.config.training
        self.device = device
        pipeline = run.config.pipeline
        self.data = read_split(
            corpus, "train", tokenizers, pipeline, run.config.cleaning, guide
        )
        self.validation = read_split(corpus, "validation", tokenizers, pipeline)
        self.examples = corpus.examples("validation")
        self.model = run.build_model(tokenizers)
        compile_model(self.model, self.options, device)
        self.train_step, self.test_step = (
            graph(step, data.in_order().element_spec, device)
            for step, data in (
                (self.model.train_step, self.data),
                (self.model.test_step, self.validation),
            )
        )
        self.checkpoints = Checkpoints(run.checkpoints, _variables(self.model))
        self.translator = Translator(
            self.model, tokenizers, run.config, run.load_inventory()
        )
        self.watch = Watch(run, self.translator, self.examples)
        self.total_steps = self.options.epochs * self.data.steps_per_epoch

    def train(self, until: int | None = None) -> Summary:
        """Go on from the newest checkpoint to the end, or epoch `until`."""
        last = self.options.epochs if until is None else until
        state = self._pick_up()
        if said := resuming.foreseen(
            state, self.options, until, self._command()
        ):
            log.info("%s", said)
        if not state.finished and state.epoch < last:
            self._require_same_text(state)
            self._announce(state)
            with _stop_requests() as requested:
                while not state.finished and state.epoch < last:
                    self._train_epoch(state, requested)
                    self._finish_epoch(state)
                    if requested() and not state.finished:
                        self._stop(state)
        return self._summary(state)

    def _pick_up(self) -> TrainingState:
        """Where the run stands, with the configuration it has now."""
        state = self.checkpoints.restore()
        now = resuming.recorded(self.run.config)
        if state is None:
            self.run.save_config()
            return TrainingState(corpus=self.fingerprint, config=now)
        if state.config != now:
            changes = resuming.changes(
                self._config_of(state), self.run.config, self.run.folder
            )
            if changes:
                self._require_same_text(state)
                self._adopt(changes, state)
            # First the configuration: killed after it, all this is done again.
            self.run.save_config()
            state.config = now
            self.checkpoints.amend(state)
        return state

    def _config_of(self, state: TrainingState) -> dict[str, Any]:
        """What a checkpoint was made with, as far as that can be said."""
        if state.config:
            return state.config
        epochs = Run.open(self.run.folder).config.training.epochs
        lost_patience = resuming.is_reached(
            state.stale_epochs, self.options.patience
        )
        if state.finished and not lost_patience:
            epochs = state.epoch
        return {EPOCHS: epochs}

    def _adopt(self, changes: Changes, state: TrainingState) -> None:
        """Use what has changed; more epochs start patience anew."""
        others = {k: v for k, v in changes.items() if k != EPOCHS}
        if others:
            log.info(
                "The configuration has changed since the last checkpoint, and "
                "is used as it is now: %s",
                resuming.described(others),
            )
        if EPOCHS in changes:
            state.stale_epochs = state.plateau_epochs = 0
            self._tell_of_more(changes, state)
        state.finished = resuming.has_ended(state, self.options)

    def _tell_of_more(self, changes: Changes, state: TrainingState) -> None:
        old, new = changes[EPOCHS]
        before = resuming.before_changes(self.options, changes)
        rates = [
            learning_rate(
                options,
                state.step,
                options.epochs * self.data.steps_per_epoch,
            )
            * state.rate_factor
            for options in (before, self.options)
        ]
        log.info(
            "The run goes on to epoch %d instead of %d: its patience is "
            "counted anew, and the learning rate of step %d is %.4g instead "
            "of %.4g",
            new,
            old,
            state.step,
            rates[1],
            rates[0],
        )

    def _command(self) -> str:
        return app_command("train", "--run", self.run.folder, "--resume")

    def _require_same_text(self, state: TrainingState) -> None:
        if state.corpus != self.fingerprint:
            raise GlimpseError(
                f"The text or the alignments of corpus {self.corpus.name} are "
                "not those that "
                f"{self.run.folder} was trained on until now: bring them "
                "back to go on exactly, or train a new run with another --run"
            )

    def _announce(self, state: TrainingState) -> None:
        log.info("%s", _describe_report(self.data.report))
        for line in described(self.validation.report.drops):
            log.info("Validation: %s", line)
        log.info("Model: %s parameters", f"{self.model.count_params():,}")
        if parts := self.model.plain_parts():
            log.info(
                "The loops of its %s are differentiated automatically, which "
                "is slower: models/README.md says which are not",
                " and ".join(parts),
            )
        if self.model.parts > 1 and not self.model.is_divisible:
            log.info(
                "Its attention draws noise at each step: batches stay whole, "
                "which is slower"
            )
        if state.step:
            log.info("Going on after step %d", state.step)

    def _train_epoch(
        self, state: TrainingState, requested: Callable[[], bool]
    ) -> None:
        if not state.step:
            self.watch.snapshot(0)
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
                    self.watch.snapshot(state.step)
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
        """Target tokens seen since the metrics were reset."""
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
        self.run.save_weights(self.model, "last")
        raise InterruptedRunError(
            f"Interrupted: all is saved at step {state.step} of "
            f"{self.total_steps}; go on with: {self._command()}"
        )

    def _finish_epoch(self, state: TrainingState) -> None:
        self._require_finite_loss(state)
        began = time.monotonic()
        row: dict[str, Any] = {"epoch": state.epoch + 1, "step": state.step}
        row |= {f"train_{k}": v for k, v in self._results().items()}
        row["train_gradient_norm"] = float(self.model.gradient_norm.result())
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.data.report.is_estimate:  # now it is known
            for line in described(self.data.tally.drops):
                log.info("%s", line)
        state.tokens += self._tokens()
        results, translations = self._validate()
        row |= {f"validation_{k}": v for k, v in results.items()}
        state.seconds += time.monotonic() - began
        row |= {"tokens": state.tokens, "seconds": round(state.seconds, 1)}
        state.history.append(row)
        state.epoch += 1
        state.batch = 0
        self._judge(
            state,
            row[f"validation_{self.options.metric}"],
            row["validation_perplexity"],
        )
        self._record(state, row, translations)

    def _validate(self) -> tuple[dict[str, float], list[Translation]]:
        self.model.reset_metrics()
        for batch in self.validation.in_order():
            self.test_step(batch)
        results = self._results()
        translations = self.translator.translate(
            [example.source for example in self.examples], beam_size=1
        )
        results["bleu"] = corpus_bleu(
            [translation.text for translation in translations],
            [example.references for example in self.examples],
            self.run.config.bleu_tokenizer,
        )
        return results, translations

    def _judge(
        self, state: TrainingState, score: float, perplexity: float
    ) -> None:
        """Best so far, the plateau rule, and whether to go on.

        Of equal scores that with the lower perplexity is better: the BLEU of a
        model that has hardly begun is 0 again and again.
        """
        sign = -1 if self.options.metric == "perplexity" else 1
        best = (
            (-math.inf, -math.inf)
            if state.best is None
            else (sign * state.best, -state.best_perplexity)
        )
        if (sign * score, -perplexity) > best:
            state.best, state.best_step = score, state.step
            state.best_perplexity = perplexity
            state.stale_epochs = state.plateau_epochs = 0
            self.run.save_weights(self.model, "best")
        else:
            state.stale_epochs += 1
            state.plateau_epochs += 1
        if resuming.is_reached(
            state.plateau_epochs, self.options.plateau_patience
        ):
            state.rate_factor *= self.options.plateau_factor
            state.plateau_epochs = 0
        state.finished = resuming.has_ended(state, self.options)

    def _record(
        self,
        state: TrainingState,
        row: dict[str, Any],
        translations: Sequence[Translation],
    ) -> None:
        self.run.save_weights(self.model, "last")
        _write_history(self.run.folder / "history.csv", state.history)
        self.watch.snapshot(state.step)
        self.watch.record(state.step, row, translations)
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
        # Last: killed before it, the epoch's end is done again; killed after
        # it, nothing is missing.
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


def compile_model(
    model: TranslationModel, options: TrainingOptions, device: Device
) -> None:
    """Give a model its optimizer and what its loss is made of."""
    model.compile(
        Adam(options.learning_rate),
        label_smoothing=options.label_smoothing,
        coverage_loss=options.coverage_loss,
        guided_alignment=options.guided_alignment,
        clip_norm=options.clip_norm,
        fused=options.fused,
        parts=device.parts(options.parts),
        jit_compile=device.jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


def graph(
    step: Callable[..., dict[str, tf.Tensor]], batch: Any, device: Device
) -> Callable[..., dict[str, tf.Tensor]]:
    """One graph for all shapes of batches: traced once.

    Args:
        step: takes a batch.
        batch: its nest of `tf.TensorSpec`.
        device: to compile for.
    """
    return tf.function(
        step,
        input_signature=[batch],
        autograph=False,
        jit_compile=device.jit_compile,
    )


def _variables(model: TranslationModel) -> list[tf.Variable]:
    """All that training changes: weights, random seeds, moments, means."""
    metrics = [v for metric in model.metrics for v in metric.variables]
    every = [*model.variables, *model.optimizer.variables, *metrics]
    return [variable.value for variable in every]


@contextmanager
def _stop_requests() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM has come; a second one acts at once."""
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        log.warning("Saving before stopping; once more stops at once")
        restore()

    numbers = (signal.SIGINT, signal.SIGTERM)
    old = {number: signal.signal(number, note) for number in numbers}

    def restore() -> None:
        for number, handler in old.items():
            signal.signal(number, handler)

    try:
        yield lambda: came
    finally:
        restore()


def _describe_report(report: Report) -> str:
    about = "about " if report.is_estimate else ""
    return "\n".join(
        [
            f"Training on {about}{report.kept:,} of {report.pairs:,} pairs, "
            f"{report.target_tokens:,} target tokens, {report.batches:,} "
            f"batches an epoch; {report.source_padding:.0%} of the source and "
            f"{report.target_padding:.0%} of the target is padding",
            *described(report.drops),
        ]
    )


def _describe(results: dict[str, float]) -> str:
    return ", ".join(f"{k} {v:.4g}" for k, v in results.items())


def _write_history(path: Path, rows: list[dict[str, Any]]) -> None:
    with (
        replacing(path) as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
