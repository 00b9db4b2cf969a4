"""Figures, made without pyplot: nothing global is touched, nothing shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from app.alignment import END, word_view
from app.run import replacing
from app.translator import Translation, Translator
from data import GlimpseError

# From paper to ink, ever darker: a print in grey keeps the order.
INK = LinearSegmentedColormap.from_list(
    "ink", ["#f4f6f7", "#cfe0ea", "#8db9d3", "#3d80ab", "#154a72", "#071f38"]
)
TEXT = "#1b2631"
FAINT = "#8a97a3"
FONT = "DejaVu Sans"  # comes with matplotlib
DOTS_PER_INCH = 160
MARGIN = 0.2  # inches
LONGEST_LABEL = 24  # characters


def heat_map(
    weights: np.ndarray,
    source: Sequence[str],
    target: Sequence[str],
    title: str = "",
) -> Figure:
    """Draw where each target word looked: the darker, the more.

    Args:
        weights: (T, S), from 0 to 1; the scale is the same for every picture.
        source: S labels, along the top.
        target: T labels, down the side.
        title: above all.

    Raises:
        GlimpseError: weights and labels do not fit, or there are none.
    """
    weights = np.asarray(weights, float)
    _check(weights, source, target)
    rows, columns = weights.shape
    cell = float(np.clip(14 / max(rows, columns), 0.2, 0.4))  # inches
    figure = Figure((10, 10), DOTS_PER_INCH, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = _axes(figure, 0, 0, cell * columns, cell * rows)
    mesh = axes.pcolormesh(
        weights, cmap=INK, vmin=0, vmax=1, edgecolors="white", linewidth=0.8
    )
    axes.invert_yaxis()
    _label(axes, source, target, font_size=min(11, 38 * cell))
    _colour_bar(figure, mesh, cell * columns + 0.25, cell * rows)
    if title:
        axes.set_title(
            title, loc="left", pad=14, fontsize=12, **_style(TEXT, "bold")
        )
    _fit(figure, canvas)
    return figure


def save_heat_map(
    translator: Translator,
    translation: Translation,
    folder: Path | str,
    index: int,
    title: str = "",
) -> Path:
    """Draw the best translation, between words, as `FOLDER/INDEX.png`.

    Args:
        translator: what made the translation.
        translation: of a sentence that is not empty.
        folder: made if it is not there.
        index: number of the sentence, padded to 0001 so that names sort.
        title: see `heat_map`.

    Raises:
        GlimpseError: there is no attention, or nowhere to write.
    """
    view = word_view(translator, translation, translation.hypotheses[0])
    if view.weights is None:
        raise GlimpseError(
            "There is no attention to draw: the model has none, or the "
            "sentence is empty; choose a run with attention and some text"
        )
    figure = heat_map(view.weights, view.source, view.target, title)
    path = _made(Path(folder)) / f"{index:04}.png"
    with replacing(path) as beside:
        figure.savefig(beside, format="png")
    return path


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GlimpseError(
            f"The folder {folder} cannot be made ({error.strerror or error}); "
            "give another one for the pictures"
        ) from error
    return folder


def _check(
    weights: np.ndarray, source: Sequence[str], target: Sequence[str]
) -> None:
    if weights.shape != (len(target), len(source)) or not weights.size:
        raise GlimpseError(
            f"A heat map got weights of shape {weights.shape} for "
            f"{len(target)} target and {len(source)} source labels; it needs "
            "a row for each target label and a column for each source label, "
            "at least one of both"
        )


def _axes(
    figure: Figure, left: float, bottom: float, width: float, height: float
) -> Axes:
    """Axes without a frame, placed in inches."""
    across, up = figure.get_size_inches()
    axes = figure.add_axes(
        (left / across, bottom / up, width / across, height / up)
    )
    axes.set_frame_on(False)
    axes.tick_params(length=0, pad=3)
    return axes


def _label(
    axes: Axes, source: Sequence[str], target: Sequence[str], font_size: float
) -> None:
    axes.xaxis.tick_top()
    axes.set_xticks(
        np.arange(len(source)) + 0.5,
        [_short(label) for label in source],
        rotation=50,
        rotation_mode="anchor",
        ha="left",
        va="center",
    )
    axes.set_yticks(
        np.arange(len(target)) + 0.5, [_short(label) for label in target]
    )
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        end = label.get_text() == END
        label.set(fontsize=font_size, **_style(FAINT if end else TEXT))


def _short(label: str) -> str:
    if len(label) <= LONGEST_LABEL:
        return label
    return label[: LONGEST_LABEL - 1] + "…"


def _style(colour: str, weight: str = "normal") -> dict[str, Any]:
    """A word may hold a dollar sign, which is not to start mathematics."""
    return {
        "color": colour,
        "fontweight": weight,
        "fontfamily": FONT,
        "parse_math": False,
    }


def _colour_bar(
    figure: Figure, mesh: QuadMesh, left: float, height: float
) -> None:
    tall = min(height, 1.4)
    axes = _axes(figure, left, height - tall, 0.1, tall)
    bar = figure.colorbar(mesh, cax=axes, ticks=[0, 0.5, 1])
    bar.outline.set_visible(False)
    axes.set_yticklabels(["0", "50", "100 %"])
    axes.tick_params(length=0, pad=4)
    for label in axes.get_yticklabels():
        label.set(fontsize=7.5, **_style(FAINT))


def _fit(figure: Figure, canvas: FigureCanvasAgg) -> None:
    """Make the figure as large as what is drawn on it, and a margin."""
    box = figure.get_tightbbox(canvas.get_renderer())
    old = figure.get_size_inches()
    new = np.array(box.size) + 2 * MARGIN
    for axes in figure.axes:
        place = axes.get_position()
        corner = (place.p0 * old - box.p0 + MARGIN) / new
        axes.set_position((*corner, *(place.size * old / new)))
    figure.set_size_inches(*new)
