"""Options of training that add a signal: averages, decay, samples, copies."""

import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from app.config import TrainingOptions, load_config
from app.inference.translator import Translator
from app.machine.device import Device
from app.runs import Run, read_history
from app.runs.averaging import average
from app.training import InterruptedRunError
from app.training.compiled import averaged, compile_model
from data import GlimpseError
from models.architecture import ModelOptions, build_model
from tests.app.tiny import ONE_PART, after_step, make_trainer
from tests.models.tiny import batch, copies

EVERY = (
    "pipeline.subword_dropout=0.2",
    "training.r_drop=2",
    "training.scheduled_sampling=5",
    "training.weight_decay=0.1",
    "training.l2=1e-4",
    "training.moving_average=0.9",
    "training.keep_best=1",
)


def _model(**options: float) -> list[list[np.ndarray]]:
    """The weights after each of three steps, then their moving averages."""
    small = {"embedding_units": 5, "encoder_units": 3, "decoder_units": 5}
    model = build_model(ModelOptions(**small, attention_units=3), 23, 29)
    model.build()
    model.set_weights(
        [np.random.default_rng(1).normal(size=w.shape) for w in model.weights]
    )
    device = Device("the CPU", jit_compile=False)
    compile_model(model, TrainingOptions(learning_rate=0.1, **options), device)
    found = [copies(model)]
    for _ in range(3):
        model.train_step(batch())
        found.append(copies(model))
    with averaged(model):
        averages = copies(model)
    np.testing.assert_array_equal(model.weights[0], found[-1][0])
    return [*found, averages]


def test_the_moving_average_follows_the_weights() -> None:
    _, *after, averages = _model(moving_average=0.75)
    for first, second, third, mean in zip(*after, averages, strict=True):
        expected = 0.75 * (0.75 * first + 0.25 * second) + 0.25 * third
        np.testing.assert_allclose(mean, expected, 1e-4, 1e-5)
    # Without one, the model is measured as it is.
    *_, last, same = _model()
    for one, other in zip(last, same, strict=True):
        np.testing.assert_array_equal(one, other)


def test_weight_decay_shrinks_matrices_apart_from_adam() -> None:
    """In the first step, Adam's own change does not depend on the decay."""
    start, plain, *_ = _model()
    _, decayed, *_ = _model(weight_decay=0.5)
    for before, one, other in zip(start, plain, decayed, strict=True):
        expected = -0.1 * 0.5 * before if before.ndim > 1 else 0 * before
        np.testing.assert_allclose(other - one, expected, 1e-3, 1e-5)


def _files(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    found = {}
    for path in sorted(folder.rglob("*.weights.h5")):
        values: dict[str, np.ndarray] = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, each, values=values: values.update(
                    {name: each[()]} if isinstance(each, h5py.Dataset) else {}
                )
            )
        found[str(path.relative_to(folder))] = values
    return found


def test_a_run_with_every_signal_resumes_exactly(tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    make_trainer(whole, ONE_PART, *EVERY).train()
    first = make_trainer(stopped, ONE_PART, *EVERY)
    after_step(first, 14, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(InterruptedRunError):
        first.train()
    make_trainer(stopped).train()
    files, expected = _files(stopped), _files(whole)
    assert files.keys() == expected.keys()
    assert len(files) == 3  # best, last, and the best epoch
    for name, values in expected.items():
        for key, value in values.items():
            np.testing.assert_array_equal(files[name][key], value, key)


def test_the_best_epochs_are_averaged(tmp_path: Path) -> None:
    folder, new = tmp_path / "run", tmp_path / "averaged"
    options = ("training.epochs=4", "training.keep_best=3")
    make_trainer(folder, ONE_PART, *options).train()
    run = Run.open(folder)
    history = read_history(folder)
    order = sorted(
        history,
        key=lambda row: (row["validation_bleu"], -row["validation_perplexity"]),
    )
    best = [int(row["epoch"]) for row in reversed(order)][:3]
    assert run.kept_epochs() == sorted(best)

    assert average(run, new, 2) == best[:2]

    model, averaged_one = (
        Translator.load(each).model for each in (folder, new)
    )
    kept = []
    for epoch in best[:2]:
        run.load_weights(model, run.epoch_name(epoch))
        kept.append(copies(model))
    for mean, *each in zip(copies(averaged_one), *kept, strict=True):
        np.testing.assert_allclose(mean, np.mean(each, 0), 1e-6, 1e-7)
    with pytest.raises(GlimpseError, match="exists already"):
        average(run, new)
    with pytest.raises(GlimpseError, match="of 3 epochs, and 4 are needed"):
        average(run, tmp_path / "other", 4)
    with pytest.raises(GlimpseError, match="of 0 epochs, and at least one"):
        average(Run.open(new), tmp_path / "other")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["pipeline.subword_dropout=0.1", "tokenizer.model_type=word"],
            "no sub-words to draw.*tokenizer.model_type=bpe",
        ),
        (
            ["pipeline.subword_dropout=0.1", "training.guided_alignment=1"],
            "always the same: set one of them to 0",
        ),
        (["pipeline.subword_dropout=1"], "from 0 to less than 1"),
        (["training.r_drop=1"], "has no effect without dropout"),
        (
            ["training.r_drop=1", "model.kind=starting-example"],
            "which has no dropout",
        ),
    ],
)
def test_options_without_effect_are_refused(
    overrides: list[str], message: str
) -> None:
    with pytest.raises(GlimpseError, match=message):
        load_config("phrasebook", overrides)
