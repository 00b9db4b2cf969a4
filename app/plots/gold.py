"""Links made by hand, as boxes on a heat map."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from app.alignment import Gold, Link
from app.plots.sheet import Sheet
from app.plots.style import FAINT, GOLD, letters
from data import GlimpseError

INSET = 0.07  # of a cell, so that boxes of neighbours do not touch
OUTLINES: dict[str, Any] = {"sure": "-", "possible": (0, (2, 1.3))}


def check(gold: Gold | None, source: int, target: int) -> None:
    """Refuse links beyond so many source and target words.

    Raises:
        GlimpseError: there is one.
    """
    for link in sorted(gold.possible if gold else ()):
        if not (link[0] < source and link[1] < target):
            raise GlimpseError(
                f"A heat map got the gold link {link[0]}-{link[1]} for "
                f"{source} source and {target} target labels; links number "
                "these from 0: give the gold of this very pair of sentences"
            )


def outline(axes: Axes, gold: Gold | None, thick: float) -> None:
    for link in sorted(gold.possible if gold else ()):
        sure = gold is not None and link in gold.sure
        _box(axes, link, "sure" if sure else "possible", thick)


def _box(axes: Axes, link: Link, kind: str, thick: float) -> None:
    corner, side = (link[0] + INSET, link[1] + INSET), 1 - 2 * INSET
    # On white, since in a grey print it may be as dark as the cell.
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
    """Below all: what the boxes mean."""
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
