"""The attention papers' equations in float64 NumPy, to hold the layers to.

One sentence, one query at a time, no padding; a matrix is (outputs, inputs).
`history` holds the rows of weights before this query's, oldest first, as they
were before a window's emphasis.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tests.models.reference import Array, sigmoid, softmax

History = Sequence[Array]
Scores = Callable[[Array, Array, History], Array]  # query, values -> (S,)
Weigh = Callable[[Array, History], Array]  # scores (S,) -> weights (S,)

FAR = -500.0  # a score whose exponential is nothing, and no overflow


def additive(
    of_query: Array,
    of_value: Array,
    vector: Array,
    bias: Array | float = 0.0,
    extra: Callable[[Array, History], Array] | None = None,
) -> Scores:
    """Bahdanau et al. 2015, A.1.2; `extra` is (S, units) of the history."""

    def scores(query: Array, values: Array, history: History) -> Array:
        hidden = [of_query @ query + of_value @ h + bias for h in values]
        more = 0.0 if extra is None else extra(values, history)
        return np.tanh(np.array(hidden) + more) @ vector

    return scores


def normalized(vector: Array, length: Array) -> Array:
    """Salimans and Kingma 2016, equation 2."""
    return length * vector / np.sqrt(np.sum(vector**2))


def location(
    filters: Array, of_feature: Array, bias: Array
) -> Callable[[Array, History], Array]:
    """Chorowski et al. 2015, equation 8, of filters (width, features)."""

    def extra(values: Array, history: History) -> Array:
        last = history[-1] if history else np.zeros(len(values))
        middle = len(filters) // 2
        rows = []
        for place in range(len(values)):
            feature = np.zeros(filters.shape[1])
            for offset, column in enumerate(filters):
                seen = place + offset - middle
                if 0 <= seen < len(values):
                    feature += column * last[seen]
            rows.append(of_feature @ feature + bias)
        return np.array(rows)

    return extra


def coverage(
    of_coverage: Array, bias: Array
) -> Callable[[Array, History], Array]:
    """See et al. 2017, equations 10 and 11."""

    def extra(values: Array, history: History) -> Array:
        total = np.zeros(len(values)) + sum(history, np.zeros(len(values)))
        return np.array([of_coverage * each + bias for each in total])

    return extra


def product(matrix: Array, scale: float = 1.0) -> Scores:
    """Luong et al. 2015, section 3.1: dot is general with the identity."""

    def scores(query: Array, values: Array, history: History) -> Array:
        return np.array([scale * (query @ matrix @ h) for h in values])

    return scores


def weigh_softly(scores: Array, history: History) -> Array:
    return softmax(scores)


def stop_softly(scores: Array, history: History) -> Array:
    """Raffel et al. 2017, equations 9 to 11, position by position."""
    last = history[-1] if history else np.eye(len(scores))[0]
    arrived, before, weights = 0.0, 0.0, []
    for p, mass in zip(sigmoid(scores), last, strict=True):
        arrived = (1 - before) * arrived + mass
        weights.append(p * arrived)
        before = p
    return np.array(weights)


def stop_hard(scores: Array, history: History) -> Array:
    """Raffel et al. 2017, algorithm 1."""
    weights = np.zeros(len(scores))
    last = history[-1] if history else np.eye(len(scores))[0]
    if not last.any():
        return weights
    for place in range(int(last.argmax()), len(scores)):
        if sigmoid(scores[place]) > 0.5:
            weights[place] = 1
            break
    return weights


class Window(NamedTuple):
    """Luong et al. 2015, section 3.2."""

    centre: Callable[[Array, int, int], float]  # query, t, S
    half_width: float
    gaussian: bool


def local_m(half_width: float) -> Window:
    return Window(lambda query, t, s: min(t, s - 1), half_width, False)


def local_p(of_query: Array, vector: Array, half_width: float) -> Window:
    """Equation 9."""
    return Window(
        lambda query, t, s: float(
            s * sigmoid(vector @ np.tanh(of_query @ query))
        ),
        half_width,
        True,
    )


def attend(
    scores: Scores,
    weigh: Weigh,
    window: Window | None,
    query: Array,
    values: Array,
    history: History,
) -> tuple[Array, Array]:
    """The weights (S,) of one query, before and after the emphasis."""
    given = scores(query, values, history)
    if window is None:
        weights = weigh(given, history)
        return weights, weights
    centre = window.centre(query, len(history), len(values))
    distance = np.arange(len(values)) - centre
    given = np.where(np.abs(distance) <= window.half_width, given, FAR)
    weights = weigh(given, history)
    if not window.gaussian:
        return weights, weights
    sigma = window.half_width / 2  # equation 10
    return weights, weights * np.exp(-(distance**2) / (2 * sigma**2))
