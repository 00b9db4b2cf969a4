"""Training watched: TensorBoard, and attention kept as it forms."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from app.inference.translator import Translator
from app.runs import Run
from app.training.watch import Watch, chosen, is_early, load_snapshots
from data import Example, Language
from tests.app.conftest import PAIRS, make_run
from tests.app.tiny import PAIRS as TINY_PAIRS

EXAMPLES = [Example(source, (target,)) for source, target in PAIRS]


@pytest.fixture
def trained(uninterrupted: Path) -> Run:
    return Run.open(uninterrupted)


def test_early_steps_are_ever_farther_apart() -> None:
    assert [step for step in range(600) if is_early(step)] == [
        *(32, 64, 128, 256, 512)
    ]


def test_attention_is_kept_before_training_and_at_each_validation(
    trained: Run,
) -> None:
    snapshots = load_snapshots(trained)
    assert [step for step, _ in snapshots] == [0, 11, 22]
    validation = TINY_PAIRS[::5]
    for _, views in snapshots:
        assert len(views) == 3
        for view in views:
            source = [word for word, _ in validation if _spaced(word, view)]
            assert len(source) == 1
            np.testing.assert_allclose(view.weights.sum(1), 1, atol=1e-5)
    # The last one is that of the weights that training ended with.
    model = Translator.load(trained.folder)
    model.model.load_weights(trained.folder / "last.weights.h5")
    view = snapshots[-1][1][0]
    pair = next(pair for pair in validation if _spaced(pair[0], view))
    (forced,) = model.force([pair[0]], [pair[1]])
    expected = forced.hypotheses[0].view("words")
    assert view.target == expected.target
    np.testing.assert_allclose(view.weights, expected.weights, atol=1e-5)
    assert np.abs(view.weights - snapshots[0][1][0].weights).max() > 1e-4


def _spaced(text: str, view: object) -> bool:
    return text.replace(".", " .").split() == list(view.source[:-1])  # type: ignore[attr-defined]


def test_tensorboard_has_scalars_pictures_texts_and_parameters(
    trained: Run,
) -> None:
    events = event_accumulator.EventAccumulator(
        str(trained.logs), size_guidance={"tensors": 0}
    )
    events.Reload()
    tags = set(events.Tags()["tensors"])
    numbers = (1, 2, 3)
    assert {f"attention {number}" for number in numbers} <= tags
    assert {f"sentence {number}" for number in numbers} <= tags
    assert {"validation_bleu", "train_loss", "train_gradient_norm"} <= tags
    assert "_hparams_/session_start_info" in events.summary_metadata
    pictures = events.Tensors("attention 1")
    assert [event.step for event in pictures] == [11, 22]
    width, height, png, *_ = tf.make_ndarray(pictures[1].tensor_proto)
    picture = tf.io.decode_png(png).numpy()
    assert picture.shape[:2] == (int(height), int(width))
    assert picture.min() < 60 < 200 < picture.max()
    text = tf.make_ndarray(events.Tensors("sentence 2")[0].tensor_proto).item()
    assert text.decode().startswith("source: The ")


def test_a_model_without_attention_is_watched_without_pictures(
    tmp_path: Path,
) -> None:
    run = Run.open(make_run(tmp_path / "run", "plain"))
    translator = Translator.load(run.folder)
    watch = Watch(run, translator, EXAMPLES)
    watch.snapshot(0)
    assert load_snapshots(run) == []
    translations = translator.translate([each.source for each in EXAMPLES])
    watch.record(5, {"epoch": 1, "validation_bleu": 3.0}, translations)
    events = event_accumulator.EventAccumulator(str(run.logs))
    events.Reload()
    tags = events.Tags()["tensors"]
    assert "sentence 1" in tags
    assert "attention 1" not in tags


def test_sentences_are_of_a_length_to_look_at() -> None:
    middling = " ".join(["word"] * 7)
    sources = ["short"] * 5 + [middling] * 9 + ["word " * 30] * 4
    assert chosen(sources, Language("en")) == [5, 8, 11]
    assert chosen(["a", "b", "c", "d", "e", "f", "g"], Language("en")) == [
        0,
        2,
        4,
    ]
    assert chosen(["a"], Language("en")) == [0]
    assert chosen([], Language("en")) == []
