"""Chart of BLEU by the length of the source sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.plots.direction import isolated
from app.plots.fonts import BASE
from app.plots.line_ends import End, direct_labels
from app.plots.sheet import Sheet
from app.plots.style import FAINT, letters, line_style, plain_chart
from data import GlimpseError

COLUMN, HEIGHT = 0.62, 2.8  # inches: width of a range, height of the chart
COUNTS = 0.19  # height of a row of counts in inches

Rows = Sequence[Mapping[str, Any]]  # by_source_length of `evaluate --json`
Bucket = tuple[int, int]  # range of lengths: least and greatest number of words


def bleu_by_length(
    runs: Mapping[str, Rows], title: str = "", *, caption: str = ""
) -> Figure:
    """Draw BLEU against the length of the source, with a line for each run.

    A run is one training of a model. Lengths are in words, and are grouped into
    ranges. The chart shows whether long sentences are translated worse. Below
    each range, it shows how many sentences are in the range, since the BLEU of
    few sentences is unreliable. There is one row of these counts if they are
    the same for all runs; otherwise there is a row for each run.

    Args:
        runs: mapping whose keys are the names of the runs, and whose values
            are the lists `by_source_length` from the output of
            `evaluate --json` for the runs.
        title: text to write above the figure.
        caption: text to write below the figure.

    Raises:
        GlimpseError: no run has a score to draw.
    """
    buckets = sorted({_bucket(row) for rows in runs.values() for row in rows})
    if not buckets:
        raise GlimpseError(
            f"Got {len(runs)} runs without a row by source length; at least "
            "one is needed: give 'by_source_length' of 'evaluate --json'"
        )
    sheet = Sheet()
    axes = sheet.axes(max(COLUMN * len(buckets), 1.5), HEIGHT)
    ends = [
        _line(axes, index, name, rows, buckets)
        for index, (name, rows) in enumerate(runs.items())
        if rows
    ]
    top = max(row["bleu"] for rows in runs.values() for row in rows)
    axes.set(xlim=(-0.5, len(buckets) - 0.5), ylim=(0, max(top * 1.08, 1)))
    axes.set_xticks(range(len(buckets)), [f"{a}–{b}" for a, b in buckets])
    plain_chart(axes, "Words of the source", "BLEU")
    axes.set_title(
        "BLEU", loc="left", pad=8, **letters("BLEU", 10, weight="bold")
    )
    direct_labels(axes, ends)
    _counts(axes, runs, buckets)
    sheet.arrange([[axes]])
    return sheet.finish(title, caption)


def _bucket(row: Mapping[str, Any]) -> Bucket:
    return int(row["from"]), int(row["to"])


def _line(
    axes: Axes, index: int, name: str, rows: Rows, buckets: Sequence[Bucket]
) -> End:
    points = sorted((buckets.index(_bucket(row)), row["bleu"]) for row in rows)
    style = line_style(index)
    axes.plot(*np.array(points).T, label=name, **style)
    return End(name, *points[-1], style["color"])


def _counts(
    axes: Axes, runs: Mapping[str, Rows], buckets: Sequence[Bucket]
) -> None:
    """Write below the labels of the axis how many sentences each range has.

    There is one row of counts if they are the same for all runs; otherwise
    there is a row for each run.
    """
    counts = {
        name: {_bucket(row): int(row["sentences"]) for row in rows}
        for name, rows in runs.items()
    }
    distinct = {tuple(sorted(each.items())) for each in counts.values()}
    if len(distinct) == 1:
        _row(axes, 0, "sentences", FAINT, next(iter(counts.values())), buckets)
        return
    for index, (name, found) in enumerate(counts.items()):
        colour = line_style(index)["color"]
        _row(
            axes, index, f"sentences, {isolated(name)}", colour, found, buckets
        )


def _row(
    axes: Axes,
    index: int,
    name: str,
    colour: str,
    counts: Mapping[Bucket, int],
    buckets: Sequence[Bucket],
) -> None:
    height = -(0.56 + COUNTS * index) / HEIGHT  # share of the axes, below
    place = axes.get_xaxis_transform()
    for column, bucket in enumerate(buckets):
        text = f"{counts[bucket]:,}" if bucket in counts else "–"
        axes.text(
            column,
            height,
            text,
            transform=place,
            ha="center",
            **letters(BASE, 8, colour),
        )
    axes.text(
        len(buckets) - 0.35,
        height,
        name,
        transform=place,
        **letters(name, 8, colour),
    )
