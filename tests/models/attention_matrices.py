"""Our attention layers' weights as the papers' matrices."""

from collections.abc import Callable

import numpy as np

from models.attention import (
    Attention,
    BahdanauAttention,
    CoverageAttention,
    LocationSensitiveAttention,
    LuongDotAttention,
    MultiHeadAttention,
    ScaledDotProductAttention,
)
from models.attention.monotonic import Monotonic
from models.attention.multiplicative import ProductAttention
from models.attention.windows import LocalPredictive, Window
from tests.models import attention_reference as reference
from tests.models.matrices import Values
from tests.models.reference import Array

Run = Callable[[Array, Array], tuple[Array, Array]]


def attention(
    values: Values, layer: Attention, *, training: bool = False
) -> Run:
    """From queries (Q, H) and values (S, M) to contexts and weights.

    `values` is looked at anew at every call, so that it may be nudged.
    """

    def run(queries: Array, given: Array) -> tuple[Array, Array]:
        weigh, window = _weigh(layer, training), _window(values, layer.window)
        heads = _heads(values, layer)
        histories: list[list[Array]] = [[] for _ in heads]
        contexts, rows = [], []
        for query in queries:
            parts = []
            for (scores, project), history in zip(
                heads, histories, strict=True
            ):
                plain, weights = reference.attend(
                    scores, weigh, window, query, given, history
                )
                history.append(plain)
                parts.append((weights @ (given @ project.T), weights))
            joined = np.concatenate([context for context, _ in parts])
            contexts.append(_join(values, layer) @ joined)
            rows.append(np.mean([weights for _, weights in parts], 0))
        return np.array(contexts), np.array(rows)

    return run


def _weigh(layer: Attention, training: bool) -> reference.Weigh:
    if not isinstance(layer, Monotonic):
        return reference.weigh_softly
    return reference.stop_softly if training else reference.stop_hard


def _window(values: Values, window: Window | None) -> reference.Window | None:
    if window is None:
        return None
    if not isinstance(window, LocalPredictive):
        return reference.local_m(window.half_width)
    return reference.local_p(
        values.matrix(window.query_projection),
        values.matrix(window.centre_projection)[0],
        window.half_width,
    )


def _heads(
    values: Values, layer: Attention
) -> list[tuple[reference.Scores, Array]]:
    """Each head's score, and what it projects the values by."""
    if isinstance(layer, ScaledDotProductAttention):
        count = getattr(layer, "num_heads", 1)
        parts = [
            np.split(values.matrix(dense), count)
            for dense in (
                layer.query_projection,
                layer.key_projection,
                layer.value_projection,
            )
        ]
        return [
            (reference.product(q.T @ k / np.sqrt(len(q))), v)
            for q, k, v in zip(*parts, strict=True)
        ]
    width = layer.input_units
    scores = _scores(values, layer)
    if isinstance(layer, Monotonic):
        plain, bias = scores, values(layer.stopping.bias)
        return [(lambda *given: plain(*given) + bias, np.eye(width))]
    return [(scores, np.eye(width))]


def _scores(values: Values, layer: Attention) -> reference.Scores:
    if isinstance(layer, ProductAttention):
        scale = float(values(layer.scale)) if layer.scaled else 1.0
        if isinstance(layer, LuongDotAttention):
            return reference.product(np.eye(layer.input_units), scale)
        return reference.product(values.matrix(layer.key_projection), scale)
    assert isinstance(layer, BahdanauAttention)
    projection = layer.score_projection
    if layer.normalized:
        vector = reference.normalized(
            values(projection.vector)[:, 0], values(projection.length)
        )
        bias = values(layer.query_projection.bias)
    else:
        vector, bias = values(projection.kernel)[:, 0], 0.0
    return reference.additive(
        values.matrix(layer.query_projection),
        values.matrix(layer.key_projection),
        vector,
        bias,
        _extra(values, layer),
    )


def _extra(
    values: Values, layer: Attention
) -> Callable[[Array, reference.History], Array] | None:
    if isinstance(layer, LocationSensitiveAttention):
        return reference.location(
            values(layer.convolution.kernel)[:, 0],
            values.matrix(layer.feature_projection),
            values(layer.feature_projection.bias),
        )
    if isinstance(layer, CoverageAttention):
        return reference.coverage(
            values(layer.coverage_projection.kernel)[0],
            values(layer.coverage_projection.bias),
        )
    return None


def _join(values: Values, layer: Attention) -> Array:
    if isinstance(layer, MultiHeadAttention):
        return values.matrix(layer.output_projection)
    return np.eye(layer.output_units(layer.input_units))
