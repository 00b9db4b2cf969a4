"""A run folder small enough for tests: made-up weights, real files."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from app.inference import Translator
    from tests.app.tiny import Trainers

PAIRS = [
    ("I see the red car.", "Je vois la voiture rouge."),
    ("The old baker doesn't sleep.", "Le vieux boulanger ne dort pas."),
    ("We eat an apple.", "Nous mangeons une pomme."),
    ("She has found the key.", "Elle a trouvé la clé."),
    ("They don't read the book.", "Ils ne lisent pas le livre."),
    ("The cat drinks water.", "Le chat boit de l'eau."),
    ("You are late, aren't you?", "Vous êtes en retard, n'est-ce pas ?"),
    ("My sister's friend sings.", "L'ami de ma sœur chante."),
]
SOURCES = [source for source, _ in PAIRS]
TARGETS = [target for _, target in PAIRS]


def make_run(folder: Path, decoder: str = "bahdanau") -> Path:
    """A run whose weights nobody trained; they are drawn by a fixed seed."""
    from app.config import Config
    from app.runs import Run
    from data import Tokenizer
    from data.inventory import Inventory
    from data.options import TokenizerOptions
    from data.sides import Sides
    from models.architecture import ModelOptions

    units = {"embedding_units": 7, "encoder_units": 5, "decoder_units": 11}
    config = Config(
        tokenizer=TokenizerOptions(vocabulary_size=360),
        model=ModelOptions(decoder=decoder, attention_units=3, **units),
    )
    run = Run.create(folder, config)
    tokenizer = Tokenizer.train([*SOURCES, *TARGETS], 360)
    sides = Sides.of([tokenizer], config.languages)
    run.save_sides(sides)
    run.save_inventory(Inventory.of(SOURCES))
    model = run.build_model(sides)
    # Large enough for translations that differ in words and in length.
    random = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.9, weight.shape))
    run.save_weights(model, "best")
    return folder


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with attention; do not write to it."""
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without attention; do not write to it."""
    return make_run(tmp_path_factory.mktemp("runs") / "plain", "plain")


@pytest.fixture(scope="session")
def translator(tiny_run: Path) -> "Translator":
    """The model of `tiny_run`, loaded once."""
    from app.inference import Translator

    return Translator.load(tiny_run)


@pytest.fixture(scope="session")
def trainers(tmp_path_factory: pytest.TempPathFactory) -> "Trainers":
    """Makes trainers of one model, whose graphs are traced once."""
    from tests.app.tiny import Trainers

    return Trainers(tmp_path_factory.mktemp("trainers") / "first")


@pytest.fixture(scope="session")
def uninterrupted(
    trainers: "Trainers", tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of two epochs of eleven steps; do not write to it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    trainers(folder).train()
    return folder
