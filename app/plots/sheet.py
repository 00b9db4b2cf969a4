"""A figure measured in inches, made without pyplot: nothing is global."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from app.plots.direction import as_one, starts_leftward
from app.plots.fonts import legible, takes_no_room
from app.plots.style import DOTS_PER_INCH, FAINT, TEXT, letters

MARGIN = 0.2  # inches
GAP = 0.35  # between the parts of a figure


class Sheet:
    """Parts are placed anywhere, in inches; `fit` then cuts the paper."""

    def __init__(self) -> None:
        self.figure = Figure((4, 4), DOTS_PER_INCH, facecolor="white")
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()

    def axes(
        self, width: float, height: float, left: float = 0, bottom: float = 0
    ) -> Axes:
        """Axes without a frame or tick marks."""
        axes = self.figure.add_axes((0, 0, width / 4, height / 4))
        self.move(axes, left, bottom)
        axes.set_frame_on(False)
        axes.tick_params(length=0, pad=4)
        return axes

    def move(self, axes: Axes, left: float, bottom: float) -> None:
        """Put the lower left corner of the axes there; labels overhang."""
        place = axes.get_position()
        axes.set_position((left / 4, bottom / 4, place.width, place.height))

    def place(self, axes: Axes) -> Bbox:
        """Where the axes are, without their labels."""
        return Bbox(axes.get_position().get_points() * 4)

    def box(self, axes: Axes) -> Bbox:
        """Where they are with all that belongs to them."""
        box = axes.get_tightbbox(self._renderer)
        assert box is not None  # only of what is invisible
        return Bbox(box.get_points() / DOTS_PER_INCH)

    def bounds(self) -> Bbox:
        """What holds everything drawn so far."""
        return self.figure.get_tightbbox(self._renderer)

    def text(
        self, left: float, bottom: float, text: str, style: dict[str, Any]
    ) -> None:
        """Lines of text, their lower left corner there."""
        self.figure.text(
            left / 4,
            bottom / 4,
            text,
            va="bottom",
            ma=even_side(text),
            linespacing=1.35,
            **style,
        )

    def arrange(self, rows: Sequence[Sequence[Axes]]) -> None:
        """Put axes into rows, their upper edges in a line."""
        top = 0.0
        for row in rows:
            boxes = [(self.place(axes), self.box(axes)) for axes in row]
            top -= max(box.y1 - place.y1 for place, box in boxes)
            left = 0.0
            for axes, (place, box) in zip(row, boxes, strict=True):
                self.move(axes, left + place.x0 - box.x0, top - place.height)
                left += box.width + GAP
            top = min(self.box(axes).y0 for axes in row) - GAP

    def finish(self, title: str = "", caption: str = "") -> Figure:
        """Add a title above and a caption below all, and cut the paper."""
        bounds = self.bounds()
        if title:
            text = wrapped(legible(title), bounds.width, 12)
            style = letters(text, 12, TEXT, "bold")
            self.text(bounds.x0, bounds.y1 + 0.18, text, style)
        if caption:
            text = wrapped(legible(caption), bounds.width, 9)
            height = 0.17 * (text.count("\n") + 1)
            style = letters(text, 9, FAINT)
            self.text(bounds.x0, bounds.y0 - 0.1 - height, text, style)
        return self._fit()

    def _fit(self) -> Figure:
        """Make the figure as large as what is drawn on it, and a margin."""
        box = self.bounds()
        new = np.array(box.size) + 2 * MARGIN
        for axes in self.figure.axes:
            place = self.place(axes)
            corner = (place.p0 - box.p0 + MARGIN) / new
            axes.set_position((*corner, *(place.size / new)))
        for text in self.figure.texts:
            corner = np.array(text.get_position()) * 4
            text.set_position((corner - box.p0 + MARGIN) / new)
        self.figure.set_size_inches(*new)
        return self.figure


def wrapped(text: str, width: float, size: float) -> str:
    """The text in lines of about `width` inches, and at least 3.

    Args:
        text: its own line ends are kept.
        width: in inches.
        size: of the letters, in points.
    """
    limit = max(width, 3) / (0.0086 * size)  # average letters on a line
    return "\n".join(
        line
        for part in text.split("\n")
        for line in as_one(list(_lines(part, limit)))
    )


def even_side(text: str) -> str:
    """Where its lines begin, which is where they stand below each other."""
    return "right" if starts_leftward(text) else "left"


def _lines(text: str, limit: float) -> Iterator[str]:
    line, used = "", 0.0
    for word in _unbreakable(text):
        wide = sum(map(_width, word))
        if line and used + wide > limit:
            yield line.rstrip()
            line, used = "", 0.0
        line, used = line + word, used + wide
    yield line.rstrip()


def _unbreakable(text: str) -> Iterator[str]:
    """Words with the space after them, and ideographs one by one."""
    word = ""
    for character in text:
        word += character
        if character == " " or _width(character) > 1:
            yield word
            word = ""
    yield word


def _width(character: str) -> float:
    if takes_no_room(character):
        return 0.0
    return 1.7 if unicodedata.east_asian_width(character) in "WF" else 1.0
