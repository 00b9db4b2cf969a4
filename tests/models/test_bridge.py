"""Bridges: the decoder's first state from the encoder's summary."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import bridge as bridges
from models.bridge import BRIDGES, Bridge
from models.encoder import Summary
from tests.models import tiny
from tests.models.tiny import normal, randomise

B, H, M = 3, 5, 7
each_bridge = pytest.mark.parametrize("name", BRIDGES)


def built(name: str, num_layers: int = 2, leaves: int = 2) -> Bridge:
    """With H units from a memory of as many, or else of M."""
    bridge = bridges.get(name)(H, num_layers, leaves)
    bridge.build(width(name))
    return randomise(bridge)


def width(name: str) -> int:
    return H if name == "last" else M


def summary(units: int, num_layers: int = 3, leaves: int = 2) -> Summary:
    """Every tensor other than the others."""
    states = tuple(
        tuple(
            tf.constant(normal(B, units, seed=10 * layer + leaf))
            for leaf in range(leaves)
        )
        for layer in range(num_layers)
    )
    return Summary(states, tf.constant(normal(B, units, seed=99)))


@pytest.mark.parametrize("leaves", [1, 2])
@each_bridge
def test_every_layer_gets_every_leaf(name: str, leaves: int) -> None:
    bridge = built(name, leaves=leaves)

    states = bridge(summary(width(name), leaves=leaves))

    shapes = tf.nest.map_structure(lambda x: tuple(x.shape), states)
    assert shapes == (((B, H),) * leaves,) * 2


@pytest.mark.parametrize("name", ["dense", "mean"])
def test_each_leaf_has_weights_of_its_own(name: str) -> None:
    bridge, given = built(name), summary(M)
    read = given.mean if name == "mean" else given.states[2][0]

    states = bridge(given)

    leaves = tf.nest.flatten(states)
    for leaf, dense in zip(leaves, bridge.projections, strict=True):
        exact = np.float64(read) @ np.float64(dense.kernel)
        np.testing.assert_allclose(leaf, np.tanh(exact + dense.bias), atol=1e-6)
    assert len(bridge.weights) == 2 * len(leaves) == 8


def test_last_takes_the_top_layers_as_they_are() -> None:
    given = summary(H)

    states = built("last")(given)

    tf.nest.map_structure(
        np.testing.assert_array_equal, states, given.states[1:]
    )


def test_zero_is_zero() -> None:
    assert not np.any(tf.nest.flatten(built("zero")(summary(M))))


@pytest.mark.parametrize("name", ["last", "zero"])
def test_these_have_no_weights(name: str) -> None:
    assert built(name).weights == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"num_layers": 1},
            "got 1 layers from the encoder; it takes the decoder's 2 or more: "
            "add layers to the encoder, or take the bridge 'dense'",
        ),
        (
            {"leaves": 1},
            "got cell states of 1 tensors from the encoder; it takes 2 as the "
            "decoder's cells hold: give both the same kind of cell, or take",
        ),
    ],
)
def test_last_refuses_states_that_do_not_fit(
    given: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        built("last")(summary(H, **given))


def test_last_refuses_another_dimension_when_built() -> None:
    message = (
        "'last' got states of 7 units from the encoder, directions counted; "
        "it takes the decoder's 5: change the units of one, or take"
    )
    with pytest.raises(ValueError, match=message):
        bridges.get("last")(H, 1, 1).build(M)


@each_bridge
def test_a_whole_model_starts_where_its_bridge_says(name: str) -> None:
    model = tiny.new(
        "plain-lstm",
        encoder_units=tiny.DECODER,
        direction="forward",
        num_layers=2,
        bridge=name,
    )
    inputs, _, _ = tiny.batch()
    source, lengths = inputs["source"], inputs["source_length"]
    mask = tf.constant(source != 0)
    _, given = model.encoder(model.source.embedding(source), mask)

    _, state = model.encode(source, lengths)

    expected = model.decoder.state_bridge(given)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a[:, 0], b, atol=1e-6),
        state.cells,
        expected,
    )


@each_bridge
def test_a_bridge_survives_its_config(name: str) -> None:
    bridge = built(name)

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(bridge)
    )
    again.set_weights(bridge.get_weights())

    given = summary(width(name))
    assert type(again) is type(bridge)
    assert again.get_config() == bridge.get_config()
    tf.nest.map_structure(
        np.testing.assert_array_equal, again(given), bridge(given)
    )


def test_an_unknown_bridge_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"bridge 'men': .* 'mean'"):
        bridges.get("men")
