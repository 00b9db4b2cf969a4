"""What a figure shows, read off it without drawing an image."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def columns(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def rows(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def maps(figure: Figure) -> list[Axes]:
    """The heat maps, without the colour bar and the key."""
    return [
        axes
        for axes in figure.axes
        if axes.collections and not hasattr(axes, "_colorbar")
    ]


def texts(figure: Figure) -> list[Text]:
    """All that is written, not turned."""
    beyond = set(_beyond_limits(figure))
    return [
        each
        for each in figure.findobj(Text)
        if each.get_visible()
        and each.get_text().strip()
        and each.get_rotation() in (0, 90)
        and each not in beyond
    ]


def _beyond_limits(figure: Figure) -> Iterator[Text]:
    """Labels of ticks that are kept, but not drawn."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    yield from (tick.label1, tick.label2)


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that run into each other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [
        (each.get_text(), Text.get_window_extent(each, renderer))
        for each in texts(figure)
    ]
    return [
        (one, other)
        for (one, box), (other, another) in combinations(boxes, 2)
        if _share(box, another) > 2
    ]


def _share(one: Bbox, other: Bbox) -> float:
    """How many pixels two boxes have in common, in the narrower direction."""
    low = np.maximum(one.min, other.min)
    high = np.minimum(one.max, other.max)
    return float((high - low).min())


def overhang(figure: Figure) -> float:
    """How far what is drawn reaches beyond the paper, in inches."""
    box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    width, height = figure.get_size_inches()
    return max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)
