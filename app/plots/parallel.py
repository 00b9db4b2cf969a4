"""Parallel coordinates of the trials of a hyperparameter search.

A trial is one training with one choice of hyperparameters. It is drawn as a
line that crosses the axis of each hyperparameter at the value of the trial. A
hyperparameter is active only in trials that use it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from app.plots.panels import WIDEST
from app.plots.scales import Scale
from app.plots.sheet import Sheet
from app.plots.style import FAINT, GOLD, letters
from app.plots.trials import Trials, described_best, trials_of, under
from app.plots.wrapping import wrapped

TALL = 2.5  # height in inches of the vertical axes
NARROW, BROAD = 1.0, 1.15  # least and greatest distance of two axes in inches
# The unit of these is the height of an axis.
NOWHERE = -0.16  # position of a line at an inactive parameter
APART = 0.01  # greatest distance of neighbouring lines with equal values
FAN = 0.055  # greatest height of all lines with equal values


def parallel_coordinates(
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
    """Draw each trial of a hyperparameter search as a line.

    Each hyperparameter has a vertical axis with a scale of its own. The line of
    a trial crosses each axis at the trial's value, and ends at the trial's
    score on the axis of the scores. If a parameter was not active in a trial,
    the line of the trial passes below the axis of the parameter. The better a
    trial, the darker its line. The line of the best trial is thick, and drawn
    on top of all others. Lines of trials that were stopped early are dotted.
    `score_by_parameter` describes the scales and the arguments.

    Raises:
        GlimpseError: for the same reasons as in `score_by_parameter`.
    """
    trials = trials_of(names, values, scores, label, smaller_is_better, stopped)
    last = len(trials.scales)
    column = float(np.clip(WIDEST / (last + 1), NARROW, BROAD))
    wide = last + 0.1 / column  # the axis of scores is a strip of colours
    sheet = Sheet()
    axes = sheet.axes(column * wide, TALL)
    axes.set(xlim=(0, wide), ylim=(0, 1), yticks=[])
    _lines(axes, trials)
    _strip(axes, trials, last, wide)
    _heads(axes, [*trials.titles.values(), trials.label], column - 0.1)
    for at, (name, scale) in enumerate(trials.scales.items()):
        _upright(axes, at, scale, column - 0.2)
        if len(trials.active(name)) < len(values):
            _mark(axes, (at, NOWHERE), "–")
    best = described_best(trials)
    notes = [f"Thick: the best trial, {best}. The darker, the better."]
    if any(len(trials.active(name)) < len(values) for name in trials.scales):
        notes.append("–: not active in a trial.")
    if stopped:
        notes.append("Dotted: stopped after fewer epochs.")
    return sheet.finish(title, under(notes, caption))


def _lines(axes: Axes, trials: Trials) -> None:
    """Draw the lines of all trials, the best one last."""
    columns = [
        [scale.share(v[name]) if name in v else NOWHERE for v in trials.values]
        for name, scale in trials.scales.items()
    ]
    ends = np.array([trials.scale.share(score) for score in trials.scores])
    lines = np.array([*(_fan(np.array(c), ends) for c in columns), ends]).T
    order = np.argsort(
        -ends if trials.smaller_is_better else ends, kind="stable"
    )
    for trial in (*order[order != trials.best], trials.best):
        best = trial == trials.best
        axes.plot(
            *_curve(lines[trial]),
            label=f"trial {trial}",
            color=GOLD if best else trials.colour(ends[trial]),
            linewidth=3 if best else 1.3,
            linestyle=":" if trial in trials.stopped else "-",
            clip_on=False,
        )


def _curve(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the line of one trial, which crosses all the vertical axes.

    The line is smooth, and horizontal where it crosses an axis.

    Args:
        places: for each axis, the height at which the line crosses it; an
            array of shape (axes,).

    Returns:
        The horizontal and the vertical coordinates of the points of the line.
    """
    along = np.linspace(0, 1, 33)
    rise = along**2 * (3 - 2 * along)
    y = places[:-1, None] + np.diff(places)[:, None] * rise
    return (np.arange(len(y))[:, None] + along).ravel(), y.ravel()


def _fan(places: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Move lines slightly apart where they cross an axis at the same height.

    Args:
        places: for each trial, the height at which its line crosses the axis;
            an array of shape (trials,).
        scores: for each trial, the height of its score; an array of shape
            (trials,). Lines that cross the axis at the same height are put
            in the order of their scores, the highest score at the top.

    Returns:
        The new heights of the lines at the axis, of shape (trials,).
    """
    moved = places.copy()
    for place in np.unique(places):
        same = np.flatnonzero(places == place)
        same = same[np.argsort(scores[same], kind="stable")]
        steps = np.arange(len(same)) - (len(same) - 1) / 2
        moved[same] += steps * min(APART, FAN / len(same))
    return moved


def _heads(axes: Axes, texts: Sequence[str], width: float) -> None:
    """Write the name of a hyperparameter or of the scores above each axis."""
    axes.xaxis.tick_top()
    axes.tick_params(pad=10)
    folded = [wrapped(text, width, 9, most=2, tear=True) for text in texts]
    axes.set_xticks(range(len(texts)), folded)
    for label in axes.get_xticklabels():
        label.set(**letters(label.get_text(), 9, weight="bold"))


def _upright(axes: Axes, at: int, scale: Scale, width: float) -> None:
    """Draw the vertical axis of a hyperparameter, and values along it."""
    axes.plot([at, at], [0, 1], color=FAINT, linewidth=0.8, clip_on=False)
    for mark, text in zip(scale.marks, scale.texts(), strict=True):
        _mark(
            axes,
            (at, scale.share(mark)),
            wrapped(text, width, 7.5, most=2, tear=True),
        )


def _mark(axes: Axes, at: tuple[float, float], text: str) -> None:
    axes.annotate(
        text,
        at,
        (-4, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        annotation_clip=False,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        **letters(text, 7.5),
    )


def _strip(axes: Axes, trials: Trials, left: float, right: float) -> None:
    """Draw the axis of the scores: a strip with the colour of each score."""
    shares = np.linspace(0, 1, 256)
    axes.imshow(
        trials.colour(shares)[:, None],
        extent=(left, right, 0, 1),
        origin="lower",
        aspect="auto",
    )
    for mark, text in zip(
        trials.scale.marks, trials.scale.texts(), strict=True
    ):
        axes.annotate(
            text,
            (right, trials.scale.share(mark)),
            (4, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            **letters(text, 7.5),
        )
