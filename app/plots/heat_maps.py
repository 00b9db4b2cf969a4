"""Heat maps of attention: figures with one map, or with several."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from app.alignment import Gold, View
from app.plots.panels import WIDEST, Panel, cell_side, draw_panels
from app.plots.sheet import GAP
from data import GlimpseError

SIDE = 14.0  # length of the longer side of a large map in inches
LABELS = 1.0  # width in inches of the words beside the rows


def heat_map(
    weights: np.ndarray,
    source: Sequence[str],
    target: Sequence[str],
    title: str = "",
    *,
    caption: str = "",
    gold: Gold | None = None,
) -> Figure:
    """Draw attention as a heat map: the darker a cell, the larger its weight.

    Rows are target words and columns are source words. The columns run from
    right to left if the source is written from right to left.

    Args:
        weights: attention, of shape (T, S), with weights from 0 to 1. Equal
            weights have the same colour in all figures.
        source: the S source words, as labels above the columns.
        target: the T target words, as labels beside the rows.
        title: text to write above the figure.
        caption: text to write below the figure.
        gold: gold word alignment; None if there is none. Each link is drawn as
            a box around the cell of its two words. The box has solid lines if
            the link is sure, and dashed lines if it is only possible.

    Raises:
        GlimpseError: there are no weights, their shape does not fit the labels,
            or a gold link has no cell.
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
    """Draw several heat maps in one figure, such as those of several models.

    All maps have the same scale of colours and the same size of cells.

    Args:
        views: mapping whose keys are the titles of the maps, and whose values
            are the attention matrices to draw, with their labels.
        title: text to write above the figure.
        caption: text to write below the figure.
        gold: gold word alignment to draw on every map, as in `heat_map`. Give
            it only if all views have the same words, for example if all models
            have decoded the same target sentence (forced decoding).

    Raises:
        GlimpseError: there is no view, a view has no attention, the shape of
            its attention does not fit its labels, or a gold link has no cell.
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
    """Draw how the attention of one sentence changes during training.

    There is a heat map for each snapshot, that is, for each time at which the
    attention was computed.

    Args:
        snapshots: pairs in the order of training, one for each snapshot: the
            title of the snapshot, such as "epoch 3", and its attention, of
            shape (T, S).
        source: the S source words.
        target: the T target words. They must be the same for all snapshots, so
            each snapshot must come from forced decoding of the same target
            sentence.
        title: text to write above the figure.
        caption: text to write below the figure.
        gold: gold word alignment to draw on every map, as in `heat_map`.

    Raises:
        GlimpseError: there are no snapshots, a snapshot has no weights, their
            shape does not fit the labels, or a gold link has no cell.
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
