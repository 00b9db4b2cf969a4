"""Training small enough for tests: made-up pairs, a made-up corpus.

Run as a program it trains a run folder and kills itself at a step.
"""

import copy
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from app.config import Config, load_config, without_unused
from app.machine.device import Device
from app.runs.folder import Run
from app.training.checkpoints import Checkpoints
from app.training.compiled import old_order, variables
from app.training.loop import Trainer
from app.training.opening import load_guide, prepare_sides
from app.training.validating import Validator
from data import Places
from data.corpora import Corpus, Pair

ANIMALS = {"cat": "chat", "dog": "chien", "horse": "cheval", "bird": "oiseau"}
VERBS = {"eats": "mange", "sleeps": "dort", "comes": "vient", "sees": "voit"}
COLOURS = {"black": "noir", "white": "blanc", "red": "rouge", "green": "vert"}
PAIRS = [
    (f"The {colour} {animal} {verb}.", f"Le {chat} {noir} {mange}.")
    for animal, chat in ANIMALS.items()
    for verb, mange in VERBS.items()
    for colour, noir in COLOURS.items()
]
TINY = (
    "tokenizer.vocabulary_size=340",
    "pipeline.batch_size=5",
    "model.embedding_units=6",
    "model.encoder_units=5",
    "model.decoder_units=7",
    "model.attention_units=4",
    "model.embedding_dropout=0.2",
    "training.epochs=2",
    "training.checkpoint_steps=4",
)
ONE_PART = "training.parts=1"  # half the graph to trace


@dataclass(frozen=True)
class TinyCorpus(Corpus):
    """Made-up pairs; every fifth is for validation.

    Attributes:
        times: how often an epoch of training has each. Ends of epochs take
            longer than their steps.
    """

    name: str = "tiny"
    source: str = "en"
    target: str = "fr"
    times: int = 1
    splits = ("train", "validation")

    def pairs(self, split: str) -> Iterator[Pair]:
        held_out = PAIRS[::5]
        for pair in PAIRS * (self.times if split == "train" else 1):
            if (pair in held_out) == (split == "validation"):
                yield pair

    def size(self, split: str) -> int:
        return sum(1 for _ in self.pairs(split))


def tiny_config(*overrides: str) -> Config:
    return load_config("phrasebook", [*TINY, *overrides])


def _open_or_create(folder: Path, *overrides: str) -> Run:
    if (folder / "config.yaml").is_file():
        return Run.open(folder)
    return Run.create(folder, tiny_config(*overrides))


def make_trainer(folder: Path, *overrides: str, times: int = 1) -> Trainer:
    """A trainer of a new run folder, or of the one that is there."""
    run = _open_or_create(folder, *overrides)
    keras.utils.set_random_seed(run.config.training.seed)
    corpus = TinyCorpus(times=times)
    return Trainer(
        run,
        corpus,
        prepare_sides(run, corpus),
        Device("the CPU", jit_compile=False),
        load_guide(run.config, corpus, Places()),
    )


class Trainers:
    """Makes trainers as `make_trainer` does, but of one model and its graphs.

    To trace them takes seconds. Each trainer finds every variable as it is in
    a new model; the one before it must no longer be used.

    Args:
        folder: of the first run, which is not trained.
    """

    def __init__(self, folder: Path) -> None:
        self.first = make_trainer(folder)
        self.variables = variables(self.first.model)
        self.values = [variable.numpy() for variable in self.variables]

    def __call__(self, folder: Path, *overrides: str) -> Trainer:
        """Like `make_trainer`; only of `training` may there be overrides."""
        run = _open_or_create(folder, *overrides)
        trainer = copy.copy(self.first)
        own, first = map(without_unused, (run.config, trainer.run.config))
        assert own.model == first.model
        assert run.config.pipeline == trainer.run.config.pipeline
        prepare_sides(run, trainer.corpus)
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        trainer.run = run
        trainer.options = run.config.training
        trainer.total_steps = (
            trainer.options.epochs * trainer.data.steps_per_epoch
        )
        trainer.checkpoints = Checkpoints(
            run.checkpoints, self.variables, old_order(trainer.model)
        )
        trainer.validator = Validator(
            run, trainer.translator, trainer.validation, trainer.device
        )
        return trainer


def after_step(trainer: Trainer, number: int, action: Any) -> None:
    """Have `action` called once the trainer has done step `number`."""
    step, done = trainer.train_step, 0

    def counted(batch: Any) -> Any:
        nonlocal done
        result = step(batch)
        done += 1
        if done == number:
            action()
        return result

    trainer.train_step = counted


if __name__ == "__main__":
    killed = make_trainer(Path(sys.argv[1]))
    after_step(
        killed, int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)
    )
    killed.train()
