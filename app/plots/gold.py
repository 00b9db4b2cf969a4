"""Boxes on a heat map of attention that show a gold word alignment."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from app.alignment import Gold, Link
from app.plots.sheet import Sheet
from app.plots.style import FAINT, GOLD, letters
from data import GlimpseError

INSET = 0.07  # in cells; it keeps neighbouring boxes apart
OUTLINES: dict[str, Any] = {"sure": "-", "possible": (0, (2, 1.3))}


def check(gold: Gold | None, source: int, target: int) -> None:
    """Check that the heat map has a cell for each gold link.

    Args:
        gold: the gold word alignment; None if there is none to draw.
        source: number of source labels, that is, of columns.
        target: number of target labels, that is, of rows.

    Raises:
        GlimpseError: a link refers to a word that has no label.
    """
    for link in sorted(gold.possible if gold else ()):
        if not (link[0] < source and link[1] < target):
            raise GlimpseError(
                f"A heat map got the gold link {link[0]}-{link[1]} for "
                f"{source} source and {target} target labels; in links, "
                "labels are numbered from 0: give the gold links of this pair "
                "of sentences"
            )


def outline(axes: Axes, gold: Gold | None, thick: float) -> None:
    for link in sorted(gold.possible if gold else ()):
        sure = gold is not None and link in gold.sure
        _box(axes, link, "sure" if sure else "possible", thick)


def _box(axes: Axes, link: Link, kind: str, thick: float) -> None:
    corner, side = (link[0] + INSET, link[1] + INSET), 1 - 2 * INSET
    # A white line is drawn below the coloured one: in a print in grey, the
    # coloured line may be as dark as the cell.
    for colour, width, line in (
        ("white", 1.8 * thick, "-"),
        (GOLD, thick, OUTLINES[kind]),
    ):
        axes.add_patch(
            Rectangle(
                corner,
                side,
                side,
                fill=False,
                edgecolor=colour,
                linewidth=width,
                linestyle=line,
                joinstyle="miter",
            )
        )


def key_to_gold(sheet: Sheet) -> None:
    """Draw a legend below the figure: boxes of sure and of possible links."""
    bounds, size = sheet.bounds(), 0.16  # inches
    axes = sheet.axes(15 * size, size, bounds.x0, bounds.y0 - 0.15 - size)
    axes.set(xlim=(0, 15), ylim=(1, 0), xticks=[], yticks=[])
    for column, kind in ((0, "sure"), (6, "possible")):
        _box(axes, (column, 0), kind, 1.2)
        axes.text(
            column + 1.3,
            0.5,
            f"gold, {kind}",
            va="center_baseline",
            **letters(kind, 8, FAINT),
        )
