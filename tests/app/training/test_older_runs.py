"""Runs of the versions before: their checkpoints, options and fingerprints."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.config import load_config, without_unused
from app.inference import Translator
from app.machine.device import Device
from app.runs import Run, open_or_create
from app.training import resuming
from app.training.checkpoints import (
    ORDER,
    Checkpoints,
    TrainingState,
    is_same_text,
    newest_state,
)
from app.training.compiled import compile_model, old_order, variables
from data import GlimpseError
from models import SequenceModel
from models.architecture import build_model
from tests.app.tiny import TINY, Trainers

CPU = Device("the CPU", jit_compile=False)
CODE = "c0de" * 16  # what a fingerprint of code and files looks like
UNUSED: dict[str, Any] = {
    "num_heads": 8,
    "window_half_width": 3.0,
    "residual": True,
}


def as_before(trainer: Any) -> None:
    """Write the newest checkpoint anew, as the versions before wrote it."""
    state = trainer.checkpoints.restore()
    old = old_order(trainer.model)
    Checkpoints(trainer.run.checkpoints, old, old).save(state)
    config = trainer.run.config
    model = dataclasses.replace(config.model, **UNUSED)
    Run.create(trainer.run.folder, dataclasses.replace(config, model=model))
    path = trainer.run.checkpoints / f"step-{state.step:09d}" / "state.json"
    said = json.loads(path.read_text())
    del said["order"]
    said["corpus"] = CODE
    said["config"] |= {f"model.{name}": UNUSED[name] for name in UNUSED}
    path.write_text(json.dumps(said))


def test_a_run_of_before_goes_on_like_one_of_now(
    uninterrupted: Path, trainers: Trainers, tmp_path: Path
) -> None:
    """With options that had no use, and variables in another order."""
    folders = [
        shutil.copytree(uninterrupted, tmp_path / name)
        for name in ("now", "before")
    ]
    as_before(trainers(folders[1]))
    before = Run.open(folders[1]).config
    assert before.model.num_heads == 8

    for folder in folders:
        more = ["training.epochs=3"]
        run = open_or_create(folder, None, more, resume=True)
        assert run.config.training.epochs == 3
        run.save_config()
        assert trainers(folder).train().epochs == 3

    now, then = (Translator.load(folder).model.weights for folder in folders)
    for mine, theirs in zip(now, then, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    state = newest_state(folders[1] / "checkpoints")
    assert state is not None
    assert state.order == ORDER
    assert state.step == 33
    assert state.corpus != CODE
    left = Run.open(folders[1]).config.model
    assert {name: getattr(left, name) for name in UNUSED} == UNUSED


def test_what_had_no_use_may_change_and_nothing_else(tmp_path: Path) -> None:
    config = load_config("phrasebook")
    model = dataclasses.replace(config.model, **UNUSED)
    before = dataclasses.replace(config, model=model)
    assert without_unused(before) == config
    assert resuming.changes(resuming.recorded(before), config, tmp_path) == {}
    with pytest.raises(GlimpseError, match=r"model\.num_heads: 8 → 4"):
        resuming.changes(
            {**resuming.recorded(config), "model.num_heads": 8},
            load_config("phrasebook", ["model.attention=multi-head"]),
            tmp_path,
        )


@pytest.mark.parametrize("preset", [None, "phrasebook"])
def test_a_run_with_options_without_a_use_is_asked_for(
    preset: str | None, tmp_path: Path
) -> None:
    config = load_config("phrasebook")
    model = dataclasses.replace(config.model, **UNUSED)
    before = dataclasses.replace(config, model=model)
    Run.create(tmp_path, before)
    assert open_or_create(tmp_path, preset, resume=True).config == before
    with pytest.raises(GlimpseError, match=r"model\.cell: gru, lstm"):
        open_or_create(tmp_path, preset, ["model.cell=lstm"], resume=True)


MODELS: dict[str, list[str]] = {
    "tied": [],
    "untied": ["model.tied_embeddings=false", "model.word_dropout=0.1"],
    "shared": ["model.shared_embeddings=true"],
    "shared but untied": [
        "model.shared_embeddings=true",
        "model.tied_embeddings=false",
    ],
    "deep": ["model.decoder_layers=2", "model.encoder_layers=2"],
    "plain": ["model.decoder=plain", "model.attention_units=128"],
    "in half precision": ["training.precision=mixed_float16"],
}


def new_model(*overrides: str) -> SequenceModel:
    config = load_config("phrasebook", [*TINY, *overrides])
    model = build_model(config.model, 23, 23, config.training.precision)
    model.build()
    compile_model(model, config.training, CPU)
    return model


def fill(model: SequenceModel, start: int) -> None:
    """Give every number of every variable another value."""
    for variable in variables(model):
        count = int(np.prod(variable.shape))
        values = np.arange(start, start + count).reshape(variable.shape)
        variable.assign(values.astype(variable.dtype.as_numpy_dtype))
        start += count


def values(listed: list[Any]) -> list[np.ndarray]:
    return [each.numpy() for each in listed]


@pytest.mark.parametrize("name", MODELS)
def test_variables_of_before_come_back_to_where_they_were(
    name: str, tmp_path: Path
) -> None:
    """Each by itself, though the order of the weights is another one now."""
    first, second = (new_model(*MODELS[name]) for _ in range(2))
    old = old_order(first)
    assert {*map(id, old)} == {*map(id, variables(first))}
    fill(first, 1)
    fill(second, -5000)
    checkpoints = Checkpoints(tmp_path, old, old)
    checkpoints.save(TrainingState(step=3))
    path = tmp_path / "step-000000003" / "state.json"
    said = json.loads(path.read_text())
    del said["order"]
    path.write_text(json.dumps(said))

    mine = variables(second)
    state = Checkpoints(tmp_path, mine, old_order(second)).restore()

    assert state == TrainingState(step=3)
    for one, other in zip(values(variables(first)), values(mine), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_order_of_before_is_another() -> None:
    """Or nothing would be tested above."""
    model = new_model("model.tied_embeddings=false")
    places = {id(each): n for n, each in enumerate(variables(model))}
    order = [places[id(each)] for each in old_order(model)]
    assert sorted(order) == [*range(len(order))]
    assert order != sorted(order)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("12ab34cd", "12ab34cd", True),
        ("12ab34cd", "12ab34ce", False),
        ("12ab34cd 0f", "12ab34cd 0f", True),
        ("12ab34cd 0f", "12ab34cd 1f", False),
        ("12ab34cd", "12ab34cd 0f", False),
        (CODE, "12ab34cd", True),  # of code and files: nothing is known
        (f"{CODE} 0f", "12ab34cd 0f", True),
        (f"{CODE} 0f", "12ab34cd 1f", False),
        (f"{CODE} 0f", "12ab34cd", False),
        (CODE, "12ab34cd 0f", False),
        (CODE[1:], "12ab34cd", False),
        (CODE.upper(), "12ab34cd", False),
        ("", "12ab34cd", False),
    ],
)
def test_fingerprints_of_the_same_text(
    old: str, new: str, expected: bool
) -> None:
    assert is_same_text(old, new) is expected
