"""The attention layers against their papers, their masks and their saving."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src.testing import TestCase

from models import Attention, BahdanauAttention, LuongAttention
from models import attention as attentions
from tests.models import matrices, reference, tiny
from tests.models.tiny import HIDDEN, normal, randomise

B, Q, S, H, M = 2, 3, 5, 7, 11
MASK = np.array([[True] * S, [True, True, True, False, False]])
KINDS = ["bahdanau", "dot", "general", "concat"]
POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]


def built(
    kind: str, query_units: int = H, value_units: int = M, **kwargs: Any
) -> Attention:
    layer = tiny.attention(kind, **kwargs)
    layer.build([(None, None, query_units), (None, None, value_units)])
    return randomise(layer)


def value_units(kind: str) -> int:
    """Dot needs the values to be as wide as the queries."""
    return H if kind == "dot" else M


def inputs(kind: str) -> tuple[np.ndarray, np.ndarray]:
    return normal(B, Q, H, seed=1), normal(B, S, value_units(kind), seed=2)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_context_are_those_of_the_paper(kind: str) -> None:
    layer = built(kind, value_units=value_units(kind))
    query, value = inputs(kind)

    context, weights = layer(
        [query, value], mask=[None, MASK], return_attention_weights=True
    )

    score = matrices.score(matrices.Values(layer), layer)
    for b, q in np.ndindex(B, Q):
        real = MASK[b].sum()
        expected = reference.attend(score, query[b, q], value[b, :real])
        np.testing.assert_allclose(context[b, q], expected[0], atol=1e-5)
        np.testing.assert_allclose(weights[b, q, :real], expected[1], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    query_units, values_units = (3, 3) if kind == "dot" else (3, 2)
    layer = built(kind, query_units, values_units)
    query, value = normal(2, 3, seed=1), normal(5, values_units, seed=2)
    wanted = normal(2, values_units, seed=3)

    with tf.GradientTape() as tape:
        watched = [tf.constant(query[None]), tf.constant(value[None])]
        tape.watch(watched)
        loss = tf.reduce_sum(layer(watched) * wanted)
    variables = layer.trainable_weights
    slopes = tape.gradient(loss, [*watched, *variables])

    values = matrices.Values(layer)
    given = [query.astype(np.float64), value.astype(np.float64)]

    def expected_loss() -> float:
        score = matrices.score(values, layer)
        contexts = [reference.attend(score, q, given[1])[0] for q in given[0]]
        return float(np.sum(wanted * contexts))

    nudged = [*given, *(values(variable) for variable in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        expected = reference.gradient(expected_loss, array)
        np.testing.assert_allclose(
            np.reshape(slope, array.shape), expected, atol=1e-5
        )


def test_a_dot_product_by_hand() -> None:
    """Scores log 3 and 0 are weights 3/4 and 1/4."""
    query = np.array([[[1.0, 0.0]]])
    value = np.array([[[np.log(3), 2.0], [0.0, 4.0]]])

    context, weights = LuongAttention("dot")(
        [query, value], return_attention_weights=True
    )

    np.testing.assert_allclose(weights, [[[0.75, 0.25]]], rtol=1e-6)
    np.testing.assert_allclose(context, [[[0.75 * np.log(3), 2.5]]], rtol=1e-6)


def test_a_query_finds_the_position_it_was_taken_from() -> None:
    value = 9 * np.eye(S, dtype="float32")[None]
    order = [3, 0, 4]

    _, weights = LuongAttention("dot")(
        [value[:, order], value], return_attention_weights=True
    )

    np.testing.assert_allclose(weights[0], np.eye(S)[order], atol=1e-6)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", KINDS)
def test_padding_gets_exactly_nothing(kind: str, policy: str) -> None:
    """Even where its score is the highest by far."""
    layer = built(kind, value_units=value_units(kind), dtype=policy)
    query, value = inputs(kind)
    value[~MASK] = 1000 * np.sign(query[1, 0, 0])

    _, weights = layer(
        [query, value], mask=[None, MASK], return_attention_weights=True
    )

    weights = np.array(tf.cast(weights, tf.float32))
    assert np.all(weights.swapaxes(1, 2)[~MASK] == 0)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-2)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_wholly_masked_row_is_zero_and_so_are_its_gradients(
    kind: str, policy: str
) -> None:
    layer = built(kind, value_units=value_units(kind), dtype=policy)
    query, value = map(tf.constant, inputs(kind))
    mask = np.array([[False] * S, [True] * S])

    with tf.GradientTape() as tape:
        tape.watch([query, value])
        context, weights = layer(
            [query, value], mask=[None, mask], return_attention_weights=True
        )
        loss = tf.reduce_sum(tf.cast(context, tf.float32) ** 2)
    slopes = tape.gradient(loss, [query, value, *layer.trainable_weights])

    assert not np.any(weights[0])
    assert not np.any(context[0])
    assert all(np.all(np.isfinite(slope)) for slope in slopes)
    assert not np.any(slopes[0][0])
    assert np.any(slopes[0][1])


@pytest.mark.parametrize("kind", KINDS)
def test_queries_do_not_see_one_another(kind: str) -> None:
    """So that K beams may share a memory and T steps attend at once."""
    layer = built(kind, value_units=value_units(kind))
    query, value = inputs(kind)
    memory = layer.remember(tf.constant(value), tf.constant(MASK))

    together, weights, state = layer.step(tf.constant(query), memory, ())

    assert state == layer.initial_state(memory, Q) == ()
    assert memory.keys.shape[:2] == (B, S)
    for q in range(Q):
        alone, row, _ = layer.step(tf.constant(query[:, q : q + 1]), memory, ())
        np.testing.assert_allclose(together[:, q], alone[:, 0], atol=1e-6)
        np.testing.assert_allclose(weights[:, q], row[:, 0], atol=1e-6)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", KINDS)
def test_in_a_functional_model_padding_changes_nothing(
    kind: str, policy: str
) -> None:
    """Masks arrive by themselves from `Embedding(mask_zero=True)`."""
    source, target = keras.Input((None,)), keras.Input((None,))
    embed = layers.Embedding(13, H, mask_zero=True, dtype=policy)
    value = embed(source)
    if value_units(kind) != H:
        value = layers.Dense(M, dtype=policy)(value)
    attention = tiny.attention(kind, dtype=policy)
    context = attention([embed(target), value])
    model = randomise(keras.Model([source, target], context))

    words = np.array([[4, 5, 6]])
    short = model([np.array([[7, 8, 9]]), words])
    padded = model([np.array([[7, 8, 9, 0, 0]]), words])

    assert short.dtype.name == attention.compute_dtype
    assert short.shape == (1, 3, value_units(kind))
    np.testing.assert_array_equal(short, padded)
    alone = model([np.array([[7]]), words])  # and says nothing of S = 1
    assert np.max(np.abs(short - alone)) > 1e-2


def test_the_query_mask_goes_on_to_the_next_layer() -> None:
    query = layers.Embedding(13, H, mask_zero=True)(np.array([[4, 5, 0]]))
    value = layers.Embedding(13, M, mask_zero=True)(np.array([[7, 0]]))

    context = BahdanauAttention(HIDDEN)([query, value])

    assert context._keras_mask.numpy().tolist() == [[True, True, False]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_survives_saving(kind: str, tmp_path: Path) -> None:
    width = value_units(kind)
    query, value = keras.Input((None, H)), keras.Input((None, width))
    layer = tiny.attention(kind, name="glimpse")
    model = randomise(keras.Model([query, value], layer([query, value])))

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    given = list(inputs(kind))
    np.testing.assert_array_equal(model(given), again(given))
    assert again.get_layer("glimpse").get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("layer_class", "arguments", "weights"),
    [
        (BahdanauAttention, {"units": HIDDEN}, 3),
        (LuongAttention, {"score": "dot"}, 0),
        (LuongAttention, {"score": "general"}, 1),
        (LuongAttention, {"score": "concat", "units": HIDDEN}, 3),
    ],
)
def test_keras_finds_nothing_wrong(
    layer_class: type[Attention], arguments: dict[str, Any], weights: int
) -> None:
    TestCase().run_layer_test(
        layer_class,
        init_kwargs=arguments,
        input_shape=[(B, Q, H), (B, S, H)],
        expected_output_shape=(B, Q, H),
        expected_num_trainable_weights=weights,
        expected_num_non_trainable_weights=0,
        expected_num_seed_generators=0,
        expected_num_losses=0,
        supports_masking=True,
        run_training_check=False,  # which knows layers of one input alone
    )


def test_concat_is_as_wide_as_the_query_unless_told() -> None:
    layer = LuongAttention("concat")
    layer.build([(None, None, H), (None, None, M)])

    assert layer.query_projection.units == H
    assert built("concat").query_projection.units == HIDDEN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bahdanau", BahdanauAttention(HIDDEN)),
        ("luong-dot", LuongAttention("dot")),
        ("luong-general", LuongAttention("general")),
        ("luong-concat", LuongAttention("concat", HIDDEN)),
    ],
)
def test_layers_are_made_by_name(name: str, expected: Attention) -> None:
    layer = attentions.get(name, HIDDEN, dtype="mixed_bfloat16")

    assert type(layer) is type(expected)
    assert layer.compute_dtype == "bfloat16"
    for option in ("units", "score"):
        assert layer.get_config().get(option) == expected.get_config().get(
            option
        )


def test_an_unknown_attention_is_refused_by_name() -> None:
    message = "Unknown attention 'luong': expected one of bahdanau, luong-con"
    with pytest.raises(ValueError, match=message):
        attentions.get("luong", HIDDEN)


def test_an_unknown_score_is_refused_by_name() -> None:
    message = "Unknown Luong score 'genral': .*; did you mean 'general'"
    with pytest.raises(ValueError, match=message):
        LuongAttention("genral")


def test_dot_refuses_vectors_of_two_sizes() -> None:
    message = "queries of dimension 7 and values of dimension 11; .*'general'"
    with pytest.raises(ValueError, match=message):
        LuongAttention("dot")([normal(B, Q, H), normal(B, S, M)])


def test_units_are_refused_where_they_mean_nothing() -> None:
    with pytest.raises(ValueError, match="units=17 with score='general'"):
        LuongAttention("general", units=17)


def test_attention_without_a_score_says_so() -> None:
    with pytest.raises(TypeError, match="override scores, or use one of its"):
        Attention()([normal(B, Q, H), normal(B, S, M)])
