"""Words as labels of the rows and the columns of a heat map."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from app.alignment import END
from app.plots.direction import in_sentence, right_to_left
from app.plots.fonts import legible, shortened
from app.plots.style import FAINT, TEXT, letters

LONGEST_LABEL = 24  # greatest number of characters of a label


def label_columns(
    axes: Axes, words: Sequence[str], size: float, leftward: bool = False
) -> None:
    """Write a word above each column of a heat map.

    The words are aslant; they rise in the direction in which they are read.

    Args:
        axes: the axes of the heat map; column k of the map lies between the
            horizontal positions k and k + 1.
        words: a word for each column; if empty, no words are written.
        size: size of the letters in points.
        leftward: whether the words are read from right to left.
    """
    axes.xaxis.tick_top()
    axes.set_xticks(
        np.arange(len(words)) + 0.5,
        [_label(word, leftward) for word in words],
        rotation=-50 if leftward else 50,
        rotation_mode="anchor",
        ha="right" if leftward else "left",
        va="center",
    )
    for label in axes.get_xticklabels():
        _dress(label, size)


def label_rows(axes: Axes, words: Sequence[str], size: float) -> None:
    """Write a word beside each row of a heat map; `size` is in points."""
    leftward = right_to_left(words)
    axes.set_yticks(
        np.arange(len(words)) + 0.5,
        [_label(word, leftward) for word in words],
    )
    for label in axes.get_yticklabels():
        _dress(label, size)


def _dress(label: Any, size: float) -> None:
    text = label.get_text()
    label.set(**letters(text, size, FAINT if text == END else TEXT))


def _label(word: str, leftward: bool) -> str:
    text = shortened(legible(word.replace("\n", " ")), LONGEST_LABEL)
    return in_sentence(text, leftward)
