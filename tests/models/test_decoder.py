"""The decoders against their papers: one step, and all of them."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import BahdanauDecoder, LuongDecoder, PlainDecoder
from models import decoder as decoders
from models.attention import Memory
from models.decoder import Decoder, DecoderState, Step
from tests.models import matrices, reference, tiny
from tests.models.tiny import normal, randomise

# B, S, T, E, M and the tiny sizes H = 13, R = 19, attention 17.
B, S, T, E, M, K = 2, 5, 7, 11, 3, 23
LENGTHS = [5, 3]
MASK = np.arange(S) < np.array(LENGTHS)[:, None]
CASES = [
    ("bahdanau", "", "gru", 1),
    ("bahdanau", "", "lstm", 2),
    ("luong", "luong-general", "gru", 2),
    ("luong", "luong-dot", "lstm", 1),
    ("feeding", "luong-concat", "gru", 2),
    ("feeding", "luong-general", "lstm", 2),
    ("plain", "", "rnn", 1),
    ("plain", "", "lstm", 2),
]
each_decoder = pytest.mark.parametrize(
    ("kind", "score", "cell", "num_layers"), CASES
)


def built(
    kind: str,
    score: str = "luong-general",
    cell: str = "gru",
    num_layers: int = 1,
    **kwargs: Any,
) -> Decoder:
    decoder = tiny.decoder(
        kind, score, cell=cell, num_layers=num_layers, **kwargs
    )
    decoder.build((None, None, E), memory_units(score))
    return randomise(decoder, scale=0.4)


def memory_units(score: str) -> int:
    return tiny.DECODER if score == "luong-dot" else M


def start(decoder: Decoder, score: str, num_queries: int = 1) -> Any:
    """Values, summary, memory and first state of a batch."""
    width = memory_units(score)
    values = tf.constant(normal(B, S, width, seed=1) * MASK[:, :, None])
    summary = tf.constant(normal(B, width, seed=2))
    memory: Any = ()
    if decoder.attention is not None:
        memory = decoder.attention.remember(values, tf.constant(MASK))
    return (
        values,
        summary,
        memory,
        decoder.initial_state(summary, memory, num_queries),
    )


@each_decoder
def test_all_steps_are_those_of_the_paper(
    kind: str, score: str, cell: str, num_layers: int
) -> None:
    decoder = built(kind, score, cell, num_layers)
    words = normal(B, T, E)
    values, summary, memory, state = start(decoder, score)

    steps, last = decoder(tf.constant(words), state, memory)
    readouts = decoder.readout(steps, tf.constant(words))

    copies = matrices.Values(decoder)
    run = matrices.decoder(copies, decoder)
    for b, length in enumerate(LENGTHS):
        states = matrices.bridge(copies, decoder, summary.numpy()[b])
        expected = run(words[b], states, values.numpy()[b, :length])
        close = {"atol": 1e-5}
        np.testing.assert_allclose(steps.output[b], expected.outputs, **close)
        np.testing.assert_allclose(readouts[b], expected.readouts, **close)
        _assert_close(last.cells, expected.states, b)
        if kind == "plain":
            continue
        np.testing.assert_allclose(steps.context[b], expected.contexts, **close)
        weights = steps.weights.numpy()[b]
        np.testing.assert_allclose(
            weights[:, :length], expected.weights, **close
        )
        assert not np.any(weights[:, length:])


def _assert_close(state: Any, expected: Any, b: int) -> None:
    for leaves, wanted in zip(state, expected, strict=True):
        for leaf, array in zip(leaves, wanted, strict=True):
            np.testing.assert_allclose(leaf[b, 0], array, atol=1e-5)


@each_decoder
def test_steps_one_by_one_are_all_steps_at_once(
    kind: str, score: str, cell: str, num_layers: int
) -> None:
    decoder = built(kind, score, cell, num_layers)
    words = tf.constant(normal(B, T, E))
    _, _, memory, state = start(decoder, score)

    at_once, last = decoder(words, state, memory)
    steps = []
    for t in range(T):
        projected = decoder.project(words[:, t : t + 1])
        result, state = decoder.step(projected, state, memory)
        steps.append(result)

    stacked = tf.nest.map_structure(lambda *xs: tf.concat(xs, 1), *steps)
    tf.nest.map_structure(_assert_equal, stacked, at_once)
    tf.nest.map_structure(_assert_equal, state, last)


def _assert_equal(a: tf.Tensor, b: tf.Tensor) -> None:
    np.testing.assert_allclose(a, b, atol=1e-6)


@each_decoder
def test_gradients_are_those_of_finite_differences(
    kind: str, score: str, cell: str, num_layers: int
) -> None:
    """Of every weight and input, along directions drawn at random."""
    decoder = built(kind, score, cell, num_layers)
    words, wanted = normal(B, T, E), normal(B, T, tiny.READOUT, seed=3)
    values, summary, _, _ = start(decoder, score)
    inputs = [tf.constant(words), values, summary]

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        memory: Any = ()
        if decoder.attention is not None:
            memory = decoder.attention.remember(values, tf.constant(MASK))
        state = decoder.initial_state(summary, memory)
        steps, _ = decoder(inputs[0], state, memory)
        readouts = decoder.readout(steps, inputs[0])
        loss = tf.reduce_sum(readouts * wanted)
    variables = decoder.trainable_weights
    slopes = tape.gradient(
        loss, [*inputs, *variables], unconnected_gradients="zero"
    )

    copies = matrices.Values(decoder)
    given = [x.numpy().astype(np.float64) for x in inputs]

    def expected_loss() -> float:
        run, total = matrices.decoder(copies, decoder), 0.0
        for b, length in enumerate(LENGTHS):
            states = matrices.bridge(copies, decoder, given[2][b])
            steps = run(given[0][b], states, given[1][b, :length])
            total += float(np.sum(steps.readouts * wanted[b]))
        return total

    rng = np.random.default_rng(7)
    nudged = [*given, *(copies(variable) for variable in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        direction = rng.normal(size=array.shape)
        expected = reference.slope(expected_loss, array, direction, 1e-5)
        got = np.sum(slope.numpy() * direction)
        assert got == pytest.approx(expected, rel=1e-4, abs=1e-4)


@each_decoder
def test_queries_of_a_sentence_are_independent(
    kind: str, score: str, cell: str, num_layers: int
) -> None:
    """K beams over one memory are K decoders."""
    decoder = built(kind, score, cell, num_layers)
    words = tf.constant(normal(B, K, E))
    _, _, memory, one = start(decoder, score)
    *_, state = start(decoder, score, num_queries=K)
    projected = decoder.project(words)

    first, state = decoder.step(projected, state, memory)
    second, _ = decoder.step(projected, state, memory)

    for k in (0, 1, K - 1):
        word = projected[:, k : k + 1]
        alone, middle = decoder.step(word, one, memory)
        _assert_equal(first.output[:, k], alone.output[:, 0])
        alone, _ = decoder.step(word, middle, memory)
        _assert_equal(second.output[:, k], alone.output[:, 0])


@pytest.mark.parametrize("kind", ["bahdanau", "luong", "feeding", "plain"])
def test_the_state_holds_a_leaf_for_everything_and_nothing_else(
    kind: str,
) -> None:
    decoder = built(kind, cell="lstm", num_layers=2)

    *_, state = start(decoder, "luong-general", num_queries=K)

    shapes = tf.nest.map_structure(lambda x: tuple(x.shape), state)
    leaf = (B, K, tiny.DECODER)
    feed = (B, K, tiny.READOUT) if kind == "feeding" else ()
    assert shapes == DecoderState(((leaf, leaf), (leaf, leaf)), feed, ())


def test_a_decoder_without_attention_has_neither_context_nor_weights() -> None:
    decoder = built("plain")
    *_, memory, state = start(decoder, "luong-general")

    steps, _ = decoder(tf.constant(normal(B, T, E)), state, memory)

    assert steps[1:] == Step((), (), ())[1:]


def test_dropout_is_on_the_readout_and_for_training() -> None:
    decoder = built("luong", dropout=0.5)
    words = tf.constant(normal(B, T, E))
    *_, memory, state = start(decoder, "luong-general")

    plain, _ = decoder(words, state, memory)
    trained, _ = decoder(words, state, memory, training=True)

    _assert_equal(plain.output, trained.output)
    _assert_equal(decoder.readout(plain, words), plain.output)
    layer = decoder.dropout
    assert np.any(layer(plain.output, training=True) == 0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@each_decoder
def test_states_and_steps_keep_the_compute_dtype(
    kind: str, score: str, cell: str, num_layers: int, policy: str
) -> None:
    """A loop's state must not change its dtype on the way."""
    decoder = built(kind, score, cell, num_layers, dtype=policy)
    words = tf.cast(normal(B, T, E), decoder.compute_dtype)
    *_, memory, state = start(decoder, score)

    steps, last = decoder(words, state, memory)

    leaves = tf.nest.flatten((state, steps, last))
    assert {leaf.dtype.name for leaf in leaves} == {decoder.compute_dtype}


@each_decoder
def test_a_decoder_survives_its_config(
    kind: str, score: str, cell: str, num_layers: int
) -> None:
    decoder = built(kind, score, cell, num_layers, dropout=0.25)

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(decoder)
    )
    again.build((None, None, E), memory_units(score))
    again.set_weights(decoder.get_weights())

    words = tf.constant(normal(B, T, E))
    *_, memory, state = start(decoder, score)
    *_, new_memory, new_state = start(again, score)
    expected, _ = decoder(words, state, memory)
    found, _ = again(words, new_state, new_memory)
    assert type(again) is type(decoder)
    assert again.get_config() == decoder.get_config()
    tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize("kind", [BahdanauDecoder, LuongDecoder])
def test_a_decoder_with_attention_asks_for_it(kind: type[Decoder]) -> None:
    with pytest.raises(ValueError, match="got no attention layer; pass one"):
        kind(7, 11)


def test_a_decoder_without_attention_refuses_it() -> None:
    with pytest.raises(ValueError, match="'looker' as attention and has no"):
        PlainDecoder(7, 11, tiny.attention("luong-dot", name="looker"))


def test_an_unknown_decoder_is_refused_by_name() -> None:
    message = "Unknown decoder 'loung': .* plain; did you mean 'luong'"
    with pytest.raises(ValueError, match=message):
        decoders.get("loung")


def test_a_decoder_without_a_step_says_so() -> None:
    with pytest.raises(TypeError, match="bahdanau, luong, plain, or override"):
        Decoder(7, 11).step(tf.ones([1, 1, 21]), DecoderState(()), Memory)
