"""Trials of a hyperparameter search, prepared for drawing.

A trial is one training with one choice of hyperparameters, and has a score. A
hyperparameter is active only in trials that use it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.plots.direction import isolated
from app.plots.fonts import legible
from app.plots.scales import Scale, range_of, scale_of, written
from app.plots.style import INK
from data import GlimpseError

PALEST = 0.32  # position in INK; paler lines are hardly visible on white


@dataclass(frozen=True)
class Trials:
    """Trials of a hyperparameter search, and the scales for drawing them.

    Attributes:
        titles: mapping whose keys are the names of the hyperparameters, and
            whose values are their titles.
        scales: mapping whose keys are the names of the hyperparameters, and
            whose values are the scales of their axes.
        values: for each trial, a mapping whose keys are the names of the
            hyperparameters that were active in the trial, and whose values are
            the values of these hyperparameters.
        scores: the score of each trial, an array of shape (trials,).
        label: name of the scores.
        scale: scale of the axis of the scores.
        smaller_is_better: whether the best trial has the smallest score.
        stopped: indexes of the trials that were stopped early, after fewer
            epochs than the other trials.
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
        """Index of the best trial; the first if several are equally good."""
        scores = self.scores
        return int((-scores if self.smaller_is_better else scores).argmax())

    def active(self, name: str) -> list[int]:
        """List the indexes of the trials in which a parameter was active."""
        return [i for i, values in enumerate(self.values) if name in values]

    def colour(self, share: float | np.ndarray) -> Any:
        """Return the colour for a score: the better the score, the darker.

        Args:
            share: position of the score on the scale of the scores, from 0 for
                the lower end to 1 for the upper end.
        """
        good = 1 - share if self.smaller_is_better else share
        return INK(PALEST + (1 - PALEST) * good)


def trials_of(
    names: Sequence[str],
    values: Sequence[Mapping[str, Any]],
    scores: Sequence[float],
    label: str,
    smaller_is_better: bool,
    stopped: Collection[int],
) -> Trials:
    """Check the trials of a hyperparameter search, and make their scales.

    `score_by_parameter` describes the arguments and the errors.
    """
    numbers = np.array(scores, float)
    _check(names, values, numbers)
    return Trials(
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
            "and one trial, and a score for each trial: give values and "
            "scores of trials that have ended"
        )
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise GlimpseError(
            f"Trial {bad[0]} of a search got the score {scores[bad[0]]}; "
            "only finite numbers can be drawn: leave this trial out"
        )


def _titles(names: Sequence[str]) -> dict[str, str]:
    """Make the title of each hyperparameter from its name SECTION.KEY.

    The title is KEY, or SECTION.KEY if several names have the same KEY; each
    underscore is replaced by a space.

    Returns:
        Mapping whose keys are the names, and whose values are the titles.
    """
    keys = [name.rpartition(".")[2] for name in names]
    return {
        name: legible((key if keys.count(key) == 1 else name).replace("_", " "))
        for name, key in zip(names, keys, strict=True)
    }


def described_best(trials: Trials) -> str:
    """Return a text with the name and the value of the best trial's score."""
    score = written(float(trials.scores[trials.best]), 3)
    return f"{isolated(trials.label)} {score}"


def under(notes: Sequence[str], caption: str) -> str:
    """Join notes into one line, and put this line above the caption."""
    return "\n".join(filter(None, [" ".join(notes), caption]))
