"""The starting example against the equations of its stock layers."""

import numpy as np
import pytest
from keras import layers

from models import StartingExample
from tests.models import reference, tiny
from tests.models.reference import Array, Gate
from tests.models.tiny import SOURCES, TARGETS, batch


def states(lstm: layers.LSTM, words: Array) -> Array:
    """Keras keeps the gates in the order input, forget, candidate, output."""
    kernel, recurrent, bias = (
        weight.astype(np.float64) for weight in lstm.get_weights()
    )
    enter, forget, candidate, leave = (
        Gate(*blocks)
        for blocks in zip(
            *(np.split(x, 4) for x in (kernel.T, recurrent.T, bias)),
            strict=True,
        )
    )
    cell = reference.lstm(enter, forget, leave, candidate)
    start = (np.zeros(lstm.units),) * 2
    layer = reference.Layer([reference.Direction(cell, False)], start)
    return reference.encode([layer], words)[0]


def test_logits_and_weights_are_those_of_the_formula() -> None:
    """`softmax layer (attend (LSTM target, LSTM source))`, and no more."""
    model = tiny.model("starting-example")
    inputs, _, _ = batch()

    outputs = model(inputs)

    sources = model.source_embedding.embeddings.numpy()
    targets = model.target_embedding.embeddings.numpy()
    kernel, bias = model.softmax_projection.get_weights()
    for b, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        values = states(model.source_lstm, sources[source])
        queries = states(model.target_lstm, targets[[tiny.BOS, *target[:-1]]])
        for t, query in enumerate(queries):
            context, weights = reference.attend(reference.dot(), query, values)
            logits = kernel.T @ context + bias
            found = outputs["logits"][b, t]
            np.testing.assert_allclose(found, logits, atol=1e-5)
            row = outputs["attention_weights"][b, t]
            np.testing.assert_allclose(row[: len(source)], weights, atol=1e-5)
            assert not np.any(row[len(source) :])


def test_its_sizes_are_those_of_the_example() -> None:
    model = StartingExample(23, 29)

    assert model.source_embedding.output_dim == 64
    assert model.target_embedding.output_dim == 64
    assert model.source_lstm.units == model.target_lstm.units == 128


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_it_follows_its_dtype_policy(policy: str) -> None:
    model = tiny.model("starting-example", dtype=policy)

    outputs = model(batch()[0])

    assert outputs["logits"].dtype.name == model.compute_dtype
