"""Training small enough for tests: made-up pairs, a made-up corpus.

Run as a program it trains a run folder and kills itself at a step.
"""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from app.config import Config, load_config
from app.device import Device
from app.run import Run
from app.training import Trainer, load_guide, prepare_tokenizers
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


@dataclass(frozen=True)
class TinyCorpus(Corpus):
    """Made-up pairs; every fifth is for validation."""

    name: str = "tiny"
    source: str = "en"
    target: str = "fr"
    splits = ("train", "validation")

    def pairs(self, split: str) -> Iterator[Pair]:
        held_out = PAIRS[::5]
        for pair in PAIRS:
            if (pair in held_out) == (split == "validation"):
                yield pair

    def size(self, split: str) -> int:
        return sum(1 for _ in self.pairs(split))


def tiny_config(*overrides: str) -> Config:
    return load_config("phrasebook", [*TINY, *overrides])


def make_trainer(folder: Path, *overrides: str) -> Trainer:
    """A trainer of a new run folder, or of the one that is there."""
    if (folder / "config.yaml").is_file():
        run = Run.open(folder)
    else:
        run = Run.create(folder, tiny_config(*overrides))
    keras.utils.set_random_seed(run.config.training.seed)
    corpus = TinyCorpus()
    return Trainer(
        run,
        corpus,
        prepare_tokenizers(run, corpus),
        Device("the CPU", jit_compile=False),
        load_guide(run.config, corpus),
    )


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
