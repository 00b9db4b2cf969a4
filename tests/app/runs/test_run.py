import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from app.config import load_config
from app.machine.device import Device
from app.runs import Run, versions
from app.training import train
from data import GlimpseError, Tokenizer, writing
from data.sides import Sides
from data.writing import alone
from models.architecture import build_model
from tests.app.conftest import SOURCES, TARGETS


def test_two_processes_do_not_train_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from data.writing import alone\n"
        "with alone(pathlib.Path(sys.argv[1])):\n"
        "    print('here', flush=True)\n"
        "    time.sleep(600)"
    )
    mine = Run.create(tmp_path / "run", load_config("phrasebook"))
    monkeypatch.setattr(writing, "SECONDS_OF_ENDING", 0.3)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(mine.folder)],
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        with pytest.raises(GlimpseError, match="Another process is at work"):
            train(mine, Device("the CPU", jit_compile=False))
        other.kill()
    assert other.returncode == -signal.SIGKILL
    with alone(mine.folder):  # a lock does not outlive its process
        pass
    mine.discard_if_new()
    assert not mine.folder.exists()


def test_two_vocabularies_are_two_files(tmp_path: Path) -> None:
    config = load_config(
        "phrasebook",
        ["tokenizer.joint=false", "model.tied_embeddings=false"],
    )
    run = Run.create(tmp_path / "run", config)
    assert not run.has_sides()
    tokenizers = Tokenizer.train(SOURCES, 310), Tokenizer.train(TARGETS, 330)
    run.save_sides(Sides.of(tokenizers, config.languages))
    assert run.has_sides()
    loaded = Run.open(tmp_path / "run").load_sides()
    sizes = (loaded.source.size, loaded.target.size)
    assert sizes[0] < sizes[1]
    model = run.build_model(loaded)
    assert model.source.embedding.input_dim == sizes[0]
    assert model.target.embedding.input_dim == sizes[1]


@pytest.mark.parametrize("kind", ["seq2seq", "starting-example"])
def test_precision_reaches_every_layer(kind: str) -> None:
    options = load_config("phrasebook", [f"model.kind={kind}"]).model
    model = build_model(options, 31, 37, "mixed_bfloat16")
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.Layer)
        and not isinstance(layer, keras.Model)
    ]
    assert layers
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}


def test_a_starting_example_with_keys_it_ignores_opens_if_it_is_a_run(
    tmp_path: Path,
) -> None:
    config = load_config("starting-example")
    model = dataclasses.replace(config.model, cell="lstm")
    made = Run.create(tmp_path, dataclasses.replace(config, model=model))
    assert Run.open(tmp_path).config == made.config
    with pytest.raises(GlimpseError, match="cell=lstm: no effect with model"):
        load_config(tmp_path / "config.yaml")


def test_versions_name_what_a_run_was_made_with() -> None:
    found = versions()
    assert found["keras"] == keras.__version__
    assert json.dumps(found)
