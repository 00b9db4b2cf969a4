"""The attention layers against their papers, their masks and their saving."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src.testing import TestCase

import models
from models import (
    Attention,
    BahdanauAttention,
    BahdanauMonotonicAttention,
    LocalMonotonic,
    LocalPredictive,
    LuongAttention,
    LuongConcatAttention,
    LuongDotAttention,
    MultiHeadAttention,
)
from models import attention as attentions
from models.attention import ATTENTIONS
from models.attention import windows as attention_windows
from models.attention.windows import WINDOWS, Window
from tests.models import attention_matrices as matrices
from tests.models import reference
from tests.models.matrices import Values
from tests.models.tiny import HIDDEN, normal, randomise

B, Q, S, H, M = 2, 3, 5, 7, 11
HEADS = 13
MASK = np.array([[True] * S, [True, True, True, False, False]])
POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]

each_attention = pytest.mark.parametrize("name", ATTENTIONS)
each_policy = pytest.mark.parametrize("policy", POLICIES)
each_window = pytest.mark.parametrize("window", [None, *WINDOWS])


def new(kind: str, window: str | None = None, /, **kwargs: Any) -> Attention:
    """Any of the family, without noise: the references have none."""
    if kind == "multi-head":
        kwargs["num_heads"] = HEADS
    if "monotonic" in kind:
        kwargs["noise"] = 0.0
    policy = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
    if window is not None:
        kwargs["window"] = attention_windows.get(window)(1.5, **policy)
    units = 2 * HEADS if kind == "multi-head" else HIDDEN
    return attentions.get(kind, units, **kwargs)


def built(
    name: str,
    window: str | None = None,
    query_units: int = H,
    value_units: int | None = None,
    **kwargs: Any,
) -> Attention:
    layer = new(name, window, **kwargs)
    width = value_units or width_of(name)
    layer.build([(None, None, query_units), (None, None, width)])
    layer.input_units = width
    return randomise(layer)


def width_of(name: str) -> int:
    """Dot needs the values to be as wide as the queries."""
    return H if name == "luong-dot" else M


def inputs(name: str) -> tuple[np.ndarray, np.ndarray]:
    return normal(B, Q, H, seed=1), normal(B, S, width_of(name), seed=2)


@each_window
@pytest.mark.parametrize("training", [False, True])
@each_attention
def test_weights_and_context_are_those_of_the_paper(
    name: str, training: bool, window: str | None
) -> None:
    layer = built(name, window)
    query, value = inputs(name)

    context, weights = layer(
        [query, value],
        mask=[None, MASK],
        return_attention_weights=True,
        training=training,
    )

    run = matrices.attention(Values(layer), layer, training=training)
    for b in range(B):
        real = MASK[b].sum()
        contexts, rows = run(query[b], value[b, :real])
        np.testing.assert_allclose(context[b], contexts, atol=1e-5)
        np.testing.assert_allclose(weights[b, :, :real], rows, atol=1e-5)
        assert not np.any(weights[b, :, real:])


@each_window
@each_attention
def test_gradients_are_those_of_finite_differences(
    name: str, window: str | None
) -> None:
    width = 3 if name == "luong-dot" else 2
    layer = built(name, window, 3, width)
    query, value = normal(2, 3, seed=1), normal(5, width, seed=2)
    wanted = normal(2, layer.output_units(width), seed=3)

    with tf.GradientTape() as tape:
        watched = [tf.constant(query[None]), tf.constant(value[None])]
        tape.watch(watched)
        loss = tf.reduce_sum(layer(watched, training=True) * wanted)
    variables = layer.trainable_weights
    slopes = tape.gradient(
        loss, [*watched, *variables], unconnected_gradients="zero"
    )

    values = Values(layer)
    run = matrices.attention(values, layer, training=True)
    given = [query.astype(np.float64), value.astype(np.float64)]

    def expected_loss() -> float:
        return float(np.sum(wanted * run(*given)[0]))

    rng = np.random.default_rng(7)
    nudged = [*given, *(values(variable) for variable in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        direction = rng.normal(size=array.shape)
        expected = reference.slope(expected_loss, array, direction, 1e-5)
        got = np.sum(np.reshape(slope, array.shape) * direction)
        assert got == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_dot_product_by_hand() -> None:
    """Scores log 3 and 0 are weights 3/4 and 1/4."""
    query = np.array([[[1.0, 0.0]]])
    value = np.array([[[np.log(3), 2.0], [0.0, 4.0]]])

    context, weights = LuongDotAttention()(
        [query, value], return_attention_weights=True
    )

    np.testing.assert_allclose(weights, [[[0.75, 0.25]]], rtol=1e-6)
    np.testing.assert_allclose(context, [[[0.75 * np.log(3), 2.5]]], rtol=1e-6)


def test_a_query_finds_the_position_it_was_taken_from() -> None:
    value = 9 * np.eye(S, dtype="float32")[None]
    order = [3, 0, 4]

    _, weights = LuongDotAttention()(
        [value[:, order], value], return_attention_weights=True
    )

    np.testing.assert_allclose(weights[0], np.eye(S)[order], atol=1e-6)


@each_policy
@each_window
@each_attention
def test_padding_gets_exactly_nothing(
    name: str, window: str | None, policy: str
) -> None:
    """Even where its score is the highest by far."""
    layer = built(name, window, dtype=policy)
    query, value = inputs(name)
    value[~MASK] = 1000 * np.sign(query[1, 0, 0])

    _, weights = layer(
        [query, value], mask=[None, MASK], return_attention_weights=True
    )

    weights = np.array(tf.cast(weights, tf.float32))
    assert np.all(weights.swapaxes(1, 2)[~MASK] == 0)
    assert np.all((weights >= 0) & (weights.sum(-1, keepdims=True) <= 1.01))
    if "monotonic" not in name and window != "local-p":
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-2)


@each_policy
@each_window
@each_attention
def test_a_wholly_masked_row_is_zero_and_so_are_its_gradients(
    name: str, window: str | None, policy: str
) -> None:
    layer = built(name, window, dtype=policy)
    query, value = map(tf.constant, inputs(name))
    mask = np.array([[False] * S, [True] * S])

    with tf.GradientTape() as tape:
        tape.watch([query, value])
        context, weights = layer(
            [query, value],
            mask=[None, mask],
            return_attention_weights=True,
            training=True,
        )
        loss = tf.reduce_sum(tf.cast(context, tf.float32) ** 2)
    slopes = tape.gradient(
        loss,
        [query, value, *layer.trainable_weights],
        unconnected_gradients="zero",
    )

    assert not np.any(weights[0])
    assert not np.any(context[0])
    assert all(np.all(np.isfinite(slope)) for slope in slopes)
    assert not np.any(slopes[0][0])
    assert np.any(slopes[0][1])
    assert np.any(slopes[1][1])


@each_window
@each_attention
def test_queries_do_not_see_one_another(name: str, window: str | None) -> None:
    """So that K beams may share a memory, each with a past of its own."""
    layer = built(name, window)
    query, value = inputs(name)
    memory = layer.remember(tf.constant(value), tf.constant(MASK))

    state = layer.initial_state(memory, Q)
    _, _, state = layer.step(tf.constant(query), memory, state)
    together, weights, state = layer.step(tf.constant(query), memory, state)

    assert all(leaf.shape[:2] == (B, Q) for leaf in state.values())
    for q in range(Q):
        one = tf.constant(query[:, q : q + 1])
        first = layer.step(one, memory, layer.initial_state(memory, 1))
        alone, row, _ = layer.step(one, memory, first[2])
        np.testing.assert_allclose(together[:, q], alone[:, 0], atol=1e-5)
        np.testing.assert_allclose(weights[:, q], row[:, 0], atol=1e-6)


@pytest.mark.parametrize("name", ["bahdanau", "luong-general", "multi-head"])
def test_what_has_no_past_attends_for_all_steps_at_once(name: str) -> None:
    layer = built(name)
    query, value = inputs(name)
    memory = layer.remember(tf.constant(value), tf.constant(MASK))

    assert layer.initial_state(memory, Q) == {}
    at_once, _, _ = layer.step(tf.constant(query), memory, {})

    np.testing.assert_array_equal(
        at_once, layer([query, value], mask=[None, MASK])
    )


@each_policy
@each_window
@each_attention
def test_a_state_keeps_its_dtypes(
    name: str, window: str | None, policy: str
) -> None:
    """A loop's state must not change its dtype on the way."""
    layer = built(name, window, dtype=policy)
    query, value = inputs(name)
    memory = layer.remember(tf.constant(value), tf.constant(MASK))
    state = layer.initial_state(memory, Q)

    context, weights, after = layer.step(tf.constant(query), memory, state)

    dtypes = {key: leaf.dtype for key, leaf in state.items()}
    assert {key: leaf.dtype for key, leaf in after.items()} == dtypes
    assert context.dtype.name == weights.dtype.name == layer.compute_dtype


@pytest.mark.parametrize("window", [None, "local-m", "local-p"])
@each_attention
def test_in_a_functional_model_padding_changes_nothing(
    name: str, window: str | None
) -> None:
    """Masks arrive by themselves from `Embedding(mask_zero=True)`."""
    source, target = keras.Input((None,)), keras.Input((None,))
    embed = layers.Embedding(13, H, mask_zero=True)
    value = embed(source)
    if width_of(name) != H:
        value = layers.Dense(M)(value)
    attention = new(name, window)
    context = attention([embed(target), value])
    model = randomise(keras.Model([source, target], context))

    words = np.array([[4, 5, 6]])
    short = model([np.array([[7, 8, 9]]), words])
    padded = model([np.array([[7, 8, 9, 0, 0]]), words])

    width = attention.output_units(width_of(name))
    assert context.shape == (None, None, width)
    assert short.shape == (1, 3, width)
    np.testing.assert_allclose(short, padded, atol=1e-5)
    alone = model([np.array([[7]]), words])  # and says nothing of S = 1
    if "monotonic" not in name:  # which may have looked at the first alone
        assert np.max(np.abs(short - alone)) > 1e-2


def test_the_query_mask_goes_on_to_the_next_layer() -> None:
    query = layers.Embedding(13, H, mask_zero=True)(np.array([[4, 5, 0]]))
    value = layers.Embedding(13, M, mask_zero=True)(np.array([[7, 0]]))

    context = BahdanauAttention(HIDDEN)([query, value])

    assert context._keras_mask.numpy().tolist() == [[True, True, False]]


def functional(layer: Attention, name: str) -> keras.Model:
    width = width_of(name)
    given = [keras.Input((None, H)), keras.Input((None, width))]
    return randomise(keras.Model(given, layer(given)))


@each_window
@each_attention
def test_a_layer_survives_saving(
    name: str, window: str | None, tmp_path: Path
) -> None:
    layer = new(name, window, name="glimpse")
    model = functional(layer, name)

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    given = list(inputs(name))
    np.testing.assert_array_equal(model(given), again(given))
    loaded = again.get_layer("glimpse")
    assert options_of(loaded) == options_of(layer)


@pytest.mark.parametrize(
    "name", [name for name in ATTENTIONS if name != "luong-dot"]
)
def test_a_layer_trains_in_fit(name: str) -> None:
    """Luong's dot score has no weights to train."""
    model = functional(new(name), name)
    given = list(inputs(name))
    before = [weight.numpy() for weight in model.trainable_weights]

    model.compile("sgd", "mse", jit_compile=False)
    wanted = np.ones((B, Q, model.output_shape[-1]))
    model.fit(given, wanted, batch_size=1, verbose=0)

    after = [weight.numpy() for weight in model.trainable_weights]
    assert model.optimizer.iterations == 2
    assert any(np.any(a != b) for a, b in zip(after, before, strict=True))


def options_of(layer: Attention) -> dict[str, Any]:
    """All that made it; a window's place in the graph is not part of it."""
    window = layer.window and layer.window.get_config()
    return {**layer.get_config(), "window": window}


ATTENTION_CLASSES = sorted(
    name for name in models.__all__ if name.endswith("Attention")
)
WEIGHTS = {
    "BahdanauAttention": 3,
    "BahdanauMonotonicAttention": 6,
    "CoverageAttention": 5,
    "LocationSensitiveAttention": 6,
    "LuongAttention": 1,
    "LuongConcatAttention": 3,
    "LuongDotAttention": 0,
    "LuongMonotonicAttention": 2,
    "MultiHeadAttention": 4,
    "ScaledDotProductAttention": 3,
}


@pytest.mark.parametrize("window", [None, LocalMonotonic, LocalPredictive])
@pytest.mark.parametrize("name", WEIGHTS)
def test_keras_finds_nothing_wrong(
    name: str, window: type[Window] | None
) -> None:
    attention = getattr(models, name)
    arguments: dict[str, Any] = {} if "Luong" in name else {"units": 2 * HEADS}
    if name == "MultiHeadAttention":
        arguments["num_heads"] = HEADS
    if name == "LuongConcatAttention":
        arguments["units"] = HIDDEN
    if window is not None:
        arguments["window"] = window(1.5)
    width = 2 * HEADS if name in PROJECTING else H
    random = "Monotonic" in name
    TestCase().run_layer_test(
        attention,
        init_kwargs=arguments,
        input_shape=[(B, Q, H), (B, S, H)],
        expected_output_shape=(B, Q, width),
        expected_num_trainable_weights=WEIGHTS[name]
        + 2 * (window is LocalPredictive),
        expected_num_non_trainable_weights=0,
        expected_num_seed_generators=int(random),
        expected_num_non_trainable_variables=int(random),
        expected_num_losses=0,
        supports_masking=True,
        run_training_check=False,  # which knows layers of one input alone
    )


PROJECTING = {"ScaledDotProductAttention", "MultiHeadAttention"}


def test_keras_has_looked_at_every_attention() -> None:
    assert sorted([*WEIGHTS, "Attention"]) == ATTENTION_CLASSES


@pytest.mark.parametrize(
    ("name", "expected", "options"),
    [
        ("bahdanau", BahdanauAttention, {"normalized": False}),
        ("bahdanau-normalized", BahdanauAttention, {"normalized": True}),
        ("luong-dot", LuongDotAttention, {"scaled": False}),
        ("luong-general", LuongAttention, {"scaled": False}),
        ("luong-scaled", LuongAttention, {"scaled": True}),
        ("luong-concat", LuongConcatAttention, {"units": HIDDEN}),
        ("monotonic-bahdanau", BahdanauMonotonicAttention, {"units": HIDDEN}),
    ],
)
def test_layers_are_made_by_name(
    name: str, expected: type[Attention], options: dict[str, Any]
) -> None:
    layer = attentions.get(name, HIDDEN, dtype="mixed_bfloat16")

    assert type(layer) is expected
    assert layer.compute_dtype == "bfloat16"
    assert layer.get_config().items() >= options.items()


@pytest.mark.parametrize(
    ("get", "name", "message"),
    [
        (
            lambda name: attentions.get(name, HIDDEN),
            "luong",
            "Unknown attention 'luong': expected one of bahdanau, bahdanau-nor",
        ),
        (
            attention_windows.get,
            "local",
            "Unknown window 'local': expected one of local-m, local-p; did",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(
    get: Any, name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        get(name)


def test_dot_refuses_vectors_of_two_sizes() -> None:
    message = "queries of dimension 7 and values of dimension 11; .*LuongAtt"
    with pytest.raises(ValueError, match=message):
        LuongDotAttention()([normal(B, Q, H), normal(B, S, M)])


def test_heads_that_do_not_share_the_units_are_refused() -> None:
    with pytest.raises(ValueError, match="units=17 and num_heads=5; every"):
        MultiHeadAttention(17, num_heads=5)


def test_a_window_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="half_width=0; a window must hold"):
        LocalMonotonic(0)


def test_attention_without_a_score_says_so() -> None:
    with pytest.raises(TypeError, match="override scores, or use one of its"):
        Attention()([normal(B, Q, H), normal(B, S, M)])


def test_a_window_without_a_centre_says_so() -> None:
    layer = LuongAttention(window=Window(2))
    with pytest.raises(TypeError, match="use one of local-m, local-p, or"):
        layer([normal(B, Q, H), normal(B, S, M)])
