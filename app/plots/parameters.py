"""Charts of a hyperparameter search: score against each hyperparameter."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.plots.scales import Scale
from app.plots.sheet import GAP, Sheet
from app.plots.style import BAR, FAINT, GOLD, TEXT, letters, plain_chart
from app.plots.trials import Trials, described_best, trials_of, under
from app.plots.wrapping import LETTER, length, wrapped

WIDTH, HEIGHT = 2.7, 1.9  # size of a chart in inches
A_ROW = 4  # greatest number of charts in a row
DOT = 0.085  # diameter of a dot in inches

PLAIN: dict[str, Any] = {
    **{"linestyle": "", "marker": "o", "markersize": 5.5},
    **{"color": BAR, "alpha": 0.6, "markeredgewidth": 0},
}
STOPPED = PLAIN | {"markerfacecolor": "none", "markeredgewidth": 1.2}
BEST: dict[str, Any] = {
    **{"linestyle": "", "marker": "D", "markersize": 7.5, "zorder": 4},
    **{"color": GOLD, "markeredgecolor": "white"},
}


def score_by_parameter(
    names: Sequence[str],
    values: Sequence[Mapping[str, Any]],
    scores: Sequence[float],
    title: str = "",
    *,
    label: str = "score",
    smaller_is_better: bool = False,
    stopped: Collection[int] = (),
    caption: str = "",
) -> Figure:
    """Draw the scores of the trials of a hyperparameter search.

    There is a chart for each hyperparameter. Each trial is drawn as a dot,
    and the best trial as a diamond. The horizontal position is the trial's
    value of the hyperparameter; the vertical position is the trial's score. The
    values are either a list of choices or a range of numbers (see `scale_of`).
    For each choice of a list, a short line marks the median score of the trials
    that have this choice and were not stopped early. The scale of a range is
    logarithmic if all its numbers are positive and the largest is more than
    `WIDE` times the smallest. The scale of the scores is logarithmic under the
    same condition, but only if smaller scores are better.

    Args:
        names: names of the hyperparameters, in the form SECTION.KEY.
        values: for each trial, a mapping whose keys are the names of the
            parameters that were active (in use) in the trial, and whose values
            are the values of these parameters.
        scores: the score of each trial, a finite number.
        title: text to write above the figure.
        label: name of the scores, written at their axis.
        smaller_is_better: whether the best trial has the smallest score.
        stopped: indexes of the trials that were stopped early, after fewer
            epochs than the other trials, so that their scores are unreliable.
        caption: text to write below the figure.

    Raises:
        GlimpseError: there is no parameter or no trial, the numbers of trials
            and of scores differ, or a score is not finite.
    """
    trials = trials_of(names, values, scores, label, smaller_is_better, stopped)
    sheet = Sheet()
    charts = [_chart(sheet, trials, name) for name in trials.scales]
    # Rows get similar lengths: a row of four above one chart would waste paper.
    a_row = math.ceil(len(charts) / math.ceil(len(charts) / A_ROW))
    rows = [charts[i : i + a_row] for i in range(0, len(charts), a_row)]
    for row in rows:
        row[0].set_ylabel(trials.label, **letters(trials.label, 8.5, FAINT))
        for axes in row[1:]:
            axes.tick_params(labelleft=False)
    _align(sheet, rows)
    notes = [f"Diamond: the best trial, {described_best(trials)}."]
    if any(scale.is_list and scale.marks for scale in trials.scales.values()):
        notes.append("Bar: the median of a choice.")
    if stopped:
        notes.append("Hollow: stopped after fewer epochs.")
    return sheet.finish(title, under(notes, caption))


def _chart(sheet: Sheet, trials: Trials, name: str) -> Axes:
    axes = sheet.axes(WIDTH, HEIGHT)
    scale, active = trials.scales[name], trials.active(name)
    places = np.array([scale.place(trials.values[i][name]) for i in active])
    scores = trials.scores[active]
    stopped = np.isin(active, list(trials.stopped))
    if scale.is_list:
        _medians(axes, places[~stopped], scores[~stopped])
        places = places + _swarm(trials, scale, places, scores)
    best = np.array(active, int) == trials.best
    for label, chosen, style in (
        ("stopped", stopped & ~best, STOPPED),
        ("trials", ~stopped & ~best, PLAIN),
        ("best", best, BEST),
    ):
        axes.plot(places[chosen], scores[chosen], label=label, **style)
    _set_scale(axes, "x", scale)
    _set_scale(axes, "y", trials.scale)
    axes.set_yticklabels(trials.scale.texts())
    plain_chart(
        axes, "", wrapped(trials.titles[name], WIDTH, 10, most=2, tear=True)
    )
    _write_across(axes, scale)
    return axes


def _medians(axes: Axes, places: np.ndarray, scores: np.ndarray) -> None:
    choices = np.unique(places)
    axes.hlines(
        [np.median(scores[places == choice]) for choice in choices],
        choices - 0.3,
        choices + 0.3,
        label="median",
        color=TEXT,
        linewidth=1.6,
    )


def _swarm(
    trials: Trials, scale: Scale, places: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Compute how to move dots sideways so that they do not overlap.

    If dots with similar scores are too many for the room, some of them still
    overlap.

    Args:
        trials: all trials; only the scale of their scores is used.
        scale: the scale of the hyperparameter, which has a list of choices.
        places: the horizontal position of each dot, of shape (dots,).
        scores: the score of each dot, of shape (dots,).

    Returns:
        For each dot, the distance in data units by which to move it to the
        right, or to the left if negative; an array of shape (dots,).
    """
    dot = DOT * max(len(scale.marks), 1) / WIDTH
    number = int(0.4 / dot)
    steps = sorted(range(-number, number + 1), key=abs)
    put: list[tuple[float, float]] = []  # places across and up, in dots
    moves = []
    for place, score in zip(places / dot, scores, strict=True):
        high = HEIGHT * trials.scale.share(score) / DOT
        free = (
            step
            for step in steps
            if all(math.dist((place + step, high), each) >= 1 for each in put)
        )
        moves.append(next(free, steps[len(put) % len(steps)]))
        put.append((place + moves[-1], high))
    return dot * np.array(moves)


def _set_scale(axes: Axes, which: str, scale: Scale) -> None:
    if scale.logarithmic:
        axes.set(**{f"{which}scale": "log"})
        axes.minorticks_off()
    places = [scale.place(mark) for mark in scale.marks]
    axes.set(**{f"{which}ticks": places, f"{which}lim": scale.limits()})


def _write_across(axes: Axes, scale: Scale) -> None:
    """Write values along the horizontal axis, aslant if they do not fit."""
    texts = scale.texts()
    if not texts:
        axes.set_xticks([0])
        texts = ["not active in any trial"]
    room = WIDTH / len(texts) - 0.06
    folded = [wrapped(text, room, 8, most=2) for text in texts]
    lines = (line for text in folded for line in text.split("\n"))
    longest = max(map(length, lines))
    if LETTER * 8 * longest <= room:
        axes.set_xticklabels(folded)
    else:
        axes.set_xticklabels(texts, rotation=40, rotation_mode="anchor")
    colour = TEXT if scale.is_list and scale.marks else FAINT
    for label in axes.get_xticklabels():
        label.set(**letters(label.get_text(), 8, colour))
        if label.get_rotation():
            label.set(ha="right", va="center")


def _align(sheet: Sheet, rows: Sequence[Sequence[Axes]]) -> None:
    """Put charts into rows and columns, with room for their labels."""
    top = 0.0
    for row in rows:
        top -= max(sheet.box(axes).y1 - sheet.place(axes).y1 for axes in row)
        for column, axes in enumerate(row):
            sheet.move(axes, column * (WIDTH + GAP), top - HEIGHT)
        top = min(sheet.box(axes).y0 for axes in row) - GAP
