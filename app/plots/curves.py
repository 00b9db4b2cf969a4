"""Training as curves: loss, perplexity, BLEU, norms of gradients."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from app.plots.labels import End, direct_labels
from app.plots.sheet import Sheet
from app.plots.style import line_style, plain_chart
from data import GlimpseError

WIDTH, HEIGHT = 3.4, 2.5  # inches, of a chart
AGAINST = {
    "epoch": "Epoch",
    "step": "Steps",
    "tokens": "Target tokens",
    "seconds": "Seconds",
}

History = Sequence[Mapping[str, Any]]  # rows of history.csv


class Chart(NamedTuple):
    """A title, the columns it shows, and whether its scale is of powers."""

    title: str
    columns: tuple[str, ...]  # the first is the one that is named
    logarithmic: bool = False


LEARNING = (
    Chart("Loss per token", ("validation_loss", "train_loss")),
    Chart("Perplexity", ("validation_perplexity", "train_perplexity"), True),
    Chart("Validation BLEU", ("validation_bleu",)),
)
GRADIENTS = (Chart("Norm of the gradients", ("train_gradient_norm",)),)


def read_history(run: Path | str) -> list[dict[str, float]]:
    """Read `history.csv` of a run folder: a row for each validation.

    Raises:
        GlimpseError: it is not there, or holds something else than numbers.
    """
    path = Path(run) / "history.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {key: float(value or "nan") for key, value in row.items()}
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise GlimpseError(
            f"{path} cannot be read ({error.strerror or error}); curves are "
            "drawn of a run that has finished an epoch: train it that far"
        ) from error
    except (ValueError, TypeError, csv.Error) as error:
        raise GlimpseError(
            f"{path} holds something else than numbers ({error}); it must be "
            "as training wrote it: restore it, or train the run again"
        ) from error


def learning_curves(
    histories: Mapping[str, History],
    title: str = "",
    *,
    against: str = "epoch",
    caption: str = "",
) -> Figure:
    """Draw loss, perplexity and BLEU of one or several runs.

    Lines of validation are solid, with markers; those of training are dashed.

    Args:
        histories: rows as `read_history` gives them, by name of the run;
            what a row lacks is left out.
        title: above all.
        against: one of `AGAINST`, along the bottom.
        caption: below all.

    Raises:
        GlimpseError: there is nothing to draw, or no such `against`.
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
    """Draw the column `train_gradient_norm`; see `learning_curves`."""
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
            f"Curves got '{against}' to be drawn against; choose one of "
            f"{', '.join(AGAINST)}"
        )
    shown = [chart for chart in charts if _has(histories, chart, against)]
    if not shown:
        columns = ", ".join(c for chart in charts for c in chart.columns)
        raise GlimpseError(
            f"Got {len(histories)} histories without a number to draw; rows "
            f"with '{against}' and any of {columns} are needed: give those "
            "of a run that has finished an epoch"
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
    """(number, 2), of the rows that have both."""
    pairs = [(_number(row, against), _number(row, column)) for row in rows]
    points = np.array(pairs, float).reshape(-1, 2)
    return points[np.isfinite(points).all(1)]


def _number(row: Mapping[str, Any], column: str) -> float:
    """NaN where the row has none."""
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
