"""With the same weights, the numbers of the discontinued `tfa.seq2seq`.

Its formulas, as it published them, in float64 NumPy: models/README.md says
which layer takes the place of which.
"""

from collections.abc import Callable

import numpy as np
import pytest

from models import (
    Attention,
    BahdanauAttention,
    BahdanauMonotonicAttention,
    LuongAttention,
    LuongMonotonicAttention,
)
from tests.models.reference import Array, sigmoid, softmax
from tests.models.tiny import normal, randomise

B, S, H, M, UNITS = 2, 5, 7, 11, 13

Probabilities = Callable[[Array, Array], Array]  # scores, previous -> (B, S)


def bahdanau(layer: BahdanauAttention, query: Array, memory: Array) -> Array:
    """`_bahdanau_score`: with `normalize`, g v / |v| and a bias."""
    keys = memory @ layer.key_projection.kernel.numpy()
    processed = (query @ layer.query_projection.kernel.numpy())[:, None]
    if not layer.normalized:
        v = layer.score_projection.kernel.numpy()[:, 0]
        return np.sum(v * np.tanh(keys + processed), -1)
    g = layer.score_projection.length.numpy()
    v = layer.score_projection.vector.numpy()[:, 0]
    bias = layer.query_projection.bias.numpy()
    normed = g * v / np.sqrt(np.sum(v**2))
    return np.sum(normed * np.tanh(keys + processed + bias), -1)


def luong(layer: LuongAttention, query: Array, memory: Array) -> Array:
    """`_luong_score`: the memory projected, and g for `scale`."""
    keys = memory @ layer.key_projection.kernel.numpy()
    scale = layer.scale.numpy() if layer.scaled else 1.0
    return scale * np.einsum("bh,bsh->bs", query, keys)


def no_past(scores: Array, previous: Array) -> Array:
    return softmax_rows(scores)


def softmax_rows(scores: Array) -> Array:
    return np.array([softmax(row) for row in scores])


def parallel(scores: Array, previous: Array) -> Array:
    """`monotonic_attention(mode="parallel")`: products along the memory."""
    p = sigmoid(scores)
    passed = np.cumprod(np.hstack([np.ones((len(p), 1)), 1 - p[:, :-1]]), 1)
    return p * passed * np.cumsum(previous / np.clip(passed, 1e-10, 1), 1)


def hard(scores: Array, previous: Array) -> Array:
    """`monotonic_attention(mode="hard")`: p is 0 or 1."""
    p = (scores > 0) * np.cumsum(previous, 1)
    passed = np.cumprod(np.hstack([np.ones((len(p), 1)), 1 - p[:, :-1]]), 1)
    return p * passed


CASES = {
    "BahdanauAttention": (BahdanauAttention(UNITS), bahdanau, no_past),
    "BahdanauAttention(normalize=True)": (
        BahdanauAttention(UNITS, normalized=True),
        bahdanau,
        no_past,
    ),
    "LuongAttention": (LuongAttention(), luong, no_past),
    "LuongAttention(scale=True)": (
        LuongAttention(scaled=True),
        luong,
        no_past,
    ),
    "BahdanauMonotonicAttention(normalize=True)": (
        BahdanauMonotonicAttention(UNITS, noise=0.0),
        bahdanau,
        parallel,
    ),
    "BahdanauMonotonicAttention": (
        BahdanauMonotonicAttention(UNITS, normalized=False, noise=0.0),
        bahdanau,
        parallel,
    ),
    "LuongMonotonicAttention": (
        LuongMonotonicAttention(noise=0.0),
        luong,
        parallel,
    ),
    "LuongMonotonicAttention(scale=True)": (
        LuongMonotonicAttention(scaled=True, noise=0.0),
        luong,
        parallel,
    ),
    "BahdanauMonotonicAttention(mode='hard')": (
        BahdanauMonotonicAttention(UNITS),
        bahdanau,
        hard,
    ),
    "LuongMonotonicAttention(mode='hard')": (
        LuongMonotonicAttention(),
        luong,
        hard,
    ),
}


@pytest.mark.parametrize("old", CASES)
def test_the_same_weights_give_the_old_numbers(old: str) -> None:
    layer, score, probabilities = CASES[old]
    layer.build([(None, None, H), (None, None, M)])
    randomise(layer)
    queries, memory = normal(B, 3, H, seed=1), normal(B, S, M, seed=2)

    _, weights = layer(
        [queries, memory],
        return_attention_weights=True,
        training=probabilities is parallel,
    )

    bias = _score_bias(layer)
    previous = np.eye(S)[[0] * B]
    for step in range(3):
        scores = score(layer, queries[:, step], memory) + bias
        previous = probabilities(scores, previous)
        np.testing.assert_allclose(weights[:, step], previous, atol=1e-5)


def _score_bias(layer: Attention) -> float:
    stopping = getattr(layer, "stopping", None)
    return 0.0 if stopping is None else float(stopping.bias.numpy())


def test_they_start_from_the_old_values() -> None:
    """g is sqrt(1 / units), the scale 1, the score's bias what was asked."""
    normed = BahdanauMonotonicAttention(UNITS, score_bias=-2.0)
    scaled = LuongAttention(scaled=True)
    for layer in (normed, scaled):
        layer.build([(None, None, H), (None, None, M)])

    length = float(normed.score_projection.length.numpy())
    assert length == pytest.approx(np.sqrt(1 / UNITS))
    assert float(scaled.scale.numpy()) == 1.0
    assert _score_bias(normed) == -2.0
