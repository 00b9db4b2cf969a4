"""Names written where lines end, so that no legend is needed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from app.plots.fonts import legible
from app.plots.style import DOTS_PER_INCH, letters

SIZE = 8.5  # points


class End(NamedTuple):
    """Where a line ends, in data units, and what it is called."""

    name: str
    x: float
    y: float
    colour: str


def direct_labels(axes: Axes, ends: Sequence[End]) -> None:
    """Write each name right of the axes, as near its line as there is room.

    Args:
        axes: placed, with their final limits.
        ends: in any order.
    """
    points = axes.transData.transform([(end.x, end.y) for end in ends])
    places = spread(points[:, 1], SIZE * 1.25 * DOTS_PER_INCH / 72)
    to_axes = axes.transAxes.inverted().transform
    for end, place in zip(ends, places, strict=True):
        text = legible(end.name)
        axes.annotate(
            text,
            (end.x, end.y),
            (1.06, to_axes((0, place))[1]),
            textcoords="axes fraction",
            va="center_baseline",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
            **letters(text, SIZE, end.colour),
        )


def spread(places: Sequence[float] | np.ndarray, gap: float) -> np.ndarray:
    """Move places apart by as little as makes them `gap` from each other.

    The least squares of the moves, under the order they have: an isotonic
    regression, by pooling neighbours that would cross.

    Args:
        places: (number,), in any order.
        gap: the least difference of any two of the result.

    Returns:
        (number,), in the order of `places`.
    """
    places = np.asarray(places, float)
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    pools: list[list[float]] = []
    for value in places[order] - steps:
        pools.append([value])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    result = np.empty_like(places)
    result[order] = [np.mean(pool) for pool in pools for _ in pool] + steps
    return result
