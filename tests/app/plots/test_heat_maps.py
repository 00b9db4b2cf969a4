"""Heat maps: what is drawn, and that nothing else is touched."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from app.alignment import View, parse_pharaoh
from app.plots import forming, heat_map, side_by_side
from app.plots.style import GOLD
from data import GlimpseError
from tests.app.plots.looks import columns, maps, overhang, overlaps, rows

WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
SOURCE, TARGET = ["the", "car", "</s>"], ["auto", "</s>"]
VIEW = View(tuple(SOURCE), tuple(TARGET), WEIGHTS)


def boxes(axes: Axes) -> dict[tuple[float, float], str]:
    """What is outlined: solid or dashed, by the middle of the box."""
    found = {}
    for patch in axes.patches:
        if to_hex(patch.get_edgecolor()) == GOLD:
            dashed = patch.get_linestyle() not in ("-", "solid")
            (left, bottom), width = patch.get_xy(), patch.get_width()
            middle = (left + width / 2, bottom + patch.get_height() / 2)
            found[middle] = "dashed" if dashed else "solid"
    return found


def test_cells_and_labels_are_where_they_belong() -> None:
    figure = heat_map(WEIGHTS, SOURCE, TARGET, "A title")
    axes = figure.axes[0]
    mesh = axes.collections[0]
    np.testing.assert_array_equal(mesh.get_array(), WEIGHTS)
    assert (columns(axes), rows(axes)) == (SOURCE, TARGET)
    assert axes.get_xaxis().get_ticks_position() == "top"
    assert axes.get_xlim() == (0, 3)
    assert axes.get_ylim() == (2, 0)  # the first target word is above
    assert mesh.get_clim() == (0, 1)
    assert axes.get_title(loc="left") == "A title"


def test_everything_drawn_lies_on_the_figure() -> None:
    long = ["Donaudampfschifffahrtsgesellschaft", *"abcdefg"]
    figure = heat_map(np.eye(8), long[::-1], long, "t" * 90, caption="c" * 90)
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert 0 < box.x0 < box.x1 < width
    assert 0 < box.y0 < box.y1 < height


@pytest.mark.parametrize("count", [3, 60])
def test_labels_do_not_run_into_each_other(count: int) -> None:
    names = [f"mot{index}" for index in range(count)]
    figure = heat_map(np.eye(count), names, names, "Title", caption="Caption")
    assert overlaps(figure) == []
    labels = figure.axes[0].get_xticklabels()
    assert labels[0].get_fontsize() >= 7
    # Turned by 50°, letters need this much from one column to the next.
    apart = np.diff([label.get_window_extent().x0 for label in labels])
    height = labels[0].get_fontsize() * figure.dpi / 72
    assert apart.min() > height / np.sin(np.radians(50)) * 0.9


def test_words_are_written_as_they_are() -> None:
    strange = ["$x^2$", "a_b\\c", "x" * 80]
    figure = heat_map(np.eye(3), strange, strange, "From $5 to $9")
    axes = figure.axes[0]
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        assert not text.get_parse_math()
    assert not axes._left_title.get_parse_math()
    shown = columns(axes)
    assert shown[:2] == strange[:2]
    assert len(shown[2]) < 30
    assert shown[2].endswith("…")


def test_a_source_from_right_to_left_runs_so() -> None:
    words = ["قرأ", "كتابا", "</s>"]
    axes = heat_map(np.eye(3), words, ["Read", "books", "</s>"]).axes[0]
    assert axes.get_xlim() == (3, 0)  # the first word is at the right
    assert columns(axes) == words
    label = axes.get_xticklabels()[0]
    assert (label.get_rotation(), label.get_ha()) == (310, "right")
    other = heat_map(np.eye(3), ["Read", "books", "</s>"], words).axes[0]
    assert other.get_xlim() == (0, 3)
    assert other.get_ylim() == (3, 0)


def test_gold_is_outlined() -> None:
    gold = parse_pharaoh("0-0 1p0 1-1")
    figure = heat_map(np.eye(3), list("abc"), list("xyz"), gold=gold)
    assert boxes(figure.axes[0]) == {
        (0.5, 0.5): "solid",
        (1.5, 0.5): "dashed",
        (1.5, 1.5): "solid",
    }
    key = [text.get_text() for text in figure.axes[-1].texts]
    assert key == ["gold, sure", "gold, possible"]
    assert sorted(boxes(figure.axes[-1]).values()) == ["dashed", "solid"]
    without = heat_map(np.eye(3), list("abc"), list("xyz"))
    assert len(without.axes) == len(figure.axes) - 1
    assert not boxes(without.axes[0])


def test_models_side_by_side_have_one_scale() -> None:
    longer = View(VIEW.source, ("une", "auto", "</s>"), np.eye(3))
    figure = side_by_side({"one": VIEW, "two": longer}, "Title", caption="end")
    first, second = maps(figure)
    assert [axes.get_title(loc="left") for axes in (first, second)] == [
        *("one", "two")
    ]
    np.testing.assert_array_equal(first.collections[0].get_array(), WEIGHTS)
    np.testing.assert_array_equal(second.collections[0].get_array(), np.eye(3))
    assert first.collections[0].get_clim() == (0, 1)
    assert second.collections[0].get_clim() == (0, 1)
    assert len(figure.axes) == 3  # one colour bar
    assert rows(second) == ["une", "auto", "</s>"]
    assert [text.get_text() for text in figure.texts] == ["Title", "end"]
    cells = [
        axes.get_window_extent().width / len(columns(axes))
        for axes in (first, second)
    ]
    assert cells[0] == pytest.approx(cells[1])
    tops = [axes.get_position().y1 for axes in (first, second)]
    assert tops[0] == pytest.approx(tops[1])
    assert overlaps(figure) == []


def test_many_side_by_side_go_into_rows() -> None:
    words = tuple(f"word{index}" for index in range(20))
    views = {f"model {i}": View(words, words, np.eye(20)) for i in range(5)}
    figure = side_by_side(views)
    tops = [axes.get_position().y1 for axes in maps(figure)]
    assert len({round(top, 6) for top in tops}) == 2
    assert all(after <= before + 1e-9 for before, after in pairwise(tops))
    assert figure.get_size_inches()[0] < 17
    assert overhang(figure) < 0
    assert overlaps(figure) == []


def test_attention_as_it_forms() -> None:
    made = [np.full((2, 3), share) for share in (0.1, 0.2, 0.3)]
    snapshots = [(f"epoch {i}", each) for i, each in enumerate(made)]
    figure = forming(snapshots, SOURCE, TARGET, gold=parse_pharaoh("0-0"))
    drawn = maps(figure)
    for axes, (label, weights) in zip(drawn, snapshots, strict=True):
        np.testing.assert_array_equal(axes.collections[0].get_array(), weights)
        assert axes.get_title(loc="left") == label
        assert boxes(axes) == {(0.5, 0.5): "solid"}
        assert columns(axes) == SOURCE
    assert [rows(axes) for axes in drawn] == [TARGET, [], []]
    lefts = [axes.get_position().x0 for axes in drawn]
    assert lefts == sorted(lefts)
    assert len({axes.get_position().y1 for axes in drawn}) == 1


def test_many_snapshots_go_into_rows_under_each_other() -> None:
    words = [f"w{index}" for index in range(20)]
    snapshots = [(str(epoch), np.eye(20)) for epoch in range(6)]
    figure = forming(snapshots, words, words)
    drawn = maps(figure)
    above, below = drawn[0], drawn[-1]
    assert columns(above) == words
    assert columns(below) == []
    assert below.get_position().y1 < above.get_position().y0
    labelled = [axes for axes in drawn if rows(axes)]
    assert len(labelled) == 2
    assert labelled[0].get_position().x0 == pytest.approx(
        labelled[1].get_position().x0
    )


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(GlimpseError, match=r"\(2, 3\) for 3 target and 2"):
        heat_map(WEIGHTS, TARGET, SOURCE)
    with pytest.raises(GlimpseError, match="at least one"):
        heat_map(np.zeros((0, 0)), [], [])
    with pytest.raises(GlimpseError, match=r"gold link 3-0 for 3 source and 2"):
        heat_map(WEIGHTS, SOURCE, TARGET, gold=parse_pharaoh("0-0 3p0"))
    with pytest.raises(GlimpseError, match="at least one is needed"):
        side_by_side({})
    with pytest.raises(GlimpseError, match="'plain' has no attention"):
        side_by_side({"plain": View(("a",), ("b",), None)})
    with pytest.raises(GlimpseError, match="at least one label"):
        forming([], SOURCE, TARGET)
    with pytest.raises(GlimpseError, match=r"\(3, 3\) for 2 target and 3"):
        forming([("1", WEIGHTS), ("2", np.eye(3))], SOURCE, TARGET)


def test_no_global_state_of_matplotlib_is_touched() -> None:
    settings = dict(matplotlib.rcParams)
    side_by_side({"one": VIEW})
    assert dict(matplotlib.rcParams) == settings
    assert not Gcf.figs  # pyplot keeps and would show what is there
