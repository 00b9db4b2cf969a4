"""Parts of a batch, side by side, train as the whole batch does."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.parts import Dropout, in_parts
from models.signals import NO_SIGNALS, Signals
from tests.models import tiny
from tests.models.tiny import batch, copies

DROPPING = {"dropout": 0.3, "word_dropout": 0.2}


def trained(
    name: str,
    parts: int,
    rows: int,
    *,
    signals: Signals = NO_SIGNALS,
    **options: Any,
) -> list[Any]:
    """The weights after two steps, and the mean loss."""
    model = tiny.new(name, **options)
    optimizer = keras.optimizers.SGD(0.5)
    model.compile(
        optimizer,
        label_smoothing=0.1,
        clip_norm=1.0,
        parts=parts,
        signals=signals,
    )
    optimizer.build(model.trainable_variables)
    keras.utils.set_random_seed(3)
    for variable in model.variables:
        if "seed" in variable.path:
            variable.assign([1, 2])
    data = batch(tiny.SOURCES[:rows], tiny.TARGETS[:rows], more_source=1)
    for _ in range(2):
        results = model.train_step(data)
    return [*copies(model), results["loss"].numpy()]


def assert_alike(found: list[Any], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "parts"), [("bahdanau-tied", 2), ("luong-dot-2", 3)]
)
def test_parts_train_as_the_whole_batch(name: str, parts: int) -> None:
    whole = trained(name, 1, rows=3, **DROPPING)
    assert_alike(trained(name, parts, rows=3, **DROPPING), whole)


def test_each_part_is_computed_twice_if_the_batch_is() -> None:
    signals = Signals(r_drop=2.0, scheduled_sampling=1.0, seed=5)
    whole = trained("bahdanau-tied", 1, 3, signals=signals, **DROPPING)
    assert_alike(
        trained("bahdanau-tied", 2, 3, signals=signals, **DROPPING), whole
    )


def test_one_row_can_be_parted() -> None:
    whole = trained("conditional", 1, rows=1, **DROPPING)
    assert_alike(trained("conditional", 2, rows=1, **DROPPING), whole)


@pytest.mark.parametrize("noise_shape", [None, (None, 1, None)])
def test_masks_are_those_of_the_whole_batch(noise_shape: Any) -> None:
    """Each call of a layer draws once, and so does each of its layers."""
    layer, other = (
        Dropout(0.5, noise_shape, seed=seed, name=str(seed)) for seed in (4, 5)
    )

    def drawn(x: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(each(x, training=True) for each in (layer, layer, other))

    def masks(parts: int) -> list[Any]:
        for each in (layer, other):
            each.seed_generator.state.assign([6, 0])
        found = in_parts(drawn, tf.ones((5, 4, 3)), parts)
        return [np.concatenate(each) for each in zip(*found, strict=True)]

    whole = masks(1)
    assert len({each.tobytes() for each in whole}) == 2  # two began alike
    for parts in (2, 3):
        np.testing.assert_array_equal(masks(parts), whole)


@pytest.mark.parametrize(
    ("score", "is_divisible"),
    [("luong-general", True), ("monotonic-luong", False)],
)
def test_attention_that_draws_at_each_step_has_its_batch_whole(
    score: str, is_divisible: bool
) -> None:
    assert tiny.new("luong-rnn", score=score).is_divisible is is_divisible
