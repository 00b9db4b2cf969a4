"""Entropy of attention, in bits."""

import numpy as np
import pytest

from app.plots import entropy_bars
from data import GlimpseError
from tests.app.plots.looks import columns, overhang, overlaps


def test_bars_hang_under_their_words() -> None:
    weights = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [0] * 4])
    figure = entropy_bars(weights, ["un", "$chat$", "dort", "</s>"], "Title")
    axes = figure.axes[0]
    assert columns(axes) == ["un", "$chat$", "dort", "</s>"]
    bars = [bar.get_height() for bar in axes.patches]
    np.testing.assert_array_equal(bars, [0, 1, 2, np.nan])
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    np.testing.assert_allclose(middles, [0.5, 1.5, 2.5, 3.5])
    bottom, top = axes.get_ylim()
    assert top == 0  # bars grow downwards
    assert bottom > 2
    written = [text.get_text() for text in axes.texts]
    assert written == ["evenly over all: 2.0 bits", "0.0", "1.0", "2.0"]
    assert axes.lines[0].get_ydata() == [2, 2]
    assert overhang(figure) < 0


def test_words_from_right_to_left_run_so() -> None:
    figure = entropy_bars(np.eye(2), ["قرأ", "كتابا"])
    assert figure.axes[0].get_xlim() == (2, 0)


def test_one_source_word_and_sixty_target_words() -> None:
    words = [f"mot{index}" for index in range(60)]
    figure = entropy_bars(np.ones((60, 1)), words)
    assert len(figure.axes[0].texts) == 1  # no room for the numbers
    assert overlaps(figure) == []
    assert overhang(figure) < 0


@pytest.mark.parametrize(
    ("shape", "labels"), [((2, 3), 3), ((0, 3), 0), ((2, 0), 2), ((2,), 2)]
)
def test_what_does_not_fit_is_refused(
    shape: tuple[int, ...], labels: int
) -> None:
    with pytest.raises(GlimpseError, match="a row of weights for each label"):
        entropy_bars(np.ones(shape), ["word"] * labels)
