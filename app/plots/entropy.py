"""Bar chart of the entropy of attention, with a bar for each target word."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.alignment import entropy
from app.plots.direction import right_to_left
from app.plots.sheet import Sheet
from app.plots.style import BAR, FAINT, RULE, letters
from app.plots.words import label_columns
from data import GlimpseError

HEIGHT = 1.5  # height of the chart in inches
MOST_NUMBERS = 30  # words; for more, numbers at the bars would not fit


def entropy_bars(
    weights: np.ndarray,
    target: Sequence[str],
    title: str = "",
    *,
    caption: str = "",
) -> Figure:
    """Draw the entropy of the attention of each target word as a bar.

    The bars hang down under the target words. The longer a bar, the more the
    attention is spread over the source words. A dashed line marks log2 S, the
    entropy of attention that is spread evenly over all S source words.

    Args:
        weights: attention, of shape (T, S); no weight may be negative.
        target: the T target words, as labels of the bars.
        title: text to write above the figure.
        caption: text to write below the figure.

    Raises:
        GlimpseError: there are no weights, or the number of labels differs
            from the number of rows of `weights`.
    """
    weights = np.asarray(weights, float)
    if weights.ndim != 2 or len(weights) != len(target) or not weights.size:
        raise GlimpseError(
            f"Entropy got weights of shape {weights.shape} for {len(target)} "
            "target labels; it needs a row of weights for each label, at "
            "least one"
        )
    bits, count = entropy(weights), len(target)
    bits[~weights.any(1)] = np.nan  # no weight, no bar
    cell = float(np.clip(14 / count, 0.2, 0.4))
    sheet = Sheet()
    axes = sheet.axes(cell * count, HEIGHT)
    axes.bar(np.arange(count) + 0.5, bits, 0.62, color=BAR)
    most = np.log2(weights.shape[1])
    leftward = right_to_left(target)
    axes.set(xlim=(0, count), ylim=(max(most, 1) * 1.06, 0))
    if leftward:
        axes.invert_xaxis()
    label_columns(axes, target, min(11, 38 * cell), leftward)
    _scale(axes, most)
    if count <= MOST_NUMBERS:
        _numbers(axes, bits)
    sheet.arrange([[axes]])
    return sheet.finish(title, caption)


def _scale(axes: Axes, most: float) -> None:
    """Draw the vertical scale, and a line at the largest possible entropy.

    Args:
        axes: the axes of the chart.
        most: the largest possible entropy in bits, which attention has if it
            is spread evenly over all source words.
    """
    step = 1 if most < 5 else 2
    axes.set_yticks(np.arange(0, max(most, 1) + 1e-9, step))
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.axhline(most, color=FAINT, linewidth=0.9, linestyle=(0, (4, 2)))
    even = f"evenly over all: {most:.1f} bits"
    axes.annotate(
        even,
        (1, most),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        **letters(even, 8, FAINT),
    )
    axes.set_ylabel("bits", **letters("bits", 8.5, FAINT))
    for label in axes.get_yticklabels():
        label.set(**letters("0", 8, FAINT))


def _numbers(axes: Axes, bits: np.ndarray) -> None:
    for place, value in enumerate(bits):
        if np.isfinite(value):
            axes.annotate(
                f"{value:.1f}",
                (place + 0.5, value),
                (0, -2),
                textcoords="offset points",
                ha="center",
                va="top",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
                **letters("0", 7, FAINT),
            )
