"""Labels at the ends of the lines of a chart, in place of a legend."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

from app.plots.fonts import legible
from app.plots.style import DOTS_PER_INCH, letters

SIZE = 8.5  # size of the letters in points


class End(NamedTuple):
    """Right end of a line; a label is written beside it.

    Attributes:
        name: name of the line; it is the text of the label.
        x: horizontal position of the end in data units.
        y: vertical position of the end in data units.
        colour: colour of the line.
    """

    name: str
    x: float
    y: float
    colour: str


def direct_labels(axes: Axes, ends: Sequence[End]) -> None:
    """Write the name of each line to the right of the axes.

    Each name is as near to the end of its line as possible without touching
    another name. A thin line connects the name with the end of its line.

    Args:
        axes: the axes with the lines. The position and the limits of the axes
            must not change later.
        ends: the ends of the lines, in any order.
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
    """Move positions apart, so that no two are closer than `gap`.

    The order of the positions along the line does not change, and the sum of
    the squared distances by which they are moved is as small as possible.

    Args:
        places: positions (N,) along a line, in any order.
        gap: least distance between any two positions of the result.

    Returns:
        The new positions (N,), in the order of `places`.
    """
    places = np.asarray(places, float)
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    result = np.empty_like(places)
    if len(places):
        moved = isotonic_regression(places[order] - steps)
        result[order] = moved.x + steps
    return result
