"""A search for better parameters: what each trial chose, and its score."""

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from app.plots.direction import isolated
from app.plots.fonts import legible
from app.plots.panels import WIDEST
from app.plots.scales import Scale, range_of, scale_of, written
from app.plots.sheet import GAP, Sheet
from app.plots.style import (
    BAR,
    FAINT,
    GOLD,
    INK,
    TEXT,
    letters,
    plain_chart,
)
from data import GlimpseError

WIDTH, HEIGHT = 2.7, 1.9  # inches, of a chart
A_ROW = 4  # charts
DOT = 0.085  # inches
TALL = 2.5  # inches, of the axes that lines run through
NARROW, BROAD = 1.0, 1.15  # inches, from one of them to the next
NOWHERE = -0.16  # of their height: where lines pass below one
APART = 0.01  # of their height: two lines of one choice
FAN = 0.055  # of their height: all lines of one choice
PALEST = 0.32  # of INK: less is hardly seen as a line on paper
LETTER = 0.0086  # inches, for each point of its size


PLAIN: dict[str, Any] = {
    **{"linestyle": "", "marker": "o", "markersize": 5.5},
    **{"color": BAR, "alpha": 0.6, "markeredgewidth": 0},
}
STOPPED = PLAIN | {"markerfacecolor": "none", "markeredgewidth": 1.2}
BEST: dict[str, Any] = {
    **{"linestyle": "", "marker": "D", "markersize": 7.5, "zorder": 4},
    **{"color": GOLD, "markeredgecolor": "white"},
}


@dataclass(frozen=True)
class Search:
    """Trials that can be drawn.

    Attributes:
        titles: what to write for each parameter, by its name.
        scales: of each parameter, by its name.
        values: what each trial chose, by name.
        scores: (trials,).
        label: what the scores are.
        scale: of the scores.
        smaller_is_better: of them.
        stopped: trials that were stopped before others.
    """

    titles: Mapping[str, str]
    scales: Mapping[str, Scale]
    values: Sequence[Mapping[str, Any]]
    scores: np.ndarray
    label: str
    scale: Scale
    smaller_is_better: bool
    stopped: Collection[int]

    @property
    def best(self) -> int:
        """Which trial; of equal ones the first."""
        scores = self.scores
        return int((-scores if self.smaller_is_better else scores).argmax())

    def active(self, name: str) -> list[int]:
        """The trials that have a value of this parameter."""
        return [i for i, values in enumerate(self.values) if name in values]

    def colour(self, share: float | np.ndarray) -> Any:
        """Of a score so far along its scale: the better, the darker."""
        good = 1 - share if self.smaller_is_better else share
        return INK(PALEST + (1 - PALEST) * good)


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
    """Draw the scores of trials against each parameter, one a chart.

    A diamond is the best trial. Choices of a list have a bar at the median
    of their scores, without those of trials that were stopped. Many different
    numbers stand on a scale, which is one of powers where they are positive
    and the largest is more than `WIDE` times the smallest; so do scores, but
    of powers only if smaller ones are better.

    Args:
        names: of the parameters, as SECTION.KEY.
        values: what each trial chose, by name; a name is missing where the
            parameter was not active.
        scores: one for each trial, finite.
        title: above all.
        label: what the scores are.
        smaller_is_better: whether the best trial has the smallest score.
        stopped: trials, counted from 0, that were stopped after fewer epochs
            than others; their scores say little beside those.
        caption: below all.

    Raises:
        GlimpseError: there is nothing to draw, trials and scores do not
            match, or a score is not finite.
    """
    search = _search(names, values, scores, label, smaller_is_better, stopped)
    sheet = Sheet()
    charts = [_chart(sheet, search, name) for name in search.scales]
    # As many in each row: four and one would leave half the paper empty.
    a_row = math.ceil(len(charts) / math.ceil(len(charts) / A_ROW))
    rows = [charts[i : i + a_row] for i in range(0, len(charts), a_row)]
    for row in rows:
        row[0].set_ylabel(search.label, **letters(search.label, 8.5, FAINT))
        for axes in row[1:]:
            axes.tick_params(labelleft=False)
    _align(sheet, rows)
    notes = [f"Diamond: the best trial, {_best(search)}."]
    if any(scale.is_list and scale.marks for scale in search.scales.values()):
        notes.append("Bar: the median of a choice.")
    if stopped:
        notes.append("Hollow: stopped after fewer epochs.")
    return sheet.finish(title, _under(notes, caption))


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
    """Draw each trial as a line through all it chose, to its score.

    Each parameter is an axis with a scale of its own; a line passes below it
    where the parameter was not active. The better, the darker; the best trial
    is thick, and above all others; those that were stopped are dotted. See
    `score_by_parameter` for the scales and the arguments.

    Raises:
        GlimpseError: see `score_by_parameter`.
    """
    search = _search(names, values, scores, label, smaller_is_better, stopped)
    last = len(search.scales)
    column = float(np.clip(WIDEST / (last + 1), NARROW, BROAD))
    wide = last + 0.1 / column  # with the scale of colours
    sheet = Sheet()
    axes = sheet.axes(column * wide, TALL)
    axes.set(xlim=(0, wide), ylim=(0, 1), yticks=[])
    _lines(axes, search)
    _strip(axes, search, last, wide)
    _heads(axes, [*search.titles.values(), search.label], column - 0.1)
    for at, (name, scale) in enumerate(search.scales.items()):
        _upright(axes, at, scale, column - 0.2)
        if len(search.active(name)) < len(values):
            _mark(axes, (at, NOWHERE), "–")
    notes = [f"Thick: the best trial, {_best(search)}. The darker, the better."]
    if any(len(search.active(name)) < len(values) for name in search.scales):
        notes.append("–: not active in a trial.")
    if stopped:
        notes.append("Dotted: stopped after fewer epochs.")
    return sheet.finish(title, _under(notes, caption))


def _search(
    names: Sequence[str],
    values: Sequence[Mapping[str, Any]],
    scores: Sequence[float],
    label: str,
    smaller_is_better: bool,
    stopped: Collection[int],
) -> Search:
    numbers = np.array(scores, float)
    _check(names, values, numbers)
    return Search(
        _titles(names),
        {n: scale_of([v[n] for v in values if n in v]) for n in names},
        values,
        numbers,
        legible(label),
        range_of(numbers, smaller_is_better),
        smaller_is_better,
        stopped,
    )


def _check(
    names: Sequence[str],
    values: Sequence[Mapping[str, Any]],
    scores: np.ndarray,
) -> None:
    if not names or not len(scores) or len(values) != len(scores):
        raise GlimpseError(
            f"A search got {len(names)} parameters, values of {len(values)} "
            f"trials and {len(scores)} scores; it needs at least one parameter "
            "and one trial, and a score for each trial: give those of trials "
            "that have ended"
        )
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise GlimpseError(
            f"Trial {bad[0]} of a search got the score {scores[bad[0]]}; "
            "only finite numbers can be drawn: leave out trials without one"
        )


def _titles(names: Sequence[str]) -> dict[str, str]:
    """Names without their section, unless two would be the same."""
    keys = [name.rpartition(".")[2] for name in names]
    return {
        name: legible((key if keys.count(key) == 1 else name).replace("_", " "))
        for name, key in zip(names, keys, strict=True)
    }


def _best(search: Search) -> str:
    score = written(float(search.scores[search.best]), 3)
    return f"{isolated(search.label)} {score}"


def _under(notes: Sequence[str], caption: str) -> str:
    return "\n".join(filter(None, [" ".join(notes), caption]))


def _fold(text: str, width: float, size: float, tear: bool = True) -> str:
    """The text in one or two lines of so many inches, broken at hyphens too.

    Args:
        text: what to write.
        width: in inches.
        size: of the letters, in points.
        tear: whether words that are longer are broken anywhere.
    """
    limit = max(1, int(width / (LETTER * size)))
    lines = textwrap.wrap(
        text, limit, break_long_words=tear, max_lines=2, placeholder="…"
    )
    return "\n".join(lines)


def _chart(sheet: Sheet, search: Search, name: str) -> Axes:
    axes = sheet.axes(WIDTH, HEIGHT)
    scale, trials = search.scales[name], search.active(name)
    places = np.array([scale.place(search.values[i][name]) for i in trials])
    scores = search.scores[trials]
    stopped = np.isin(trials, list(search.stopped))
    if scale.is_list:
        _medians(axes, places[~stopped], scores[~stopped])
        places = places + _swarm(search, scale, places, scores)
    best = np.array(trials, int) == search.best
    for label, chosen, style in (
        ("stopped", stopped & ~best, STOPPED),
        ("trials", ~stopped & ~best, PLAIN),
        ("best", best, BEST),
    ):
        axes.plot(places[chosen], scores[chosen], label=label, **style)
    _set_scale(axes, "x", scale)
    _set_scale(axes, "y", search.scale)
    axes.set_yticklabels(search.scale.texts())
    plain_chart(axes, "", _fold(search.titles[name], WIDTH, 10))
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
    search: Search, scale: Scale, places: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Moves sideways, in data units, that make dots stand side by side."""
    dot = DOT * max(len(scale.marks), 1) / WIDTH
    number = int(0.4 / dot)
    steps = sorted(range(-number, number + 1), key=abs)
    put: list[tuple[float, float]] = []  # from where, and how high, in dots
    moves = []
    for place, score in zip(places / dot, scores, strict=True):
        high = HEIGHT * search.scale.share(score) / DOT
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
    """Along the bottom, aslant where there is no room otherwise."""
    texts = scale.texts()
    if not texts:
        axes.set_xticks([0])
        texts = ["not active in any trial"]
    room = WIDTH / len(texts) - 0.06
    folded = [_fold(text, room, 8, tear=False) for text in texts]
    longest = max(len(line) for text in folded for line in text.split("\n"))
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
    """Put charts into rows and columns, whatever is written beside them."""
    top = 0.0
    for row in rows:
        top -= max(sheet.box(axes).y1 - sheet.place(axes).y1 for axes in row)
        for column, axes in enumerate(row):
            sheet.move(axes, column * (WIDTH + GAP), top - HEIGHT)
        top = min(sheet.box(axes).y0 for axes in row) - GAP


def _lines(axes: Axes, search: Search) -> None:
    """Of all trials, the best one last."""
    columns = [
        [scale.share(v[name]) if name in v else NOWHERE for v in search.values]
        for name, scale in search.scales.items()
    ]
    ends = np.array([search.scale.share(score) for score in search.scores])
    lines = np.array([*(_fan(np.array(c), ends) for c in columns), ends]).T
    order = np.argsort(
        -ends if search.smaller_is_better else ends, kind="stable"
    )
    for trial in (*order[order != search.best], search.best):
        best = trial == search.best
        axes.plot(
            *_curve(lines[trial]),
            label=f"trial {trial}",
            color=GOLD if best else search.colour(ends[trial]),
            linewidth=3 if best else 1.3,
            linestyle=":" if trial in search.stopped else "-",
            clip_on=False,
        )


def _curve(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level where it crosses an axis: easier to follow than a corner."""
    along = np.linspace(0, 1, 33)
    rise = along**2 * (3 - 2 * along)
    y = places[:-1, None] + np.diff(places)[:, None] * rise
    return (np.arange(len(y))[:, None] + along).ravel(), y.ravel()


def _fan(places: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Places, those that are the same side by side, by their scores."""
    moved = places.copy()
    for place in np.unique(places):
        same = np.flatnonzero(places == place)
        same = same[np.argsort(scores[same], kind="stable")]
        steps = np.arange(len(same)) - (len(same) - 1) / 2
        moved[same] += steps * min(APART, FAN / len(same))
    return moved


def _heads(axes: Axes, texts: Sequence[str], width: float) -> None:
    """Names above the axes they are of."""
    axes.xaxis.tick_top()
    axes.tick_params(pad=10)
    folded = [_fold(text, width, 9) for text in texts]
    axes.set_xticks(range(len(texts)), folded)
    for label in axes.get_xticklabels():
        label.set(**letters(label.get_text(), 9, weight="bold"))


def _upright(axes: Axes, at: int, scale: Scale, width: float) -> None:
    """An axis that lines run through."""
    axes.plot([at, at], [0, 1], color=FAINT, linewidth=0.8, clip_on=False)
    for mark, text in zip(scale.marks, scale.texts(), strict=True):
        _mark(axes, (at, scale.share(mark)), _fold(text, width, 7.5))


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


def _strip(axes: Axes, search: Search, left: float, right: float) -> None:
    """The axis of scores, which shows what each colour means."""
    shares = np.linspace(0, 1, 256)
    axes.imshow(
        search.colour(shares)[:, None],
        extent=(left, right, 0, 1),
        origin="lower",
        aspect="auto",
    )
    for mark, text in zip(
        search.scale.marks, search.scale.texts(), strict=True
    ):
        axes.annotate(
            text,
            (right, search.scale.share(mark)),
            (4, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            **letters(text, 7.5),
        )
