"""Figure whose parts are placed at positions given in inches.

The figure is made without pyplot, so that there is no global state.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from app.plots.direction import starts_leftward
from app.plots.fonts import legible
from app.plots.style import DOTS_PER_INCH, FAINT, TEXT, letters
from app.plots.wrapping import wrapped

MARGIN = 0.2  # inches
GAP = 0.35  # inches between the parts of a figure
LEAST = 3.0  # least width in inches that is assumed for lines of text


class Sheet:
    """Sheet of paper on which the parts of a figure are placed.

    All sizes and positions are in inches. A part may have any position, since
    `finish` finally fits the size of the sheet to the parts.
    """

    def __init__(self) -> None:
        self.figure = Figure((4, 4), DOTS_PER_INCH, facecolor="white")
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()

    def axes(
        self, width: float, height: float, left: float = 0, bottom: float = 0
    ) -> Axes:
        """Add axes without a frame and without tick marks, and return them."""
        axes = self.figure.add_axes((0, 0, width / 4, height / 4))
        self.move(axes, left, bottom)
        axes.set_frame_on(False)
        axes.tick_params(length=0, pad=4)
        return axes

    def move(self, axes: Axes, left: float, bottom: float) -> None:
        """Move axes so that their lower left corner is at (`left`, `bottom`).

        The corner is that of the axes themselves, without their labels.
        """
        place = axes.get_position()
        axes.set_position((left / 4, bottom / 4, place.width, place.height))

    def place(self, axes: Axes) -> Bbox:
        """Return the bounding box of `axes` without their labels, in inches."""
        return Bbox(axes.get_position().get_points() * 4)

    def box(self, axes: Axes) -> Bbox:
        """Return the bounding box of axes in inches, with labels and titles."""
        box = axes.get_tightbbox(self._renderer)
        assert box is not None  # only invisible axes have none
        return Bbox(box.get_points() / DOTS_PER_INCH)

    def bounds(self) -> Bbox:
        """Return the bounding box, in inches, of everything drawn so far."""
        return self.figure.get_tightbbox(self._renderer)

    def text(
        self, left: float, bottom: float, text: str, style: dict[str, Any]
    ) -> None:
        """Write a text whose lower left corner is at (`left`, `bottom`)."""
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
        """Put axes into rows, one below another, without overlap.

        In each row, all axes have their upper edges at the same height, and are
        in the given order from left to right.
        """
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
        """Add a title and a caption, and fit the sheet to its parts.

        Args:
            title: text above all parts, in bold letters.
            caption: text below all parts, in small letters.

        Returns:
            The figure. Nothing should be added to the sheet after this call.
        """
        bounds = self.bounds()
        if title:
            text = wrapped(legible(title), max(bounds.width, LEAST), 12)
            style = letters(text, 12, TEXT, "bold")
            self.text(bounds.x0, bounds.y1 + 0.18, text, style)
        if caption:
            text = wrapped(legible(caption), max(bounds.width, LEAST), 9)
            height = 0.17 * (text.count("\n") + 1)
            style = letters(text, 9, FAINT)
            self.text(bounds.x0, bounds.y0 - 0.1 - height, text, style)
        return self._fit()

    def _fit(self) -> Figure:
        """Fit the size of the figure to its parts, and add a margin."""
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


def even_side(text: str) -> str:
    """Return the side, "left" or "right", at which lines of a text start.

    It is the right side if the text is read from right to left.
    """
    return "right" if starts_leftward(text) else "left"
