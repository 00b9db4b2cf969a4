"""Windows, coverage and monotonic attention learn what the papers say."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import (
    Attention,
    BahdanauAttention,
    BahdanauMonotonicAttention,
    CoverageAttention,
    LocalMonotonic,
    LocalPredictive,
    LuongAttention,
    LuongMonotonicAttention,
)
from models.losses import coverage_loss
from tests.models.tiny import normal

B, S, H = 32, 11, 7


def train(
    layer: Attention, loss: Callable[[], tf.Tensor], steps: int, rate: float
) -> None:
    """Adam on `loss`, in one graph."""
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(layer.trainable_variables)

    @tf.function(autograph=False)
    def step() -> None:
        with tf.GradientTape() as tape:
            value = loss()
        variables = layer.trainable_variables
        gradients = tape.gradient(
            value, variables, unconnected_gradients="zero"
        )
        optimizer.apply(gradients, variables)

    for _ in range(steps):
        step()


@pytest.mark.parametrize("long", [False, True])
def test_local_p_learns_where_to_look(long: bool) -> None:
    """The query says at which share of the sentence the answer stands.

    All values look alike to the score: only the window can find it.
    """
    keras.utils.set_random_seed(1)
    window = LocalPredictive(2)
    layer = LuongAttention(window=window)
    layer.build([(None, None, H), (None, None, S)])
    layer.key_projection.kernel.assign(np.zeros((S, H)))
    layer.key_projection.trainable = False
    places = np.arange(S)
    shares = (places + 0.5) / S
    query = np.stack([shares**power for power in range(H)], -1)[None]
    query = tf.constant(query.astype("float32"))
    value = tf.eye(S)[None]

    def loss() -> tf.Tensor:
        context, _ = layer([query, value], return_attention_weights=True)
        return -tf.reduce_mean(tf.linalg.diag_part(context))

    train(layer, loss, 400, 3e-2)

    lengths = tf.constant([[float(2 * S if long else S)]])
    centre = window.centre(query, lengths, {})[0]
    wanted = 2 * places + 0.5 if long else places
    assert np.max(np.abs(centre - wanted)) < (2 if long else 1)
    _, weights = layer([query, value], return_attention_weights=True)
    assert np.argmax(weights[0], -1).tolist() == places.tolist()


def test_local_m_walks_down_the_diagonal_and_stays_at_the_end() -> None:
    layer = LuongAttention(window=LocalMonotonic(1))
    query, value = normal(1, 5, H, seed=1), normal(1, 3, H, seed=2)

    _, weights = layer([query, value], return_attention_weights=True)

    seen = (weights[0].numpy() > 0).astype(int).tolist()
    assert seen == [[1, 1, 0], [1, 1, 1], [0, 1, 1], [0, 1, 1], [0, 1, 1]]


def test_coverage_keeps_attention_from_looking_twice() -> None:
    """Every query is the same: only the past can tell the steps apart.

    Each step is to look at the next position.
    """
    steps = 5
    query = tf.ones([1, steps, H])
    value = tf.constant(normal(1, steps, H, seed=2))
    found = {}
    for kind in (CoverageAttention, BahdanauAttention):
        keras.utils.set_random_seed(1)
        layer = kind(16)
        layer.build([(None, None, H), (None, None, H)])

        def weights(layer: Attention = layer) -> tf.Tensor:
            return layer([query, value], return_attention_weights=True)[1]

        def loss(weights: Callable[[], tf.Tensor] = weights) -> tf.Tensor:
            return -tf.reduce_mean(tf.math.log(tf.linalg.diag_part(weights())))

        train(layer, loss, 500, 1e-2)
        found[kind] = weights()

    covering, same = found[CoverageAttention], found[BahdanauAttention]
    np.testing.assert_allclose(covering[0], np.eye(steps), atol=0.15)
    assert np.max(coverage_loss(covering)) < 0.15
    np.testing.assert_allclose(same[0], np.full((steps, steps), 0.2), atol=0.01)
    assert np.min(coverage_loss(same)[0, 1:]) > 0.9


def copies(seed: int, words: int = 5) -> np.ndarray:
    """Sentences of S words in which most words come again and again."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, words, (B, S))  # never the same word twice running
    return np.cumsum(steps, 1) % words


@pytest.mark.parametrize(
    "kind", [BahdanauMonotonicAttention, LuongMonotonicAttention]
)
def test_monotonic_attention_finds_the_next_of_many_equals(
    kind: type[Attention],
) -> None:
    """Trained softly, it is right when it decodes hard.

    The query names a word that stands at several places; the answer is the
    place, which only one who goes on from the last can tell.
    """
    keras.utils.set_random_seed(1)
    words = 5
    layer = kind(16) if kind is BahdanauMonotonicAttention else kind()
    places = np.eye(S, dtype="float32")[None].repeat(B, 0)

    def given(seed: int) -> list[tf.Tensor]:
        named = np.eye(words, dtype="float32")[copies(seed)]
        zero = np.zeros_like(places)
        value = np.concatenate([named, zero], -1)
        return [tf.constant(named), tf.constant(value)]

    query, value = given(1)
    layer.build([query.shape, value.shape])

    def loss() -> tf.Tensor:
        _, weights = layer(
            [query, value], return_attention_weights=True, training=True
        )
        right = tf.linalg.diag_part(weights)
        return -tf.reduce_mean(tf.math.log(right + 1e-6))

    train(layer, loss, 400, 3e-2)

    _, weights = layer(given(2), return_attention_weights=True)
    rows = weights.numpy()
    assert set(np.unique(rows)) <= {0.0, 1.0}
    assert np.mean(rows.argmax(-1) == np.arange(S)) > 0.95


def test_softmax_cannot_tell_equals_apart() -> None:
    """What the monotonic test would be worth nothing without."""
    named = np.eye(5, dtype="float32")[copies(1)]
    layer = LuongAttention()

    _, weights = layer([named, named], return_attention_weights=True)

    weights = weights.numpy()
    for b, q, s in np.argwhere(named @ named.swapaxes(1, 2))[:50]:
        assert weights[b, q, s] == pytest.approx(weights[b, q, q])


def test_monotonic_attention_never_looks_back() -> None:
    layer = LuongMonotonicAttention()

    _, weights = layer(
        [normal(B, S, H, seed=1), normal(B, S, H, seed=2)],
        return_attention_weights=True,
    )

    rows = weights.numpy()
    places, looked = rows.argmax(-1), rows.any(-1)
    assert looked.sum() > B  # or there would be nothing to see
    for row, there in zip(places, looked, strict=True):
        seen = row[there]
        assert np.all(np.diff(seen) >= 0)
        assert not np.any(np.diff(there.astype(int)) > 0)  # never comes back


def test_noise_is_for_training_alone() -> None:
    layer = LuongMonotonicAttention()
    given = [normal(B, S, H, seed=1), normal(B, S, H, seed=2)]

    one, other = (layer(given, training=True) for _ in "ab")

    assert np.any(one != other)
    np.testing.assert_array_equal(layer(given), layer(given))


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_monotonic_attention_compiles(noise: float) -> None:
    """Random numbers in a loop, gradients and all, under XLA."""
    layer = LuongMonotonicAttention(noise=noise)
    query, value = normal(B, S, H, seed=1), normal(B, S, H, seed=2)
    layer.build([query.shape, value.shape])

    def gradient() -> tf.Tensor:
        with tf.GradientTape() as tape:
            context = layer([query, value], training=True)
            loss = tf.reduce_sum(context**2)
        return tape.gradient(loss, layer.key_projection.kernel)

    found = tf.function(gradient, autograph=False, jit_compile=True)()

    assert np.all(np.isfinite(found))
    if not noise:
        np.testing.assert_allclose(found, gradient(), rtol=1e-3, atol=1e-4)
