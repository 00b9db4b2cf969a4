"""Several models that translate together."""

import numpy as np
import pytest
import tensorflow as tf

from models import SearchOptions
from models.decoding import forced_graph, search_graph
from models.ensemble import Ensemble
from tests.models import tiny
from tests.models.tiny import SOURCES, SYMBOLS, TARGETS, batch, lengths, pad

GIVEN = (tf.constant(pad(SOURCES)), lengths(SOURCES))


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("name", ["bahdanau-tied", "starting-example"])
def test_an_ensemble_of_one_is_the_model(name: str, size: int) -> None:
    model = tiny.new(name)
    options = SearchOptions(beam_size=size)
    alone, together = (
        search_graph(each, SYMBOLS, options)(*GIVEN)
        for each in (model, Ensemble([model]))
    )
    for one, other in zip(
        tf.nest.flatten(alone), tf.nest.flatten(together), strict=True
    ):
        np.testing.assert_allclose(one, other, 1e-5, 1e-5)


def test_probabilities_and_attention_are_means() -> None:
    """In search and in forced decoding, with models of different kinds."""
    names = ("bahdanau", "luong-rnn", "plain-2")
    members = [tiny.new(name) for name in names]
    inputs = batch()[0]
    every = [member(inputs) for member in members]
    probs = np.mean([tf.nn.softmax(each["logits"]) for each in every], 0)
    seen = np.mean([each["attention_weights"] for each in every[:2]], 0)

    together = Ensemble(members)
    found = together(inputs)
    np.testing.assert_allclose(tf.nn.softmax(found["logits"]), probs, 1e-5)
    np.testing.assert_allclose(found["attention_weights"], seen, 1e-5, 1e-6)
    assert together.attends
    assert not Ensemble(members[2:]).attends

    hypotheses = search_graph(together, SYMBOLS, SearchOptions())(*GIVEN)
    forced = forced_graph(together, SYMBOLS)(
        *GIVEN, hypotheses.tokens[:, 0], hypotheses.lengths[:, 0]
    )
    np.testing.assert_allclose(
        forced.log_probs, hypotheses.log_probs[:, 0], 1e-4
    )
    for place, length in enumerate(hypotheses.lengths[:, 0].numpy()):
        np.testing.assert_allclose(
            forced.attention[place, :length],
            hypotheses.seen.attention[place, 0, :length],
            *(1e-4, 1e-5),
        )
    assert forced.losses.shape == len(TARGETS)
