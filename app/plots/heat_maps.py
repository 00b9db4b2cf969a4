"""Where each target word looked: one picture, or several side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from app.alignment import Gold, View
from app.plots.panels import WIDEST, Panel, cell_side, draw_panels
from app.plots.sheet import GAP
from data import GlimpseError

SIDE = 14.0  # inches, of a large map
LABELS = 1.0  # inches, that words down the side may take


def heat_map(
    weights: np.ndarray,
    source: Sequence[str],
    target: Sequence[str],
    title: str = "",
    *,
    caption: str = "",
    gold: Gold | None = None,
) -> Figure:
    """Draw where each target word looked: the darker, the more.

    A source that is written from right to left runs from right to left.

    Args:
        weights: (T, S), from 0 to 1; the scale is the same for every picture.
        source: S labels, along the top.
        target: T labels, down the side.
        title: above all.
        caption: below all.
        gold: links outlined on the map, by numbers of columns and rows:
            solid where sure, dashed where only possible.

    Raises:
        GlimpseError: weights, labels and gold do not fit, or there are none.
    """
    view = View(tuple(source), tuple(target), np.asarray(weights, float))
    cell = cell_side(view, SIDE, 0.2, 0.4)
    return draw_panels([Panel(view, title, cell, gold)], "", caption)


def side_by_side(
    views: Mapping[str, View],
    title: str = "",
    *,
    caption: str = "",
    gold: Gold | None = None,
) -> Figure:
    """Draw several heat maps on one scale, such as those of several models.

    Args:
        views: what to draw, by what to write above it.
        title: above all.
        caption: below all.
        gold: as for `heat_map`, for every map: give it where all have the
            same words, as forced decoding makes them.

    Raises:
        GlimpseError: one has no attention, does not fit, or there is none.
    """
    if not views:
        raise GlimpseError(
            "Got no heat maps to draw side by side; at least one is needed: "
            "name the models or translations to show"
        )
    for name, view in views.items():
        if view.weights is None:
            raise GlimpseError(
                f"'{name}' has no attention to draw; only models with "
                "attention can be shown: leave it out"
            )
    room = WIDEST / min(len(views), 4) - LABELS - GAP
    cell = min(cell_side(view, room, 0.18, 0.32) for view in views.values())
    panels = [Panel(view, name, cell, gold) for name, view in views.items()]
    return draw_panels(panels, title, caption)


def forming(
    snapshots: Sequence[tuple[str, np.ndarray]],
    source: Sequence[str],
    target: Sequence[str],
    title: str = "",
    *,
    caption: str = "",
    gold: Gold | None = None,
) -> Figure:
    """Draw the attention of one sentence as it forms over training.

    Args:
        snapshots: what to write above, such as "epoch 3", and (T, S) weights;
            in order.
        source: S labels.
        target: T labels, those of forced decoding.
        title: above all.
        caption: below all.
        gold: as for `heat_map`.

    Raises:
        GlimpseError: weights and labels do not fit, or there are none.
    """
    if not snapshots:
        raise GlimpseError(
            "Got no snapshots of attention to draw; at least one label with "
            "its weights is needed: take one every epoch, say"
        )
    views = [
        View(tuple(source), tuple(target), np.asarray(weights, float))
        for _, weights in snapshots
    ]
    room = WIDEST - LABELS
    wide = room / len(snapshots) - GAP
    cell = cell_side(views[0], wide, 0.16, 0.24)
    a_row = max(1, int(room / (cell * len(source) + GAP)))
    panels = [
        Panel(view, label, cell, gold, place < a_row, place % a_row == 0)
        for place, (view, (label, _)) in enumerate(
            zip(views, snapshots, strict=True)
        )
    ]
    return draw_panels(panels, title, caption, a_row)
