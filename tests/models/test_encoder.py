"""The encoder against its papers, masks and gradients."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Encoder
from models.cells import CELLS
from models.encoder import DIRECTIONS, Summary
from tests.models import matrices, reference
from tests.models.tiny import normal, randomise

B, S, E, H = 3, 5, 7, 11
LENGTHS = [5, 3, 1]
MASK = np.arange(S) < np.array(LENGTHS)[:, None]


def built(**kwargs: Any) -> Encoder:
    keras.utils.set_random_seed(1)  # the masks that dropout draws
    encoder = Encoder(H, **kwargs)
    encoder.build((None, None, E))
    return randomise(encoder)


def run(
    encoder: Encoder, words: Any, mask: Any = MASK, **kwargs: Any
) -> tuple[Any, Summary]:
    return encoder(tf.constant(words), tf.constant(mask), **kwargs)


def assert_near(actual: Any, expected: Any, atol: float = 1e-5) -> None:
    """Two nests of one structure, leaf by leaf."""
    for one, other in zip(
        tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=atol)


def row(summary: Summary, b: int) -> Any:
    return tf.nest.map_structure(lambda leaf: leaf[b], summary)


def assert_those_of_the_paper(encoder: Encoder) -> None:
    words = normal(B, S, E)

    values, summary = run(encoder, words)

    assert values.shape == (B, S, encoder.output_units)
    encode = matrices.encoder(matrices.Values(encoder), encoder)
    for b, length in enumerate(LENGTHS):
        expected, expected_summary = encode(words[b, :length])
        assert_near(values[b, :length], expected)
        assert_near(row(summary, b), expected_summary)
        assert not np.any(values[b, length:])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_values_and_summary_are_those_of_the_paper(
    cell: str, direction: str
) -> None:
    """Three layers: alternating turns back, a residual meets a residual."""
    encoder = built(cell=cell, direction=direction, num_layers=3, residual=True)

    assert_those_of_the_paper(encoder)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_layers_need_no_residual(direction: str, num_layers: int) -> None:
    assert_those_of_the_paper(
        built(cell="rnn", direction=direction, num_layers=num_layers)
    )


@pytest.mark.parametrize(
    ("direction", "factor"),
    [("forward", 1), ("backward", 1), ("bidirectional", 2), ("alternating", 1)],
)
def test_only_both_directions_double_the_output(
    direction: str, factor: int
) -> None:
    encoder = Encoder(H, direction=direction, num_layers=2)

    assert encoder.output_units == factor * H


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_finite_differences(cell: str) -> None:
    """Two layers, both directions, padding: all that a loop can get wrong."""
    encoder = Encoder(3, cell, num_layers=2, residual=True)
    encoder.build((None, None, 2))
    randomise(encoder)
    words, mask = normal(2, 3, 2), np.arange(3) < [[3], [2]]
    wanted = normal(2, 3, 6, seed=1)

    with tf.GradientTape() as tape:
        inputs = tf.constant(words)
        tape.watch(inputs)
        values, summary = encoder(inputs, tf.constant(mask))
        leaves = tf.nest.flatten(summary)
        weights = normal(len(leaves), 2, 6, seed=2)
        loss = tf.reduce_sum(values * wanted)
        loss += tf.reduce_sum(tf.stack(leaves) * weights)
    variables = encoder.trainable_weights
    slopes = tape.gradient(loss, [inputs, *variables])

    copies = matrices.Values(encoder)
    given = words.astype(np.float64)

    def expected_loss() -> float:
        total = 0.0
        encode = matrices.encoder(copies, encoder)
        for b, length in enumerate((3, 2)):
            values, summary = encode(given[b, :length])
            total += float(np.sum(values * wanted[b, :length]))
            leaves = np.array(tf.nest.flatten(summary))
            total += float(np.sum(leaves * weights[:, b]))
        return total

    nudged = [given, *(copies(variable) for variable in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        expected = reference.gradient(expected_loss, array)
        np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_no_value_and_no_summary(
    cell: str, direction: str
) -> None:
    encoder = built(cell=cell, direction=direction, num_layers=2, residual=True)
    words = normal(B, S, E)
    longer = np.concatenate([words, 100 * normal(B, 4, E, seed=1)], 1)
    mask = np.concatenate([MASK, np.zeros((B, 4), bool)], 1)

    values, summary = run(encoder, words)
    more_values, same_summary = run(encoder, longer, mask)

    assert_near(more_values[:, :S], values, atol=1e-6)
    assert_near(same_summary, summary, atol=1e-6)
    assert not np.any(more_values[:, S:])


@pytest.mark.parametrize("cell", ["lstm", "layer-norm-lstm"])
def test_a_wholly_masked_row_is_zero(cell: str) -> None:
    mask = MASK.copy()
    mask[1] = False
    encoder = built(cell=cell, num_layers=2, residual=True)

    values, summary = run(encoder, normal(B, S, E), mask)

    assert not np.any(values[1])
    for leaf in tf.nest.flatten(summary):
        assert not np.any(leaf[1])
        assert np.any(leaf[0])


def test_the_last_states_are_of_the_last_word_and_the_first() -> None:
    """Forward at the last real word, backward at the first."""
    values, summary = run(built(), normal(B, S, E))

    for b, length in enumerate(LENGTHS):
        forward, backward = values[b, length - 1, :H], values[b, 0, H:]
        expected = np.concatenate([forward, backward])
        np.testing.assert_array_equal(summary.states[-1][0][b], expected)


@pytest.mark.parametrize("cell", CELLS)
def test_backward_is_forward_on_the_reversed_source(cell: str) -> None:
    forward = built(cell=cell, direction="forward", num_layers=2)
    backward = built(cell=cell, direction="backward", num_layers=2)
    words = normal(B, S, E)
    turned = words.copy()
    for b, length in enumerate(LENGTHS):
        turned[b, :length] = words[b, :length][::-1]

    values, summary = run(backward, words)
    turned_values, same_summary = run(forward, turned)

    for b, length in enumerate(LENGTHS):
        expected = turned_values[b, :length][::-1]
        assert_near(values[b, :length], expected, atol=1e-6)
    assert_near(summary, same_summary, atol=1e-6)


def test_an_unknown_direction_is_refused_by_name() -> None:
    message = (
        "Unknown direction 'backwards': expected one of alternating, backward, "
        "bidirectional, forward; did you mean 'backward'"
    )
    with pytest.raises(ValueError, match=message):
        Encoder(H, direction="backwards")


def test_dropout_is_for_training() -> None:
    encoder = built(cell="lstm", dropout=0.5)
    words = normal(B, S, E)

    plain, plain_summary = run(encoder, words)
    same, _ = run(encoder, words, training=False)
    dropped, summary = run(encoder, words, training=True)

    np.testing.assert_array_equal(plain, same)
    kept = dropped != 0
    assert 0 < np.count_nonzero(kept[MASK]) < plain[MASK].numpy().size
    np.testing.assert_allclose(
        tf.boolean_mask(dropped, kept), 2 * tf.boolean_mask(plain, kept)
    )
    assert_near(summary.states, plain_summary.states, atol=0)
    assert_near(summary.mean, np.sum(dropped, 1) / np.c_[LENGTHS])


def test_dropout_comes_before_what_a_residual_adds() -> None:
    """All the upper layer gives is dropped: the lower one's values remain."""
    encoder = built(num_layers=2, residual=True, dropout=0.5)
    lower, upper = encoder.layers
    lower.dropout.rate, upper.dropout.rate = 0.0, 1.0
    words = normal(B, S, E)

    values, _ = run(encoder, words, training=True)

    expected, _ = lower(tf.constant(words), tf.constant(MASK))
    np.testing.assert_array_equal(values, expected)


def test_a_variational_mask_is_one_over_time() -> None:
    encoder = built(dropout=0.5, variational=True, num_layers=2)

    values, _ = run(encoder, normal(B, S, E), np.full((B, S), True))
    dropped, _ = run(
        encoder, normal(B, S, E), np.full((B, S), True), training=True
    )

    assert np.all(values != 0)
    kept = dropped.numpy() != 0
    np.testing.assert_array_equal(kept, np.repeat(kept[:, :1], S, 1))
    assert len({sentence[0].tobytes() for sentence in kept}) == B
    assert 0 < np.count_nonzero(kept[:, 0]) < B * 2 * H


def drawn(dropout: keras.layers.Dropout, *shape: int) -> np.ndarray:
    """What the next call will multiply by, and leave it to be drawn again."""
    seed = dropout.seed_generator.state.numpy()
    mask = dropout(tf.ones(shape), training=True).numpy()
    dropout.seed_generator.state.assign(seed)
    return mask


@pytest.mark.parametrize("cell", CELLS)
def test_variational_dropout_is_that_of_the_paper(cell: str) -> None:
    """Gal and Ghahramani 2016: the masks known, all else is the reference."""
    encoder = built(cell=cell, dropout=0.5, variational=True)
    (layer,) = encoder.layers
    keeps = [drawn(dropout, B, H) for dropout in layer.state_dropouts]
    outputs = drawn(layer.dropout, B, S, 2 * H)
    words = normal(B, S, E)

    values, summary = run(encoder, words, training=True)

    copies = matrices.Values(encoder)
    for b, length in enumerate(LENGTHS):
        encode = matrices.encoder(copies, encoder, [[k[b] for k in keeps]])
        expected, expected_summary = encode(words[b, :length])
        assert_near(values[b, :length], outputs[b, 0] * expected)
        assert_near(row(summary, b).states, expected_summary.states)
    assert len({mask.tobytes() for keep in keeps for mask in keep}) == 2 * B


def test_variational_dropout_is_for_training() -> None:
    words = normal(B, S, E)
    options: dict[str, Any] = {"num_layers": 2, "dropout": 0.5}

    plain = run(built(**options), words)
    variational = run(built(**options, variational=True), words)

    assert_near(variational, plain, atol=0)


@pytest.mark.parametrize(
    "policy", ["float32", "mixed_bfloat16", "mixed_float16"]
)
@pytest.mark.parametrize("cell", ["lstm", "layer-norm-lstm"])
def test_outputs_keep_the_compute_dtype(cell: str, policy: str) -> None:
    encoder = Encoder(
        H,
        cell,
        num_layers=2,
        dropout=0.5,
        residual=True,
        variational=True,
        dtype=policy,
    )

    outputs = run(encoder, normal(B, S, E), training=True)

    dtypes = {leaf.dtype.name for leaf in tf.nest.flatten(outputs)}
    assert dtypes == {encoder.compute_dtype}


def test_a_half_precision_mean_is_of_any_length() -> None:
    """Each 1 or near it: their sum is past what float16 counts."""
    encoder = Encoder(2, "rnn", direction="forward", dtype="mixed_float16")
    encoder.build((None, None, 1))
    (cell,) = encoder.layers[0].cells
    cell.input_projection.bias.assign([9.0, 9.0])

    words, mask = tf.zeros([1, 4099, 1]), tf.fill([1, 4099], True)
    _, summary = tf.function(encoder)(words, mask)

    np.testing.assert_allclose(summary.mean, [[1.0, 1.0]], atol=1e-3)


def test_an_encoder_runs_in_a_graph_of_any_size() -> None:
    encoder = built(
        cell="layer-norm-gru",
        num_layers=2,
        dropout=0.5,
        residual=True,
        variational=True,
    )
    graph = tf.function(
        encoder,
        input_signature=[
            tf.TensorSpec([None, None, E]),
            tf.TensorSpec([None, None], tf.bool),
        ],
    )
    words = normal(B, S, E)

    assert_near(graph(words, MASK), run(encoder, words), atol=1e-6)


def test_a_graph_draws_masks_anew() -> None:
    encoder = built(cell="rnn", dropout=0.5, variational=True)

    @tf.function
    def train() -> Any:
        return run(encoder, normal(B, S, E), training=True)

    (once, once_summary), (again, again_summary) = train(), train()

    assert not np.allclose(once, again)
    assert not np.allclose(once_summary.states[0], again_summary.states[0])


def test_an_encoder_survives_its_config() -> None:
    encoder = built(
        cell="layer-norm-lstm",
        num_layers=2,
        direction="alternating",
        dropout=0.25,
        residual=True,
        variational=True,
    )

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(encoder)
    )
    again.build((None, None, E))
    again.set_weights(encoder.get_weights())

    words = normal(B, S, E)
    assert again.get_config() == encoder.get_config()
    assert_near(run(encoder, words), run(again, words), atol=0)
