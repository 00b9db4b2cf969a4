"""Figures of one or more panels: heat maps with a common scale of colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.alignment import Gold, View
from app.plots.direction import right_to_left
from app.plots.fonts import BASE, legible
from app.plots.gold import check, key_to_gold, outline
from app.plots.sheet import GAP, LEAST, Sheet, even_side
from app.plots.style import FAINT, INK, letters
from app.plots.words import label_columns, label_rows
from app.plots.wrapping import wrapped
from data import GlimpseError

WIDEST = 15.0  # greatest width in inches of a row of panels


@dataclass(frozen=True)
class Panel:
    """Heat map that is a part of a figure.

    Attributes:
        view: attention to draw, with its labels; `view.weights` is not None.
        title: text above the map.
        cell: width of a cell in inches, and also its height.
        gold: gold word alignment to draw as boxes; None to draw no boxes.
        columns: whether words are written above the columns.
        rows: whether words are written beside the rows.
    """

    view: View
    title: str
    cell: float
    gold: Gold | None = None
    columns: bool = True
    rows: bool = True


def draw_panels(
    panels: Sequence[Panel], title: str, caption: str, a_row: int | None = None
) -> Figure:
    """Draw heat maps in rows, with a colour bar beside the first row.

    Args:
        panels: the heat maps.
        title: text to write above the figure.
        caption: text to write below the figure.
        a_row: greatest number of panels in a row. If None, the panels are put
            into as few rows as possible, in rows of similar lengths.

    Raises:
        GlimpseError: a panel has no attention weights, their shape does not fit
            the panel's labels, or a gold link lies outside the heat map.
    """
    for panel in panels:
        _check(panel)
    sheet = Sheet()
    alone = len(panels) == 1 and not title
    drawn = [_panel(sheet, panel, alone) for panel in panels]
    # Rows get similar lengths: a row of four above one panel would waste paper.
    a_row = a_row or math.ceil(len(drawn) / _rows(sheet, drawn))
    rows = [drawn[i : i + a_row] for i in range(0, len(drawn), a_row)]
    sheet.arrange(rows)
    last = sheet.place(rows[0][-1])
    _colour_bar(sheet, drawn[0], last.x1 + 0.25, last.y1, last.height)
    if any(panel.gold is not None for panel in panels):
        key_to_gold(sheet)
    return sheet.finish(title, caption)


def cell_side(view: View, side: float, least: float, most: float) -> float:
    longest = max(len(view.source), len(view.target), 1)
    return float(np.clip(side / longest, least, most))


def _check(panel: Panel) -> None:
    view, weights = panel.view, np.asarray(panel.view.weights)
    source, target = len(view.source), len(view.target)
    if weights.shape != (target, source) or not weights.size:
        raise GlimpseError(
            f"A heat map got weights of shape {weights.shape} for "
            f"{target} target and {source} source labels; it needs "
            "a row for each target label and a column for each source label, "
            "at least one of both"
        )
    check(panel.gold, source, target)


def _panel(sheet: Sheet, panel: Panel, alone: bool) -> Axes:
    view, cell = panel.view, panel.cell
    across, down = len(view.source), len(view.target)
    axes = sheet.axes(cell * across, cell * down)
    axes.pcolormesh(
        np.asarray(view.weights),
        cmap=INK,
        vmin=0,
        vmax=1,
        edgecolors="white",
        linewidth=2 * cell,
    )
    axes.set(xlim=(0, across), ylim=(down, 0))  # the first word is at the top
    leftward = right_to_left(view.source)
    if leftward:
        axes.invert_xaxis()
    size = min(11, 38 * cell)
    label_columns(axes, view.source if panel.columns else (), size, leftward)
    label_rows(axes, view.target if panel.rows else (), size)
    outline(axes, panel.gold, 4.4 * cell)
    if panel.title:
        _title(axes, panel.title, cell * across, alone)
    return axes


def _title(axes: Axes, title: str, width: float, alone: bool) -> None:
    """Write the title of a panel.

    Args:
        axes: the axes of the panel.
        title: the title.
        width: width of the panel in inches.
        alone: whether the figure has only this panel, and no title of its own.
            If so, the title of the panel has larger letters.
    """
    size, beside = (12, 1.2) if alone else (10, 0.0)  # above the colour bar
    text = wrapped(legible(title), max(width + beside, LEAST), size)
    style = letters(text, size, weight="bold")
    side = even_side(text)
    axes.set_title(text, loc="left", pad=size, ma=side, **style)


def _colour_bar(
    sheet: Sheet, of: Axes, left: float, top: float, height: float
) -> None:
    tall = min(height, 1.4)
    axes = sheet.axes(0.1, tall, left, top - tall)
    bar = sheet.figure.colorbar(of.collections[0], cax=axes, ticks=[0, 0.5, 1])
    bar.outline.set_visible(False)
    axes.set_yticklabels(["0", "50", "100 %"])
    axes.tick_params(length=0, pad=4)
    for label in axes.get_yticklabels():
        label.set(fontsize=7.5, color=FAINT, fontfamily=BASE)


def _rows(sheet: Sheet, drawn: Sequence[Axes]) -> int:
    """Return the least number of rows that can hold the panels.

    The panels stay in the given order. A row of several panels is at most
    `WIDEST` inches wide.
    """
    rows, used = 0, WIDEST
    for axes in drawn:
        wide = sheet.box(axes).width + GAP
        if used + wide > WIDEST:
            rows, used = rows + 1, 0.0
        used += wide
    return rows
