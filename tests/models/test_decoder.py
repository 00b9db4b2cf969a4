"""The decoders against their papers: one step, and all of them."""

from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import (
    BahdanauAttention,
    BahdanauDecoder,
    ConditionalDecoder,
    LuongDecoder,
    PlainDecoder,
)
from models import decoder as decoders
from models import readout as readouts
from models.attention import Memory
from models.attention.windows import LocalMonotonic
from models.decoder import Decoder, DecoderState, Step
from models.encoder import Summary
from tests.models import matrices, reference, tiny
from tests.models.tiny import normal, randomise

# B, S, T, E, M and the tiny sizes H = 13, R = 19, attention 17.
B, S, T, E, M, K = 2, 5, 7, 11, 3, 23
LENGTHS = [5, 3]
MASK = np.arange(S) < np.array(LENGTHS)[:, None]
CASES: dict[str, dict[str, Any]] = {
    "bahdanau": {"kind": "bahdanau"},
    "bahdanau-lstm-2": {"kind": "bahdanau", "cell": "lstm", "num_layers": 2},
    "bahdanau-residual-maxout": {
        "kind": "bahdanau",
        "num_layers": 3,
        "residual": True,
        "activation": "maxout",
        "bridge": "mean",
    },
    "conditional": {"kind": "conditional"},
    "conditional-lstm-residual": {
        "kind": "conditional",
        "cell": "lstm",
        "num_layers": 2,
        "residual": True,
    },
    "conditional-rnn-maxout": {
        "kind": "conditional",
        "cell": "rnn",
        "activation": "maxout",
        "bridge": "zero",
    },
    "luong-2": {"kind": "luong", "num_layers": 2},
    "luong-dot-last": {
        "kind": "luong",
        "score": "luong-dot",
        "cell": "lstm",
        "bridge": "last",
    },
    "feeding-concat-2": {
        "kind": "feeding",
        "score": "luong-concat",
        "num_layers": 2,
    },
    "feeding-lstm-residual": {
        "kind": "feeding",
        "cell": "lstm",
        "num_layers": 2,
        "residual": True,
    },
    "plain-rnn": {"kind": "plain", "cell": "rnn"},
    "plain-lstm-2": {
        "kind": "plain",
        "cell": "lstm",
        "num_layers": 2,
        "activation": "maxout",
    },
}
each_decoder = pytest.mark.parametrize("name", CASES)
attending = pytest.mark.parametrize(
    "name", ["bahdanau", "conditional", "luong-2", "feeding-lstm-residual"]
)


def built(name: str, **changes: Any) -> Decoder:
    decoder = tiny.decoder(**{**CASES[name], **changes})
    decoder.build((None, None, E), memory_units(name))
    return randomise(decoder, scale=0.4)


def memory_units(name: str) -> int:
    return tiny.DECODER if name == "luong-dot-last" else M


class Inputs(NamedTuple):
    """A batch of what an encoder gives, and target words."""

    words: tf.Tensor  # (B, T, E)
    values: tf.Tensor  # (B, S, M), zero on padding
    summary: Summary

    def sentence(self, b: int) -> tuple[Any, Any, reference.Summary]:
        """One row, without its padding, in float64."""
        words, values, *leaves = (
            np.asarray(x[b], np.float64) for x in tf.nest.flatten(self)
        )
        summary = tf.nest.pack_sequence_as(self.summary, leaves)
        return words, values[: LENGTHS[b]], reference.Summary(*summary)


def given(name: str) -> Inputs:
    """The encoder has one layer more than the decoder, and two leaves."""
    width = memory_units(name)
    layers = CASES[name].get("num_layers", 1) + 1
    states = tuple(
        (normal(B, width, seed=10 + i), normal(B, width, seed=20 + i))
        for i in range(layers)
    )
    inputs = Inputs(
        normal(B, T, E),
        normal(B, S, width, seed=1) * MASK[:, :, None],
        Summary(states, normal(B, width, seed=2)),
    )
    return tf.nest.map_structure(tf.constant, inputs)


def start(
    decoder: Decoder, inputs: Inputs, num_queries: int = 1
) -> tuple[Any, DecoderState]:
    """Memory and first state."""
    memory: Any = ()
    if decoder.attention is not None:
        memory = decoder.attention.remember(inputs.values, tf.constant(MASK))
    return memory, decoder.initial_state(inputs.summary, memory, num_queries)


@each_decoder
def test_all_steps_are_those_of_the_paper(name: str) -> None:
    decoder, inputs = built(name), given(name)
    memory, state = start(decoder, inputs)

    steps, last = decoder(inputs.words, state, memory)
    readouts = decoder.readout(steps, inputs.words)

    copies = matrices.Values(decoder)
    run = matrices.decoder(copies, decoder)
    for b, length in enumerate(LENGTHS):
        words, values, summary = inputs.sentence(b)
        states = matrices.bridge(copies, decoder, summary)
        _assert_close(state.cells, states, b)
        expected = run(words, states, values)
        close = {"atol": 1e-5}
        np.testing.assert_allclose(steps.output[b], expected.outputs, **close)
        np.testing.assert_allclose(readouts[b], expected.readouts, **close)
        _assert_close(last.cells, expected.states, b)
        if decoder.attention is None:
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
def test_steps_one_by_one_are_all_steps_at_once(name: str) -> None:
    decoder, inputs = built(name), given(name)

    _assert_one_by_one_is_at_once(decoder, inputs)


@attending
def test_attention_with_a_past_sees_the_steps_in_turn(name: str) -> None:
    decoder = built(name, window=LocalMonotonic(1))

    _assert_one_by_one_is_at_once(decoder, given(name))


def _assert_one_by_one_is_at_once(decoder: Decoder, inputs: Inputs) -> None:
    memory, state = start(decoder, inputs)
    at_once, last = decoder(inputs.words, state, memory)
    steps = []
    for t in range(T):
        projected = decoder.project(inputs.words[:, t : t + 1])
        result, state = decoder.step(projected, state, memory)
        steps.append(result)

    stacked = tf.nest.map_structure(lambda *xs: tf.concat(xs, 1), *steps)
    tf.nest.map_structure(_assert_equal, stacked, at_once)
    tf.nest.map_structure(_assert_equal, state, last)


def _assert_equal(a: tf.Tensor, b: tf.Tensor) -> None:
    np.testing.assert_allclose(a, b, atol=1e-6)


@each_decoder
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    """Of every weight and input, along directions drawn at random."""
    decoder, inputs = built(name), given(name)
    wanted = normal(B, T, tiny.READOUT, seed=3)
    variables = decoder.trainable_weights

    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(inputs))
        memory, state = start(decoder, inputs)
        steps, _ = decoder(inputs.words, state, memory)
        loss = tf.reduce_sum(decoder.readout(steps, inputs.words) * wanted)
    slopes = tape.gradient(
        loss,
        [*tf.nest.flatten(inputs), *variables],
        unconnected_gradients="zero",
    )

    copies = matrices.Values(decoder)
    exact = tf.nest.map_structure(
        lambda x: x.numpy().astype(np.float64), inputs
    )

    def expected_loss() -> float:
        run, total = matrices.decoder(copies, decoder), 0.0
        for b in range(B):
            words, values, summary = exact.sentence(b)
            states = matrices.bridge(copies, decoder, summary)
            readouts = run(words, states, values).readouts
            total += float(np.sum(readouts * wanted[b]))
        return total

    rng = np.random.default_rng(7)
    nudged = [*tf.nest.flatten(exact), *(copies(one) for one in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        direction = rng.normal(size=array.shape)
        expected = reference.slope(expected_loss, array, direction, 1e-5)
        got = np.sum(slope.numpy() * direction)
        assert got == pytest.approx(expected, rel=1e-4, abs=1e-4)


@each_decoder
def test_queries_of_a_sentence_are_independent(name: str) -> None:
    """K beams over one memory are K decoders."""
    decoder, inputs = built(name), given(name)
    words = tf.constant(normal(B, K, E))
    memory, one = start(decoder, inputs)
    _, state = start(decoder, inputs, num_queries=K)
    projected = decoder.project(words)

    first, state = decoder.step(projected, state, memory)
    second, _ = decoder.step(projected, state, memory)

    for k in (0, 1, K - 1):
        word = projected[:, k : k + 1]
        alone, middle = decoder.step(word, one, memory)
        _assert_equal(first.output[:, k], alone.output[:, 0])
        alone, _ = decoder.step(word, middle, memory)
        _assert_equal(second.output[:, k], alone.output[:, 0])


@each_decoder
def test_the_state_holds_a_leaf_for_everything_and_nothing_else(
    name: str,
) -> None:
    decoder = built(name)
    leaves, num_layers = decoder.cells[0].leaves, decoder.num_layers

    _, state = start(decoder, given(name), num_queries=K)

    shapes = tf.nest.map_structure(lambda x: tuple(x.shape), state)
    cells = (((B, K, tiny.DECODER),) * leaves,) * num_layers
    feed = (B, K, tiny.READOUT) if "feeding" in name else ()
    attention: Any = () if "plain" in name else {}
    assert shapes == DecoderState(cells, feed, attention)


def test_a_decoder_without_attention_has_neither_context_nor_weights() -> None:
    decoder, inputs = built("plain-rnn"), given("plain-rnn")
    memory, state = start(decoder, inputs)

    steps, _ = decoder(inputs.words, state, memory)

    assert steps[1:] == Step((), (), ())[1:]


class TwiceTheContext(BahdanauAttention):
    """Context vectors twice as wide as the values."""

    def output_units(self, value_units: int) -> int:
        return 2 * value_units

    def step(self, query: Any, memory: Any, state: Any) -> Any:
        context, weights, state = super().step(query, memory, state)
        return tf.concat([context, context], -1), weights, state


@pytest.mark.parametrize(
    "kind", [BahdanauDecoder, ConditionalDecoder, LuongDecoder]
)
def test_a_context_may_be_wider_than_the_values(kind: type[Decoder]) -> None:
    decoder = kind(tiny.DECODER, tiny.READOUT, TwiceTheContext(tiny.HIDDEN))
    inputs = given("bahdanau")
    decoder.build((None, None, E), M)
    memory, state = start(decoder, inputs)

    steps, _ = decoder(inputs.words, state, memory)

    assert steps.context.shape == (B, T, 2 * M)
    assert decoder.readout(steps, inputs.words).shape == (B, T, tiny.READOUT)


def test_dropout_is_on_the_readout_and_for_training() -> None:
    decoder, inputs = built("luong-2", dropout=0.5), given("luong-2")
    words = inputs.words
    memory, state = start(decoder, inputs)

    plain, _ = decoder(words, state, memory)
    trained, _ = decoder(words, state, memory, training=True)

    _assert_equal(plain.output, trained.output)
    _assert_equal(decoder.readout(plain, words), plain.output)
    layer = decoder.dropout
    assert np.any(layer(plain.output, training=True) == 0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@each_decoder
def test_states_and_steps_keep_the_compute_dtype(
    name: str, policy: str
) -> None:
    """A loop's state must not change its dtype on the way."""
    decoder = built(name, dtype=policy)
    inputs = tf.nest.map_structure(
        lambda x: tf.cast(x, decoder.compute_dtype), given(name)
    )
    memory, state = start(decoder, inputs)

    steps, last = decoder(inputs.words, state, memory)

    read = decoder.readout(steps, inputs.words)
    leaves = tf.nest.flatten((state, steps, last, read))
    assert {leaf.dtype.name for leaf in leaves} == {decoder.compute_dtype}


@each_decoder
def test_a_decoder_survives_its_config(name: str) -> None:
    decoder, inputs = built(name, dropout=0.25), given(name)

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(decoder)
    )
    again.build((None, None, E), memory_units(name))
    again.set_weights(decoder.get_weights())

    found, expected = [], []
    for one, steps in ((again, found), (decoder, expected)):
        memory, state = start(one, inputs)
        steps += one(inputs.words, state, memory)
        steps += [one.readout(steps[0], inputs.words)]
    assert type(again) is type(decoder)
    assert again.get_config() == decoder.get_config()
    tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize(
    "kind", [BahdanauDecoder, ConditionalDecoder, LuongDecoder]
)
def test_a_decoder_with_attention_asks_for_it(kind: type[Decoder]) -> None:
    with pytest.raises(ValueError, match="got no attention layer; pass one"):
        kind(7, 11)


def test_a_decoder_without_attention_refuses_it() -> None:
    with pytest.raises(ValueError, match="'looker' as attention and has no"):
        PlainDecoder(7, 11, tiny.attention("luong-dot", name="looker"))


def test_an_attentional_vector_is_a_tanh() -> None:
    message = "got activation='maxout'; .* leave it at 'tanh', or take"
    with pytest.raises(ValueError, match=message):
        LuongDecoder(7, 11, tiny.attention("luong-dot"), activation="maxout")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "max"}, "Unknown readout activation 'max'"),
        ({"bridge": "lost"}, "Unknown bridge 'lost': .* did you mean 'last'"),
    ],
)
def test_an_unknown_part_is_refused_by_name(
    options: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PlainDecoder(7, 11, **options)


def test_an_unknown_decoder_is_refused_by_name() -> None:
    message = "Unknown decoder 'loung': .* plain; did you mean 'luong'"
    with pytest.raises(ValueError, match=message):
        decoders.get("loung")


def test_every_decoder_has_its_name() -> None:
    assert decoders.get("conditional") is ConditionalDecoder


def test_a_decoder_without_a_step_says_so() -> None:
    with pytest.raises(TypeError, match="subclass Decoder and override step"):
        Decoder(7, 11).step(tf.ones([1, 1, 21]), DecoderState(()), Memory)


# --- planted answers


def test_maxout_takes_the_larger_of_each_pair() -> None:
    layer = readouts.get("maxout")(2)
    layer.build((None, 4))
    layer.projection.kernel.assign(np.eye(4))

    found = layer(tf.constant([[1.0, -2.0, 5.0, 7.0], [-4.0, -3.0, 0.0, -1.0]]))

    np.testing.assert_array_equal(found, [[1, 7], [-3, 0]])


def test_a_residual_layer_that_does_nothing_passes_its_input_on() -> None:
    """Its tanh of nothing is 0; without the sum all would be lost."""
    decoder = built("plain-rnn", num_layers=3, residual=True)
    for weight in (*decoder.cells[1].weights, *decoder.cells[2].weights):
        weight.assign(tf.zeros_like(weight))
    inputs = given("plain-rnn")
    memory, state = start(decoder, inputs)

    steps, last = decoder(inputs.words, state, memory)

    np.testing.assert_allclose(steps.output[:, -1:], last.cells[0][0])
    assert not np.any(last.cells[2][0])
