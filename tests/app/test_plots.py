"""Figures: what is drawn, and that nothing else is touched."""

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure
from matplotlib.image import imread

from app.plots import INK, heat_map, save_heat_map
from app.translator import Translator
from data import GlimpseError
from tests.app.conftest import SOURCES

WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
SOURCE, TARGET = ["the", "car", "</s>"], ["auto", "</s>"]


def labels(figure: Figure) -> tuple[list[str], list[str]]:
    axes = figure.axes[0]
    return (
        [label.get_text() for label in axes.get_xticklabels()],
        [label.get_text() for label in axes.get_yticklabels()],
    )


def test_cells_and_labels_are_where_they_belong() -> None:
    figure = heat_map(WEIGHTS, SOURCE, TARGET, "A title")
    axes = figure.axes[0]
    mesh = axes.collections[0]
    np.testing.assert_array_equal(mesh.get_array(), WEIGHTS)
    assert labels(figure) == (SOURCE, TARGET)
    assert axes.get_xaxis().get_ticks_position() == "top"
    assert axes.get_ylim() == (2, 0)  # the first target word is above
    assert mesh.get_clim() == (0, 1)
    assert axes.get_title(loc="left") == "A title"


def test_everything_drawn_lies_on_the_figure() -> None:
    long = ["Donaudampfschifffahrtsgesellschaft", *"abcdefg"]
    figure = heat_map(np.eye(8), long[::-1], long, "t")
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert 0 < box.x0 < box.x1 < width
    assert 0 < box.y0 < box.y1 < height


def test_sixty_labels_do_not_run_into_each_other() -> None:
    names = [f"mot{index}" for index in range(60)]
    figure = heat_map(np.eye(60), names, names)
    boxes = [
        label.get_window_extent() for label in figure.axes[0].get_yticklabels()
    ]
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))


def test_words_are_written_as_they_are() -> None:
    strange = ["$x^2$", "a_b\\c", "x" * 80]
    figure = heat_map(np.eye(3), strange, strange)
    for label in figure.axes[0].get_xticklabels():
        assert not label.get_parse_math()
    shown = labels(figure)[0]
    assert shown[:2] == strange[:2]
    assert len(shown[2]) < 30
    assert shown[2].endswith("…")


def test_darker_is_more_in_a_grey_print_too() -> None:
    red, green, blue, _ = INK(np.linspace(0, 1, 101)).T
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    assert (np.diff(grey) < 0).all()


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(GlimpseError, match=r"\(2, 3\) for 3 target and 2"):
        heat_map(WEIGHTS, TARGET, SOURCE)
    with pytest.raises(GlimpseError, match="at least one"):
        heat_map(np.zeros((0, 0)), [], [])


def test_no_global_state_of_matplotlib_is_touched() -> None:
    settings = dict(matplotlib.rcParams)
    heat_map(WEIGHTS, SOURCE, TARGET)
    assert dict(matplotlib.rcParams) == settings
    assert not Gcf.figs  # pyplot keeps and would show what is there


def test_a_picture_is_saved(translator: Translator, tmp_path: Path) -> None:
    translation = translator.translate(SOURCES[:1])[0]
    path = save_heat_map(translator, translation, tmp_path / "new", 7)
    assert path == tmp_path / "new" / "0007.png"
    image = imread(path)
    assert min(image.shape[:2]) > 200
    assert image.std() > 0
    assert list(path.parent.iterdir()) == [path]


def test_no_picture_without_attention(
    translator: Translator, tmp_path: Path
) -> None:
    empty = translator.translate([""])[0]
    with pytest.raises(GlimpseError, match="no attention to draw"):
        save_heat_map(translator, empty, tmp_path, 1)


def test_a_folder_that_cannot_be_made_is_refused(
    translator: Translator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    translation = translator.translate(SOURCES[:1])[0]
    with pytest.raises(GlimpseError, match="cannot be made"):
        save_heat_map(translator, translation, tmp_path / "file", 1)
