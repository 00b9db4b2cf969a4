"""Learning curves: loss, perplexity, BLEU and norms of gradients."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from app.metrics import METRICS
from app.plots.line_ends import End, direct_labels
from app.plots.sheet import Sheet
from app.plots.style import line_style, plain_chart
from data import GlimpseError

WIDTH, HEIGHT = 3.4, 2.5  # size of a chart in inches
AGAINST = {
    "epoch": "Epoch",
    "step": "Steps",
    "tokens": "Target tokens",
    "seconds": "Seconds",
}

History = Sequence[Mapping[str, Any]]  # rows of history.csv


class Chart(NamedTuple):
    """Chart in a figure of learning curves; it shows columns of history.csv.

    Attributes:
        title: text above the chart.
        columns: names of the columns of history.csv to draw. The chart has one
            line for each pair of a run and a column. Only the line of the first
            column is labelled with the name of the run.
        logarithmic: whether the vertical axis is logarithmic.
    """

    title: str
    columns: tuple[str, ...]
    logarithmic: bool = False


LEARNING = (
    Chart("Loss per token", (METRICS["loss"].column, "train_loss")),
    Chart(
        METRICS["perplexity"].label,
        (METRICS["perplexity"].column, "train_perplexity"),
        logarithmic=True,
    ),
    *(
        Chart(f"Validation {each.label}", (each.column,))
        for each in METRICS.values()
        if each.needs == "text"
    ),
)
GRADIENTS = (Chart("Norm of the gradients", ("train_gradient_norm",)),)


def learning_curves(
    histories: Mapping[str, History],
    title: str = "",
    *,
    against: str = "epoch",
    caption: str = "",
) -> Figure:
    """Draw the learning curves of one or more runs.

    The figure has a chart of the loss, a chart of the perplexity, and a chart
    of each metric of translations, such as BLEU. A chart that would have no
    values is left out. Solid lines with markers show values of the validation
    set; dashed lines show values computed during training.

    Args:
        histories: mapping whose keys are the names of the runs, and whose
            values are the rows that `read_history` returns for the runs. If a
            row lacks a value, no point is drawn for it.
        title: text to write above the figure.
        against: quantity on the horizontal axis: "epoch", "step", "tokens" or
            "seconds".
        caption: text to write below the figure.

    Raises:
        GlimpseError: no row has numbers to draw, or `against` is unknown.
    """
    note = "Solid: validation. Dashed: training."
    caption = f"{note}\n{caption}" if caption else note
    return _charts(LEARNING, histories, title, against, caption)


def gradient_norms(
    histories: Mapping[str, History],
    title: str = "",
    *,
    against: str = "epoch",
    caption: str = "",
) -> Figure:
    """Draw the norms of the gradients during training, a line for each run.

    The norms are in the column `train_gradient_norm` of the histories.
    `learning_curves` describes the arguments and the errors.
    """
    return _charts(GRADIENTS, histories, title, against, caption)


def _charts(
    charts: Sequence[Chart],
    histories: Mapping[str, History],
    title: str,
    against: str,
    caption: str,
) -> Figure:
    if against not in AGAINST:
        raise GlimpseError(
            f"Curves cannot be drawn against '{against}'; choose one of "
            f"{', '.join(AGAINST)}"
        )
    shown = [chart for chart in charts if _has(histories, chart, against)]
    if not shown:
        columns = ", ".join(c for chart in charts for c in chart.columns)
        raise GlimpseError(
            f"Got {len(histories)} histories without a number to draw; rows "
            f"with '{against}' and any of {columns} are needed: give the "
            "history of a run that has finished an epoch"
        )
    sheet = Sheet()
    drawn = [_chart(sheet, chart, histories, against) for chart in shown]
    sheet.arrange([drawn])
    return sheet.finish(title, caption)


def _has(histories: Mapping[str, History], chart: Chart, against: str) -> bool:
    return any(
        len(_points(rows, against, column))
        for rows in histories.values()
        for column in chart.columns
    )


def _points(rows: History, against: str, column: str) -> np.ndarray:
    """Return the values of two columns as points, an array of shape (N, 2).

    A row gives a point only if it has a finite number in both columns.

    Args:
        rows: the rows of the history.
        against: name of the column with the horizontal coordinates.
        column: name of the column with the vertical coordinates.
    """
    pairs = [(_number(row, against), _number(row, column)) for row in rows]
    points = np.array(pairs, float).reshape(-1, 2)
    return points[np.isfinite(points).all(1)]


def _number(row: Mapping[str, Any], column: str) -> float:
    """Return the number in a column of a row; NaN if there is none."""
    value = row.get(column)
    return float("nan") if value in ("", None) else float(value)


def _chart(
    sheet: Sheet, chart: Chart, histories: Mapping[str, History], against: str
) -> Axes:
    axes = sheet.axes(WIDTH, HEIGHT)
    ends = []
    for index, (name, rows) in enumerate(histories.items()):
        for column in chart.columns:
            points = _points(rows, against, column)
            if not len(points):
                continue
            style = _style(index, column, chart)
            axes.plot(*points.T, label=f"{name}: {column}", **style)
            if column == chart.columns[0]:
                x, y = points[-1]
                ends.append(End(name, x, y, style["color"]))
    _scales(axes, chart, against)
    plain_chart(axes, AGAINST[against], chart.title)
    direct_labels(axes, ends)
    return axes


def _style(index: int, column: str, chart: Chart) -> dict[str, Any]:
    style = line_style(index)
    if column == chart.columns[0]:
        return style | {"linestyle": "-"}
    thin = {"linestyle": (0, (4, 2)), "marker": "", "linewidth": 1.0}
    return style | thin


def _scales(axes: Axes, chart: Chart, against: str) -> None:
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=against == "epoch"))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if chart.logarithmic:
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.4g}"))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_ylim(bottom=0)
