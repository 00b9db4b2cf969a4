"""Style that all figures share: colours, styles of lines, and fonts."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from app.plots.fonts import BASE, families

# Colours from almost white to almost black. Each is darker than the one before,
# so that their order is still visible in a print in grey.
INK = LinearSegmentedColormap.from_list(
    "ink", ["#f4f6f7", "#cfe0ea", "#8db9d3", "#3d80ab", "#154a72", "#071f38"]
)
TEXT = "#1b2631"
FAINT = "#6b7884"
RULE = "#d8dee3"  # grid lines and the like
BAR = "#3d80ab"
GOLD = "#d55e00"  # visible on white and on all colours of INK
DOTS_PER_INCH = 160

# Colours of Okabe and Ito 2008, which people with any kind of colour vision
# can tell apart. Their yellow is left out, since it is faint on white. In a
# print without colours, lines differ by their markers and dashes.
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7"),
    *("#000000", "#e69f00", "#56b4e9"),
)
MARKERS = "osD^vPX*"
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))


def line_style(index: int) -> dict[str, Any]:
    """Return the style of a line as keyword arguments for `Axes.plot`.

    Args:
        index: index of the line in its chart; the styles of the first 168
            lines are all different.
    """
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
    """Return keyword arguments for drawing a text with matplotlib functions.

    They set the colour, the size, the weight, and fonts that have all glyphs of
    the text. They also turn off mathematical notation, so that a dollar sign is
    drawn as a dollar sign.

    Args:
        text: the text to draw.
        size: size of the letters in points.
        colour: colour of the letters.
        weight: weight of the letters, such as "bold"; used only if `BASE` has
            all glyphs of the text.
    """
    found = families(text)
    return {
        "color": colour,
        "fontsize": size,
        # Other fonts are often installed in one weight only.
        "fontweight": weight if found == (BASE,) else "normal",
        "fontfamily": list(found),
        "parse_math": False,
    }


def plain_chart(axes: Axes, across: str, title: str) -> None:
    """Give the axes of a chart faint grid lines, small letters and a title.

    Args:
        axes: the axes to style.
        across: label of the horizontal axis.
        title: title of the chart.
    """
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
