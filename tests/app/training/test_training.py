import csv
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf

from app.config import TrainingOptions, changed, load_config
from app.inference.aligning import Aligner
from app.inference.translator import Translator
from app.measuring.measure import measure
from app.measuring.sets import from_corpus
from app.metrics import WATCHED, metric
from app.runs import Run, open_or_create
from app.training import InterruptedRunError, learning_rate, watch
from app.training.checkpoints import TrainingState, newest_state
from data import GlimpseError
from tests.app.tiny import (
    ONE_PART,
    PAIRS,
    TinyCorpus,
    Trainers,
    after_step,
    make_trainer,
)


def _weights(folder: Path) -> list[np.ndarray]:
    model = Translator.load(folder).model
    return [weight.numpy() for weight in model.weights]


def _history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["seconds"]
    return rows


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of every epoch take a second; test_watch.py looks at them."""
    blank = tf.zeros((1, 1, 1, 3), tf.uint8)
    monkeypatch.setattr(watch, "_image", lambda _: blank)


def test_a_killed_run_ends_like_one_that_was_not(
    uninterrupted: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    # Step 15 is amid the second epoch, and the last checkpoint is at 12.
    program = [sys.executable, "-m", "tests.app.tiny", str(folder), "15"]
    killed = subprocess.run(program, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    trainer = make_trainer(folder)
    restored = trainer.checkpoints.restore()
    assert restored is not None
    assert (restored.epoch, restored.step) == (1, 12)
    trainer.train()
    for mine, theirs in zip(
        _weights(folder), _weights(uninterrupted), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert _history(folder) == _history(uninterrupted)


def test_a_run_that_stopped_after_an_epoch_goes_on_as_if_it_had_not(
    uninterrupted: Path,
    trainers: Trainers,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its schedule was that of all epochs from the first step on."""
    folder = tmp_path / "stopped"
    assert trainers(folder).train(until=1).epochs == 1
    weights = _weights(folder)
    caplog.set_level(logging.INFO)
    assert trainers(folder).train(until=1).epochs == 1
    assert "Epoch 1 of 2 is done already, so --until 1" in caplog.text
    for mine, theirs in zip(weights, _weights(folder), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert trainers(folder).train().epochs == 2
    for mine, theirs in zip(
        _weights(folder), _weights(uninterrupted), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert _history(folder) == _history(uninterrupted)


def _ended(uninterrupted: Path, folder: Path, **said: Any) -> Path:
    """A copy that has lost its patience, when its rate had fallen to 0.

    Args:
        uninterrupted: the run.
        folder: of the copy.
        said: what its last checkpoint says besides.
    """
    shutil.copytree(uninterrupted, folder)
    options = ["training.warmup_steps=0", "training.patience=3"]
    Run.create(folder, changed(Run.open(folder).config, options))
    path = folder / "checkpoints" / "step-000000022" / "state.json"
    state = json.loads(path.read_text()) | {"stale_epochs": 3} | said
    if state["config"]:
        state["config"] |= {"training.warmup_steps": 0, "training.patience": 3}
    path.write_text(json.dumps(state))
    return folder


def test_a_run_that_was_extended_and_killed_ends_like_one_that_was_not(
    uninterrupted: Path,
    trainers: Trainers,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = _ended(uninterrupted, tmp_path / "whole")
    killed = _ended(uninterrupted, tmp_path / "killed")
    best = newest_state(whole / "checkpoints")
    for folder in (whole, killed):
        more = ["training.epochs=3"]
        open_or_create(folder, None, more, resume=True).save_config()
    caplog.set_level(logging.INFO)
    trainer = trainers(whole)
    assert trainer.train(until=7).epochs == 3
    assert "epoch 3 instead of 2" in caplog.text
    assert "rate of step 22 is 0.001 instead of 0" in caplog.text
    assert "--until 7 is past the end" in caplog.text
    trainer.train()
    assert "ended after epoch 3 of 3, so nothing is left to do" in caplog.text
    assert "--resume --set training.epochs=6" in caplog.text
    state = newest_state(whole / "checkpoints")
    assert state is not None
    assert best is not None
    assert state.finished
    assert state.stale_epochs == (state.best_step == best.best_step)

    def die() -> None:
        raise EOFError

    trainer = trainers(killed)
    after_step(trainer, 1, die)  # before there is another checkpoint
    after_step(trainer, 5, die)  # after one
    caplog.clear()
    for _ in range(2):
        with pytest.raises(EOFError):
            trainer.train()
    assert trainer.train().epochs == 3
    assert caplog.text.count("epoch 3 instead of 2") == 1
    for mine, theirs in zip(_weights(killed), _weights(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert _history(killed) == _history(whole)


def test_what_was_changed_by_hand_is_used_and_told(
    uninterrupted: Path,
    trainers: Trainers,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = _ended(uninterrupted, tmp_path / "run")
    options = ["training.patience=5", "search.beam_size=2"]
    Run.create(folder, changed(Run.open(folder).config, options))
    caplog.set_level(logging.INFO)
    trainer = trainers(folder)
    for _ in range(2):
        trainer.train(until=1)
    told = "training.patience: 3 → 5; search.beam_size: 5 → 2"
    assert caplog.text.count(told) == 1
    state = newest_state(folder / "checkpoints")
    assert state is not None
    assert state.finished  # of two epochs
    assert state.stale_epochs == 3
    assert state.config["search.beam_size"] == 2


def test_checkpoints_that_do_not_say_their_configuration(
    uninterrupted: Path, trainers: Trainers, tmp_path: Path
) -> None:
    """Those of the versions before; patience was lost, or all was done."""
    folder = _ended(uninterrupted, tmp_path / "run", config={})
    trainer = trainers(folder)
    path = folder / "checkpoints" / "step-000000022" / "state.json"
    before = json.loads(path.read_text())
    own = trainer.run.config
    for stale, epochs, ended in (
        (3, 2, True),
        (3, 4, False),
        (0, 2, True),
        (0, 4, False),
    ):
        Run.create(folder, own)
        path.write_text(json.dumps(before | {"stale_epochs": stale}))
        more = [f"training.epochs={epochs}"]
        trainer.run = open_or_create(folder, None, more, resume=True)
        trainer.options = trainer.run.config.training
        trainer.train(until=1)
        state = newest_state(folder / "checkpoints")
        assert state is not None
        assert state.finished is ended
        assert state.stale_epochs == (stale if ended else 0)
        assert state.config["training.epochs"] == epochs
        assert Run.open(folder).config == trainer.run.config


def test_a_run_does_not_go_on_with_another_text(
    trainers: Trainers, tmp_path: Path
) -> None:
    trainer = trainers(tmp_path / "run")
    trainer.checkpoints.save(TrainingState(step=3, corpus="another"))
    with pytest.raises(GlimpseError, match="corpus tiny have changed since"):
        trainer.train()


def test_a_streamed_run_ends_like_one_in_memory(
    uninterrupted: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "streamed"
    streaming = "pipeline.in_memory_pairs=0"
    trainer = make_trainer(folder, streaming)
    assert trainer.data.report.is_estimate
    trainer.train()
    for mine, theirs in zip(
        _weights(folder), _weights(uninterrupted), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_leaves_a_usable_run(
    number: signal.Signals,
    uninterrupted: Path,
    trainers: Trainers,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stopped"
    trainer = trainers(folder)
    after_step(trainer, 3, lambda: os.kill(os.getpid(), number))
    with pytest.raises(InterruptedRunError, match=r"step 3 of 22.*--resume"):
        trainer.train()
    (found,) = Translator.load(folder).translate(["The cat."])
    (expected,) = trainer.translator.translate(["The cat."])
    assert found.hypotheses[0].ids == expected.hypotheses[0].ids != ()
    for weight, mine in zip(
        trainer.model.weights, _weights(folder), strict=True
    ):
        np.testing.assert_array_equal(weight.numpy(), mine)
    trainers(folder).train()
    for mine, theirs in zip(
        _weights(folder), _weights(uninterrupted), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_folder_tells_everything(uninterrupted: Path) -> None:
    names = {path.name for path in uninterrupted.iterdir()}
    assert names == {
        "config.yaml",
        "tokenizer.model",
        "source_inventory.json",
        "best.weights.h5",
        "last.weights.h5",
        "attention",
        "checkpoints",
        "history.csv",
        "logs",
        "versions.json",
    }
    versions = json.loads((uninterrupted / "versions.json").read_text())
    assert versions["seed"] == 1
    assert versions["tensorflow"] == tf.__version__
    rows = _history(uninterrupted)
    assert [row["step"] for row in rows] == ["11", "22"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])
    assert versions["tokens"] == int(rows[1]["tokens"])
    assert all(float(row["train_gradient_norm"]) > 0 for row in rows)
    assert "validation_gradient_norm" not in rows[0]


def test_validation_is_what_evaluate_says(uninterrupted: Path) -> None:
    """Of all sentences, with the weights that an epoch ended with."""
    translator = Translator.load(uninterrupted)
    translator.model.load_weights(uninterrupted / "last.weights.h5")
    given = from_corpus(TinyCorpus(), "validation", translator.config.languages)
    measured = measure(translator, given, WATCHED, beam=1)
    assert len(given.examples) == len(measured.forced) == len(PAIRS[::5])
    row = _history(uninterrupted)[-1]
    said = {name: float(row[metric(name).column]) for name in WATCHED}
    found = {name: score.score for name, score in measured.scores.items()}
    assert found == pytest.approx(said, rel=1e-6)


def test_graphs_are_traced_once_for_batches_of_all_lengths(
    trainers: Trainers, tmp_path: Path
) -> None:
    """A trace takes seconds, and would come anew with each length."""
    trainer = trainers(tmp_path / "run")
    batches = list(trainer.data.epoch(1, 0))
    shapes = {tuple(inputs["source"].shape) for inputs, _, _ in batches}
    assert len(shapes) > 1
    for batch in batches:
        trainer.train_step(batch)
    translator = trainer.translator
    for source, target in (PAIRS[0], ("Cat.", "Chat."), PAIRS[1]):
        translator.force([source], [target])
        translator.translate([source])
    graphs = [trainer.train_step, *translator._graphs.values()]
    assert len(graphs) > 2  # search, and given translations
    for graph in graphs:
        assert graph.experimental_get_tracing_count() == 1


def test_a_finished_run_trains_no_more(
    uninterrupted: Path, trainers: Trainers, tmp_path: Path
) -> None:
    folder = shutil.copytree(uninterrupted, tmp_path / "run")
    trainer = trainers(folder)
    after_step(trainer, 1, lambda: pytest.fail("it trained"))
    summary = trainer.train()
    assert (summary.epochs, summary.steps) == (2, 22)
    best = [float(row["validation_bleu"]) for row in _history(folder)]
    assert summary.best["value"] == pytest.approx(max(best))


def test_a_model_learns_the_planted_language(tmp_path: Path) -> None:
    trainer = make_trainer(
        tmp_path / "learns",
        ONE_PART,
        "training.epochs=8",
        "training.learning_rate=0.02",
        "training.schedule=cosine",
        "training.checkpoint_steps=1000",
        "tokenizer.vocabulary_size=400",
        "model.embedding_units=24",
        "model.encoder_units=16",
        "model.decoder_units=32",
        "model.attention_units=16",
        "model.embedding_dropout=0",
        times=7,
    )
    trainer.train()
    sources, targets = zip(*TinyCorpus().pairs("validation"), strict=True)
    found = Translator.load(tmp_path / "learns").translate(sources)
    right = [
        translation.text == target
        for translation, target in zip(found, targets, strict=True)
    ]
    assert sum(right) >= 0.8 * len(targets)


def test_patience_ends_training_and_plateaus_cut_the_rate(
    trainers: Trainers, tmp_path: Path
) -> None:
    trainer = trainers(
        tmp_path / "plateau",
        "training.epochs=9",
        "training.metric=perplexity",
        "training.patience=3",
        "training.plateau_patience=2",
        "training.plateau_factor=0.1",
        "training.learning_rate=1e-30",
    )
    summary = trainer.train()
    state = trainer.checkpoints.restore()
    assert state is not None
    assert summary.epochs == 4  # nothing improves on the first
    assert summary.best["step"] == 11
    assert state.rate_factor == pytest.approx(0.1)
    assert state.finished


def test_a_loss_that_is_no_number_is_told_and_not_saved(
    trainers: Trainers, tmp_path: Path
) -> None:
    trainer = trainers(tmp_path / "nan")

    def spoil() -> None:
        weight = trainer.model.trainable_weights[0]
        weight.assign(weight * np.nan)

    after_step(trainer, 5, spoil)
    with pytest.raises(GlimpseError, match=r"lower training\.learning_rate"):
        trainer.train()
    state = trainer.checkpoints.restore()
    assert state is not None
    assert state.step == 4


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("constant", 0, 0.25),
        ("constant", 3, 1.0),
        ("constant", 90, 1.0),
        ("cosine", 4, 1.0),
        ("cosine", 52, 0.5),
        ("cosine", 100, 0.0),
        ("inverse-sqrt", 4, 1.0),
        ("inverse-sqrt", 64, 0.25),
    ],
)
def test_learning_rates(schedule: str, step: int, expected: float) -> None:
    options = TrainingOptions(
        learning_rate=1.0,
        warmup_steps=4,
        schedule=schedule,  # type: ignore[arg-type]
    )
    assert learning_rate(options, step, 100) == pytest.approx(expected)


def test_weights_on_disk_are_the_weights_alone(uninterrupted: Path) -> None:
    with h5py.File(uninterrupted / "best.weights.h5") as file:
        names: list[str] = []
        file.visit(names.append)
    assert names
    assert not [name for name in names if "optimizer" in name]


def test_attention_learns_the_links_of_a_file(tmp_path: Path) -> None:
    # "The black cat eats ." is "Le chat noir mange .": two words change places.
    path = tmp_path / "links"
    corpus = TinyCorpus(times=4)
    path.write_text("0-0 1-2 2-1 3-3 4-4\n" * corpus.size("train"))
    options = (
        ONE_PART,
        "training.epochs=9",
        "training.learning_rate=0.02",
        "training.warmup_steps=10",
        "training.checkpoint_steps=1000",
        "training.guided_alignment=1.0",
        f"training.alignments={path}",
    )
    trainer = make_trainer(tmp_path / "run", *options, times=4)
    assert trainer.fingerprint != corpus.fingerprint()
    trainer.train()
    translator = Translator.load(tmp_path / "run")
    aligner = Aligner(translator)
    examples = TinyCorpus().examples("validation")
    found = [set(pair.links) for pair in aligner.align(examples)]
    right = {(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)}
    assert sum(len(each & right) for each in found) >= 0.9 * 5 * len(found)


def test_guidance_needs_a_weight_attention_and_links(tmp_path: Path) -> None:
    for overrides, message in (
        (["training.alignments=x"], "training.guided_alignment=0"),
        (
            ["training.guided_alignment=1", "model.decoder=plain"],
            r"guided_alignment=1\.0 does not go with model\.decoder=plain",
        ),
    ):
        with pytest.raises(GlimpseError, match=message):
            load_config("phrasebook", overrides)
    with pytest.raises(GlimpseError, match="tiny has no alignments"):
        make_trainer(tmp_path / "run", "training.guided_alignment=1")
