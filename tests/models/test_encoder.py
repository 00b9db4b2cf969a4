"""The encoder against its papers, masks and gradients."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Encoder
from models.cells import CELLS
from tests.models import matrices, reference
from tests.models.tiny import normal, randomise

B, S, E, H = 3, 5, 7, 2
LENGTHS = [5, 3, 1]
MASK = np.arange(S) < np.array(LENGTHS)[:, None]


def built(**kwargs: Any) -> Encoder:
    encoder = Encoder(H, **kwargs)
    encoder.build((None, None, E))
    return randomise(encoder)


def run(encoder: Encoder, words: Any, mask: Any, **kwargs: Any) -> Any:
    """Values, and the top layer's last output."""
    values, summary = encoder(tf.constant(words), tf.constant(mask), **kwargs)
    return values, summary.states[-1][0]


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_values_and_summary_are_those_of_the_paper(
    cell: str, bidirectional: bool, num_layers: int
) -> None:
    encoder = built(
        cell=cell, bidirectional=bidirectional, num_layers=num_layers
    )
    words = normal(B, S, E)

    values, summary = run(encoder, words, MASK)

    assert values.shape == (B, S, encoder.output_units)
    encode = matrices.encoder(matrices.Values(encoder), encoder)
    for b, length in enumerate(LENGTHS):
        expected = encode(words[b, :length])
        np.testing.assert_allclose(values[b, :length], expected[0], atol=1e-5)
        top = expected[1].states[-1][0]
        np.testing.assert_allclose(summary[b], top, atol=1e-5)
        assert not np.any(values[b, length:])


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_finite_differences(cell: str) -> None:
    """Two layers, both directions, padding: all that a loop can get wrong."""
    encoder = Encoder(2, cell, num_layers=2)
    encoder.build((None, None, 3))
    randomise(encoder)
    words, mask = normal(2, 3, 3), np.arange(3) < [[3], [2]]
    wanted, wanted_summary = normal(2, 3, 4, seed=1), normal(2, 4, seed=2)

    with tf.GradientTape() as tape:
        inputs = tf.constant(words)
        tape.watch(inputs)
        values, summary = encoder(inputs, tf.constant(mask))
        loss = tf.reduce_sum(values * wanted)
        loss += tf.reduce_sum(summary.states[-1][0] * wanted_summary)
    variables = encoder.trainable_weights
    slopes = tape.gradient(loss, [inputs, *variables])

    copies = matrices.Values(encoder)
    given = words.astype(np.float64)

    def expected_loss() -> float:
        total = 0.0
        for b, length in enumerate((3, 2)):
            encode = matrices.encoder(copies, encoder)
            values, summary = encode(given[b, :length])
            total += float(np.sum(values * wanted[b, :length]))
            top = summary.states[-1][0]
            total += float(np.sum(top * wanted_summary[b]))
        return total

    nudged = [given, *(copies(variable) for variable in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        expected = reference.gradient(expected_loss, array)
        np.testing.assert_allclose(slope, expected, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_no_value_and_no_summary(cell: str) -> None:
    encoder = built(cell=cell, num_layers=2)
    words = normal(B, S, E)
    longer = np.concatenate([words, 100 * normal(B, 4, E, seed=1)], 1)
    mask = np.concatenate([MASK, np.zeros((B, 4), bool)], 1)

    values, summary = run(encoder, words, MASK)
    more_values, same_summary = run(encoder, longer, mask)

    np.testing.assert_allclose(more_values[:, :S], values, atol=1e-6)
    np.testing.assert_allclose(same_summary, summary, atol=1e-6)
    assert not np.any(more_values[:, S:])


def test_a_wholly_masked_row_is_zero() -> None:
    mask = MASK.copy()
    mask[1] = False

    values, summary = run(built(num_layers=2), normal(B, S, E), mask)

    assert not np.any(values[1])
    assert not np.any(summary[1])
    assert np.any(summary[0])


def test_the_summary_holds_the_last_word_and_the_first() -> None:
    """Forward at the last real word, backward at the first."""
    values, summary = run(built(), normal(B, S, E), MASK)

    for b, length in enumerate(LENGTHS):
        forward, backward = values[b, length - 1, :H], values[b, 0, H:]
        expected = np.concatenate([forward, backward])
        np.testing.assert_array_equal(summary[b], expected)


def test_dropout_is_for_training() -> None:
    encoder = built(dropout=0.5)
    words = normal(B, S, E)

    plain, _ = run(encoder, words, MASK)
    same, _ = run(encoder, words, MASK, training=False)
    dropped, summary = run(encoder, words, MASK, training=True)

    np.testing.assert_array_equal(plain, same)
    kept = dropped != 0
    assert 0 < np.count_nonzero(kept[MASK]) < plain[MASK].numpy().size
    np.testing.assert_allclose(
        tf.boolean_mask(dropped, kept), 2 * tf.boolean_mask(plain, kept)
    )
    assert np.all(summary != 0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_outputs_keep_the_compute_dtype(policy: str) -> None:
    encoder = Encoder(H, "lstm", num_layers=2, dtype=policy)

    outputs = run(encoder, normal(B, S, E), MASK)

    assert {x.dtype.name for x in outputs} == {encoder.compute_dtype}


def test_an_encoder_survives_its_config() -> None:
    encoder = built(
        cell="lstm", num_layers=2, bidirectional=False, dropout=0.25
    )

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(encoder)
    )
    again.build((None, None, E))
    again.set_weights(encoder.get_weights())

    words = normal(B, S, E)
    assert again.get_config() == encoder.get_config()
    np.testing.assert_array_equal(
        run(encoder, words, MASK)[0], run(again, words, MASK)[0]
    )
