"""Scales of the axes of charts: lists of choices, and ranges of numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from app.plots.fonts import legible, shortened

LONGEST = 24  # greatest number of characters of a choice
FEW = 8  # greatest number of different numbers that may be a list
WIDE = 8  # if largest / smallest is above this, a scale is logarithmic
MOST_MARKS = 5  # greatest number of steps between marks on an axis
MOST_POWERS = 4  # greatest number of marks on a logarithmic axis
ROUND = [1, 2, 2.5, 5, 10]  # steps between marks, times a power of 10

Key = float | str  # a number, or the text for any other value


@dataclass(frozen=True)
class Scale:
    """Scale of an axis, either for a list of choices or for a range of numbers.

    Attributes:
        marks: values that are written along the axis: all choices of a list, or
            round numbers within a range.
        low: lower end of the axis. For a list, it is 0; for a range, it is the
            smallest number, or a lower one if all numbers are equal.
        high: upper end of the axis. For a list, it is the index of the last
            choice; for a range, it is the largest number, or a higher one if
            all numbers are equal.
        is_list: whether this is a scale of a list, whose choices are evenly
            spaced along the axis.
        logarithmic: whether this is a logarithmic scale of a range.
    """

    marks: tuple[Key, ...]
    low: float
    high: float
    is_list: bool = False
    logarithmic: bool = False

    def place(self, value: Any) -> float:
        """Return the position of a value on the axis, in data units.

        On a scale of a range, the position is the number itself; on a scale of
        a list, it is the index of the choice.
        """
        key = _key(value)
        return float(self.marks.index(key) if self.is_list else key)

    def share(self, value: Any) -> float:
        """Return the position of a value as a share of the length of the axis.

        The result is 0 for the lower end and 1 for the upper end. If both ends
        are equal, as they are for a list of a single choice, the result is 1/2.
        """
        low, high = self._along(self.low), self._along(self.high)
        at = self._along(self.place(value))
        return (at - low) / (high - low) if high > low else 0.5

    def limits(self) -> tuple[float, float]:
        """Return the limits of the drawn axis, in data units.

        They lie slightly beyond the two ends of the scale.
        """
        if self.is_list:
            return self.low - 0.5, self.high + 0.5
        low, high = self._along(self.low), self._along(self.high)
        beyond = 0.08 * (high - low)
        if self.logarithmic:
            return math.exp(low - beyond), math.exp(high + beyond)
        return low - beyond, high + beyond

    def texts(self) -> list[str]:
        """Return the texts of the marks, with enough digits that all differ."""
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
    """Make the scale for the values of a hyperparameter.

    The result is a continuous scale, from the smallest to the largest value, if
    all values are finite numbers, and at least one of these conditions holds:

    - there are more than `FEW` different numbers;
    - there are at least 4 numbers, no two of them are equal, and at least one
      is not a whole number.

    Otherwise, the scale has one place for each different value.
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
    """Make the scale for a range of numbers, with round numbers as marks.

    Args:
        numbers: all numbers (N,) to show on the scale.
        of_powers: whether the scale may be logarithmic. If so, it becomes
            logarithmic if all numbers are positive and the largest is more than
            `WIDE` times the smallest.
    """
    low, high = float(numbers.min()), float(numbers.max())
    if of_powers and 0 < WIDE * low < high:
        return Scale(_powers(low, high), low, high, logarithmic=True)
    if low == high:
        low, high = low - (abs(low) / 10 or 1), high + (abs(high) / 10 or 1)
    whole = bool((numbers % 1 == 0).all())
    locator = MaxNLocator(MOST_MARKS, steps=ROUND, integer=whole)
    found = np.array(locator.tick_values(low, high))
    slack = 1e-9 * (high - low)  # for the rounding errors of sums of steps
    inside = found[(found >= low - slack) & (found <= high + slack)]
    return Scale(tuple(map(float, inside)), low, high)


def _powers(low: float, high: float) -> tuple[float, ...]:
    """List at most `MOST_POWERS` round numbers from `low` to `high`.

    First, the numbers 1, 2, 5, 10, 20 and so on are tried, and also smaller
    numbers such as 0.5. If more than `MOST_POWERS` of them are in the range,
    1, 3, 10, 30 and so on are tried. If these are still too many, the result
    has powers of 10 with equally spaced exponents, such as 1, 100 and 10,000.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    fewer = ((step, (1,)) for step in count(1))
    for step, multiples in chain(((1, (1, 2, 5)), (1, (1, 3))), fewer):
        exponents = range(first, last + 1, step)
        # The last digit of 10.0 ** -5 would be wrong.
        marks = [
            float(f"{m}e{power}") for power in exponents for m in multiples
        ]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) <= MOST_POWERS:
            break
    return tuple(marks)


def written(mark: Key, digits: int) -> str:
    """Return the text of a mark, which is a number or the name of a choice.

    A number is rounded to `digits` significant digits, or to two more if it is
    a whole number below 100,000, so that 1024 does not become 1020. The name of
    a choice is shortened if it is long.
    """
    if isinstance(mark, str):
        return shortened(legible(mark), LONGEST)
    if mark % 1 == 0 and abs(mark) < 1e5:
        digits += 2
    short = float(f"{mark:.{digits}g}")
    if not short or 1e-4 <= abs(short) < 1e6:
        return f"{short:,.15g}".replace("-", "−")
    factor, _, exponent = f"{short:.14e}".partition("e")
    return f"{float(factor):.15g}e{int(exponent)}".replace("-", "−")
