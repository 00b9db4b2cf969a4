"""How all figures look: colours, lines, letters."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from app.plots.fonts import BASE, families

# From paper to ink, ever darker: a print in grey keeps the order.
INK = LinearSegmentedColormap.from_list(
    "ink", ["#f4f6f7", "#cfe0ea", "#8db9d3", "#3d80ab", "#154a72", "#071f38"]
)
TEXT = "#1b2631"
FAINT = "#6b7884"
RULE = "#d8dee3"  # grid lines and the like
BAR = "#3d80ab"
GOLD = "#d55e00"  # seen on paper and on ink alike
DOTS_PER_INCH = 160

# Okabe and Ito 2008, without its yellow, which is faint on paper: told apart
# with any kind of colour vision. Markers and dashes do it without colours.
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7"),
    *("#000000", "#e69f00", "#56b4e9"),
)
MARKERS = "osD^vPX*"
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))


def line_style(index: int) -> dict[str, Any]:
    """Of the line `index`: no two of the first 168 look alike."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index % len(DASHES)],
        "linewidth": 1.6,
        "markersize": 4,
    }


def letters(
    text: str, size: float, colour: str = TEXT, weight: str = "normal"
) -> dict[str, Any]:
    """What to give whatever draws `text`.

    A word may hold a dollar sign, which is not to start mathematics.
    """
    found = families(text)
    return {
        "color": colour,
        "fontsize": size,
        # Other fonts are often there in one weight only.
        "fontweight": weight if found == (BASE,) else "normal",
        "fontfamily": list(found),
        "parse_math": False,
    }


def plain_chart(axes: Axes, across: str, title: str) -> None:
    """Axes for lines: faint rules, a title, what runs along the bottom."""
    axes.set_frame_on(False)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=4)
    axes.set_xlabel(across, labelpad=5, **letters(across, 8.5, FAINT))
    axes.set_title(
        title, loc="left", pad=8, **letters(title, 10, weight="bold")
    )
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(fontsize=8, color=FAINT, fontfamily=BASE)
