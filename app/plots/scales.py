"""Scales of charts: of choices, of numbers, of their logarithms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from app.plots.fonts import legible, shortened

LONGEST = 24  # characters, of a choice
FEW = 8  # different numbers that still are a list
WIDE = 8  # times the smallest number, and the scale is of powers
MOST_MARKS = 5  # numbers along an axis, or one more
MOST_POWERS = 4  # along one of powers, where they are not evenly spaced
ROUND = [1, 2, 2.5, 5, 10]  # steps from one to the next

Key = float | str  # a number, or what is written for anything else


@dataclass(frozen=True)
class Scale:
    """What stands along an axis, and where.

    Attributes:
        marks: all choices, or round numbers of those between the ends.
        low: the lower end; of choices 0, for the first.
        high: the upper end; of choices the number of the last.
        is_list: whether they are choices, evenly spaced.
        logarithmic: whether numbers stand by their logarithm.
    """

    marks: tuple[Key, ...]
    low: float
    high: float
    is_list: bool = False
    logarithmic: bool = False

    def place(self, value: Any) -> float:
        """In data units: the number itself, or which choice it is."""
        key = _key(value)
        return float(self.marks.index(key) if self.is_list else key)

    def share(self, value: Any) -> float:
        """How far along the axis, from 0 to 1; a single choice is halfway."""
        low, high = self._along(self.low), self._along(self.high)
        at = self._along(self.place(value))
        return (at - low) / (high - low) if high > low else 0.5

    def limits(self) -> tuple[float, float]:
        """In data units, a little beyond the ends."""
        if self.is_list:
            return self.low - 0.5, self.high + 0.5
        low, high = self._along(self.low), self._along(self.high)
        beyond = 0.08 * (high - low)
        if self.logarithmic:
            return math.exp(low - beyond), math.exp(high + beyond)
        return low - beyond, high + beyond

    def texts(self) -> list[str]:
        """What is written: as many digits as tell the marks apart."""
        for digits in range(3, 17):
            found = [written(mark, digits) for mark in self.marks]
            if len(set(found)) == len(found):
                break
        return found

    def _along(self, place: float) -> float:
        return math.log(place) if self.logarithmic else place


def _key(value: Any) -> Key:
    if value is None or isinstance(value, bool | np.bool_):
        return "null" if value is None else str(bool(value)).lower()
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    return str(value)


def scale_of(values: Sequence[Any]) -> Scale:
    """Of a parameter: a list, unless its values are many numbers.

    A few that are drawn from a range are known by being fractions, no two
    alike.
    """
    keys = [_key(value) for value in values]
    choices = set(keys)
    numbers = sorted(key for key in choices if isinstance(key, float))
    if len(numbers) == len(choices):
        drawn = len(keys) == len(choices) > 3 and any(n % 1 for n in numbers)
        if drawn or len(choices) > FEW:
            return range_of(np.array(numbers))
    words = sorted(key for key in choices if isinstance(key, str))
    marks: tuple[Key, ...] = (*numbers, *words)
    return Scale(marks, 0, max(len(marks) - 1, 0), is_list=True)


def range_of(numbers: np.ndarray, of_powers: bool = True) -> Scale:
    """Of numbers, with round ones to write.

    Args:
        numbers: (number,).
        of_powers: whether the scale may be.
    """
    low, high = float(numbers.min()), float(numbers.max())
    if of_powers and 0 < WIDE * low < high:
        return Scale(_powers(low, high), low, high, logarithmic=True)
    if low == high:
        low, high = low - (abs(low) / 10 or 1), high + (abs(high) / 10 or 1)
    whole = bool((numbers % 1 == 0).all())
    locator = MaxNLocator(MOST_MARKS, steps=ROUND, integer=whole)
    found = np.array(locator.tick_values(low, high))
    slack = 1e-9 * (high - low)  # a sum of steps is off in its last digit
    inside = found[(found >= low - slack) & (found <= high + slack)]
    return Scale(tuple(map(float, inside)), low, high)


def _powers(low: float, high: float) -> tuple[float, ...]:
    """1, 2, 5, 10 and so on between both; fewer, if these are too many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    fewer = ((step, (1,)) for step in count(1))
    for step, multiples in chain(((1, (1, 2, 5)), (1, (1, 3))), fewer):
        exponents = range(first, last + 1, step)
        # Of 10.0 ** -5 the last digit would be wrong.
        marks = [
            float(f"{m}e{power}") for power in exponents for m in multiples
        ]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) <= MOST_POWERS:
            break
    return tuple(marks)


def written(mark: Key, digits: int) -> str:
    """Numbers in so many digits; 1024 and the like are not to be 1020."""
    if isinstance(mark, str):
        return shortened(legible(mark), LONGEST)
    if mark % 1 == 0 and abs(mark) < 1e5:
        digits += 2
    short = float(f"{mark:.{digits}g}")
    if not short or 1e-4 <= abs(short) < 1e6:
        return f"{short:,.15g}".replace("-", "−")
    factor, _, exponent = f"{short:.14e}".partition("e")
    return f"{float(factor):.15g}e{int(exponent)}".replace("-", "−")
