"""Pictures of a search: what trials chose, and their scores."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from app.plots import parallel_coordinates, score_by_parameter
from app.plots.style import GOLD
from data import GlimpseError
from tests.app.plots.looks import columns, overhang, overlaps, rows

BOTH = (score_by_parameter, parallel_coordinates)
RATES = [3e-4, 5e-4, 1.3e-3, 2e-3, 4e-3, 4.5e-3, 8e-3, 1.1e-2, 2.9e-2]

CELLS = [
    {"model.cell": "lstm", "model.units": 128},
    {"model.cell": "gru", "model.units": 64},
    {"model.cell": "lstm", "model.units": 1024},
    {"model.cell": "lstm"},
    {"model.cell": "gru", "model.units": 128},
]
SCORES = [20.0, 31.0, 10.0, 26.0, 15.0]


def one(name: str, chosen: Sequence[Any], scores: Sequence[float]) -> Axes:
    """The chart of a single parameter."""
    figure = score_by_parameter([name], [{name: v} for v in chosen], scores)
    (axes,) = figure.axes
    return axes


def dots(axes: Axes, label: str) -> list[tuple[float, float]]:
    (line,) = (each for each in axes.lines if each.get_label() == label)
    return [(float(x), float(y)) for x, y in line.get_xydata()]


def lines(figure: Figure) -> dict[int, Line2D]:
    """By trial, as they are drawn."""
    return {
        int(str(line.get_label()).removeprefix("trial ")): line
        for line in figure.axes[0].lines
        if str(line.get_label()).startswith("trial ")
    }


def heights(line: Line2D, parameters: int) -> list[float]:
    """Where it crosses the axes, from 0 to 1."""
    x, y = np.asarray(line.get_data())
    return [float(y[x == at][0]) for at in range(parameters + 1)]


def marks(axes: Axes) -> dict[str, float]:
    """How high each text stands: of a single parameter, and the scores."""
    return {text.get_text(): float(text.xy[1]) for text in axes.texts}


def darkness(line: Line2D) -> float:
    return -float(np.dot(to_rgb(line.get_color()), [0.3, 0.6, 0.1]))


def fourteen() -> tuple[list[str], list[dict[str, Any]], list[float]]:
    """As many parameters as are ever searched, with long names."""
    choices: dict[str, Sequence[Any]] = {
        "model.cell": ("gru", "lstm"),
        "model.embedding_units": (64, 128, 256),
        "model.decoder_units": (64, 128, 256, 512),
        "model.encoder_layers": (1, 2),
        "model.decoder": ("bahdanau", "luong", "conditional"),
        "model.attention": ("bahdanau", "bahdanau-normalized", "luong-scaled"),
        "model.input_feeding": (False, True, None),
        "model.readout": ("tanh", "maxout"),
        "model.embedding_dropout": (0.0, 0.1, 0.2, 0.3, 0.4),
        "model.encoder_dropout": (0.0, 0.1, 0.2),
        "tokenizer.vocabulary_size": (1000, 2000, 4000, 8000),
        "pipeline.batch_size": (32, 64, 128),
        "training.learning_rate": RATES,
        "training.schedule": ("constant", "cosine"),
    }
    values = [
        {name: of[trial % len(of)] for name, of in choices.items()}
        for trial in range(23)
    ]
    for row in values[::3]:
        del row["model.input_feeding"]
    return list(choices), values, [1.5 + trial**2 for trial in range(23)]


def test_each_parameter_has_a_chart() -> None:
    names = ["model.cell", "model.units"]
    figure = score_by_parameter(
        names, CELLS, SCORES, "Title", label="BLEU", caption="End"
    )
    cell, units = figure.axes
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["cell", "units"]
    assert columns(cell) == ["gru", "lstm"]
    assert columns(units) == ["64", "128", "1,024"]  # by size
    assert dots(cell, "trials") == [(1, 20), (1, 10), (1, 26), (0, 15)]
    assert dots(units, "trials") == [(1, 20), (2, 10), (1, 15)]
    assert (cell.get_xlim(), units.get_xlim()) == ((-0.5, 1.5), (-0.5, 2.5))
    assert cell.get_ylabel() == "BLEU"
    low, high = cell.get_ylim()
    assert 8 < low < 10 < 31 < high < 33  # room for a marker
    written = [text.get_text() for text in figure.texts]
    assert written[0] == "Title"
    assert written[1].endswith("\nEnd")
    assert overhang(figure) < 0


def test_the_best_trial_is_marked() -> None:
    names = ["model.cell", "model.units"]
    for smaller, place, score in ((False, 0, 31), (True, 2, 10)):
        figure = score_by_parameter(
            names, CELLS, SCORES, smaller_is_better=smaller
        )
        cell, units = figure.axes
        assert dots(units, "best") == [(place, score)]
        assert score not in [y for _, y in dots(units, "trials")]
        _, plain, best = cell.lines
        assert best.get_color() == GOLD
        assert best.get_marker() != plain.get_marker()
        assert best.get_zorder() > plain.get_zorder()
        assert f"the best trial, score {score}." in figure.texts[0].get_text()


def test_choices_have_a_bar_at_the_median() -> None:
    axes = one("cell", ["lstm", "gru", "lstm", "lstm"], [20, 31, 10, 26])
    (bars,) = axes.collections
    ends = [segment.tolist() for segment in bars.get_segments()]
    assert ends == [[[-0.3, 31], [0.3, 31]], [[0.7, 20], [1.3, 20]]]
    assert "median" in axes.figure.texts[0].get_text()
    numbers = one("rate", RATES, range(9))
    assert len(numbers.collections) == 0
    assert "median" not in numbers.figure.texts[0].get_text()


def test_trials_that_were_stopped_are_hollow_and_in_no_median() -> None:
    figure = score_by_parameter(["model.cell"], CELLS, SCORES, stopped=[0, 4])
    (axes,) = figure.axes
    assert dots(axes, "stopped") == [(1, 20), (0, 15)]
    assert dots(axes, "trials") == [(1, 10), (1, 26)]
    assert axes.lines[0].get_markerfacecolor() == "none"
    (bars,) = axes.collections
    heights = [segment[0, 1] for segment in bars.get_segments()]
    assert heights == [31, 18]
    assert "Hollow:" in figure.texts[0].get_text()


def test_lines_of_trials_that_were_stopped_are_dotted() -> None:
    figure = parallel_coordinates(["model.cell"], CELLS, SCORES, stopped=[0, 4])
    styles = {
        trial: line.get_linestyle() for trial, line in lines(figure).items()
    }
    assert styles == {0: ":", 1: "-", 2: "-", 3: "-", 4: ":"}
    assert "Dotted:" in figure.texts[0].get_text()


def test_equal_trials_stand_side_by_side() -> None:
    axes = one("cell", ["gru"] * 5 + ["lstm"], [7, 7, 7, 7, 7, 3])
    places = axes.transData.transform(
        [*dots(axes, "trials"), *dots(axes, "best")]
    )
    line = axes.lines[0]
    wide = line.get_markersize() * axes.figure.dpi / 72
    for here, there in combinations(places, 2):
        assert np.linalg.norm(here - there) > wide
    assert all(abs(x) < 0.5 for x, y in dots(axes, "trials") if y == 7)
    assert dots(axes, "trials")[-1] == (1, 3)  # has no need to move


def test_a_crowd_stays_with_its_choice() -> None:
    axes = one("cell", ["gru", "lstm"] * 40, [7] * 80)
    for x, _ in dots(axes, "trials"):
        assert abs(x - round(x)) <= 0.4


@pytest.mark.parametrize(
    ("chosen", "scale", "shown"),
    [
        (RATES, "log", ["0.0003", "0.001", "0.003", "0.01"]),
        ([r / 10 for r in RATES[:5]], "log", ["5e−5", "0.0001", "0.0002"]),
        ([10.0**-k for k in range(9)], "log", None),
        ([r + 1 for r in RATES], "linear", None),  # does not span enough
        ([r - 5e-4 for r in RATES], "linear", None),  # not all positive
        ([0.15, 0.25, 0.35, 0.45], "linear", ["0.2", "0.3", "0.4"]),
        (
            [-0.75, 0.25, 0.35, 0.45],
            "linear",
            ["−0.75", "−0.5", "−0.25", "0", "0.25"],
        ),
        (
            [0.1, 0.15, 0.25, 0.3],
            "linear",
            ["0.1", "0.15", "0.2", "0.25", "0.3"],
        ),
        ([10, 20, 30, 40, 50, 60, 70, 80, 90], "log", ["10", "20", "50"]),
    ],
)
def test_many_numbers_stand_on_a_scale(
    chosen: list[float], scale: str, shown: list[str] | None
) -> None:
    axes = one("training.learning_rate", chosen, range(len(chosen)))
    assert axes.get_xscale() == scale
    drawn = [*dots(axes, "trials"), *dots(axes, "best")]
    assert drawn == [(x, y) for y, x in enumerate(chosen)]
    assert shown is None or columns(axes) == shown
    low, high = axes.get_xlim()
    assert low < min(chosen)
    assert high > max(chosen)
    places = axes.get_xticks()
    assert 2 <= len(places) <= 6
    assert min(places) >= min(chosen) - 1e-9
    assert max(places) <= max(chosen) + 1e-9


@pytest.mark.parametrize("span", [9, 40, 98, 240, 980, 2900, 1e5, 1e9])
@pytest.mark.parametrize("low", [1.01e-4, 2.1e-3, 5.2e-2])
def test_powers_have_room(low: float, span: float) -> None:
    rates = np.geomspace(low, low * span, 9)
    figure = one("rate", rates, range(9)).figure
    assert overlaps(figure) == []


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ([True, False], ["false", "true"]),
        ([None, "b", 0.5, "a", 0.25], ["0.25", "0.5", "a", "b", "null"]),
        ([0.3, 0.0, 0.1, 0.1], ["0", "0.1", "0.3"]),
        ([0, 0.0, np.float32(2), np.int64(2), np.True_], ["0", "2", "true"]),
        ([8, 7, 6, 5, 4, 3, 2, 1], list("12345678")),
        ([0.123456, 2e-7, 65536], ["2e−7", "0.123", "65,536"]),
        ([12345678, 123456, 2], ["2", "123,000", "1.23e7"]),
        ([0.12345, 0.12346], ["0.12345", "0.12346"]),  # told apart
        ([float("nan"), [1, 2]], ["[1, 2]", "nan"]),
        (["$x$", "y" * 30], ["$x$", "y" * 23 + "…"]),
    ],
)
def test_other_values_are_evenly_spaced(
    chosen: list[Any], shown: list[str]
) -> None:
    axes = one("model.part", chosen, range(len(chosen)))
    assert columns(axes) == shown
    assert axes.get_xticks().tolist() == list(range(len(shown)))
    assert not any(label.get_parse_math() for label in axes.get_xticklabels())


def test_parameters_that_matter_in_some_trials_or_in_none() -> None:
    names = ["model.cell", "model.input_feeding", "model.window"]
    values = [
        {"model.cell": "gru", "model.input_feeding": True},
        {"model.cell": "gru"},
    ]
    cell, feeding, window = score_by_parameter(names, values, [2, 3]).axes
    assert dots(feeding, "trials") == [(0, 2)]
    assert dots(feeding, "best") == []
    assert columns(feeding) == ["true"]
    assert dots(window, "trials") == dots(window, "best") == []
    assert columns(window) == ["not active in any trial"]
    # Heights are compared from chart to chart.
    assert cell.get_ylim() == feeding.get_ylim() == window.get_ylim()


def test_small_scores_are_told_apart_where_they_are_better() -> None:
    values = [{"cell": "gru"}] * 3
    scores = [3.0, 4.0, 900.0]
    for smaller, scale in ((True, "log"), (False, "linear")):
        (axes,) = score_by_parameter(
            ["cell"], values, scores, smaller_is_better=smaller
        ).axes
        assert axes.get_yscale() == scale
    (axes,) = score_by_parameter(
        ["cell"], values, [3, 4, 5], smaller_is_better=True
    ).axes
    assert axes.get_yscale() == "linear"
    assert rows(axes) == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("number", "a_row"), [(1, [1]), (4, [4]), (5, [3, 2]), (14, [4, 4, 4, 2])]
)
def test_at_most_four_charts_a_row(number: int, a_row: list[int]) -> None:
    names = [f"model.part_{index}" for index in range(number)]
    figure = score_by_parameter(names, [dict.fromkeys(names, "x")], [1.0])
    places = [axes.get_position() for axes in figure.axes]
    tops = sorted({round(place.y1, 6) for place in places}, reverse=True)
    found = [[p for p in places if abs(p.y1 - top) < 1e-5] for top in tops]
    assert [len(row) for row in found] == a_row
    for row in found:
        for place, above in zip(row, found[0], strict=False):
            assert place.x0 == pytest.approx(above.x0)
    named = [axes.get_ylabel() for axes in figure.axes]
    assert named.count("score") == len(a_row)
    for axes, name in zip(figure.axes, named, strict=True):
        assert bool(rows(axes)) is bool(name)


def test_words_without_room_are_folded_or_slant() -> None:
    folded = one("part", ["bahdanau-normalized", "luong", "x"], [1, 2, 3])
    assert columns(folded)[0] == "bahdanau-\nnormalized"
    assert folded.get_xticklabels()[0].get_rotation() == 0
    words = [f"concatenated{index}" for index in range(6)]
    slanting = one("part", words, range(6))
    assert columns(slanting) == words
    for label in slanting.get_xticklabels():
        assert 30 < label.get_rotation() < 60
        assert label.get_ha() == "right"


@pytest.mark.parametrize("draw", BOTH)
def test_names_keep_their_section_where_they_need_it(
    draw: Callable[..., Figure],
) -> None:
    names = ["model.units", "other.units", "training.learning_rate"]
    figure = draw(names, [dict.fromkeys(names, 1)], [1.0])
    if draw is score_by_parameter:
        shown = [axes.get_title(loc="left") for axes in figure.axes]
    else:
        shown = columns(figure.axes[0])[:-1]
    assert [text.replace("\n", " ") for text in shown] == [
        *("model.units", "other.units", "learning rate"),
    ]


@pytest.mark.parametrize("draw", BOTH)
@pytest.mark.parametrize("smaller", [False, True])
def test_fourteen_parameters_have_room(
    draw: Callable[..., Figure], smaller: bool
) -> None:
    figure = draw(
        *fourteen(), label="validation perplexity", smaller_is_better=smaller
    )
    assert overlaps(figure) == []
    assert overhang(figure) < 0
    assert figure.get_figwidth() < 16


def test_a_line_runs_through_what_its_trial_chose() -> None:
    names = ["model.cell", "model.units", "model.one"]
    values = [{**row, "model.one": "x"} for row in CELLS]
    figure = parallel_coordinates(
        names, values, SCORES, "Title", label="BLEU", caption="End"
    )
    (axes,) = figure.axes
    assert columns(axes) == ["cell", "units", "one", "BLEU"]
    found = {trial: heights(line, 3) for trial, line in lines(figure).items()}
    near = {"abs": 0.03}  # lines of one choice are side by side
    assert found[0][:3] == pytest.approx([1, 0.5, 0.5], **near)
    assert found[1][:3] == pytest.approx([0, 0, 0.5], **near)
    assert found[2][:3] == pytest.approx([1, 1, 0.5], **near)
    ends = {trial: places[3] for trial, places in found.items()}
    assert ends == pytest.approx(
        {0: 10 / 21, 1: 1, 2: 0, 3: 16 / 21, 4: 5 / 21}
    )
    written = [text.get_text() for text in figure.texts]
    assert written[0] == "Title"
    assert written[1].endswith("\nEnd")
    assert "the best trial, BLEU 31." in written[1]
    assert overhang(figure) < 0


def test_a_line_passes_below_what_was_not_active() -> None:
    names = ["model.cell", "model.units", "model.never"]
    figure = parallel_coordinates(names, CELLS, SCORES)
    (axes,) = figure.axes
    found = {trial: heights(line, 3) for trial, line in lines(figure).items()}
    below = [text.xy for text in axes.texts if text.get_text() == "–"]
    (first, height), (second, _) = below
    assert (first, second) == (1, 2)
    assert height < -0.1
    assert found[3][1] == pytest.approx(height)
    for trial, places in found.items():
        assert (places[1] < -0.1) is (trial == 3)
        assert places[2] == pytest.approx(height, abs=0.03)
    assert "–: not active" in figure.texts[0].get_text()
    everywhere = parallel_coordinates(names[:1], CELLS, SCORES)
    assert "–" not in marks(everywhere.axes[0])
    assert "–" not in everywhere.texts[0].get_text()


def test_axes_have_their_own_scales() -> None:
    values = [{"rate": rate, "cell": "gru"} for rate in RATES]
    scores = [float(score) for score in range(9)]
    figure = parallel_coordinates(["rate"], values, scores)
    (axes,) = figure.axes
    span = np.log(RATES[-1] / RATES[0])
    found = marks(axes)
    assert found["0.0003"] == 0
    assert found["0.01"] == pytest.approx(np.log(0.01 / RATES[0]) / span)
    for trial, line in lines(figure).items():
        along = np.log(RATES[trial] / RATES[0]) / span
        assert heights(line, 1) == pytest.approx([along, trial / 8])
    values = [{"part": part} for part in ("b", "c", "a", "a")]
    (axes,) = parallel_coordinates(["part"], values, [1.0, 2.0, 3.0, 4.0]).axes
    found = marks(axes)
    assert (found["a"], found["b"], found["c"]) == (0, 0.5, 1)


def test_lines_of_one_choice_are_side_by_side() -> None:
    for number in (3, 60):
        values = [{"cell": "gru"}] * number
        scores = [float(7 * trial % number) for trial in range(number)]
        figure = parallel_coordinates(["cell"], values, scores)
        places = {t: heights(line, 1)[0] for t, line in lines(figure).items()}
        ordered = [places[trial] for trial in np.argsort(scores)]
        assert all(after > before for before, after in pairwise(ordered))
        assert ordered[-1] - ordered[0] < 0.06
        assert np.mean(ordered) == pytest.approx(0.5)


@pytest.mark.parametrize("smaller", [False, True])
def test_the_better_the_darker(smaller: bool) -> None:
    values = [{"cell": "gru"}] * 5
    scores = [4.0, 2.0, 5.0, 1.0, 3.0]
    figure = parallel_coordinates(
        ["cell"], values, scores, smaller_is_better=smaller
    )
    drawn = lines(figure)
    order = sorted(drawn, key=lambda trial: scores[trial], reverse=smaller)
    assert list(drawn) == order  # the best is above all others
    *others, best = (drawn[trial] for trial in order)
    dark = [darkness(line) for line in others]
    assert all(after > before for before, after in pairwise(dark))
    assert dark[0] > -0.8  # seen on white
    assert best.get_color() == GOLD
    assert best.get_linewidth() > max(x.get_linewidth() for x in others)
    # The strip that lines end at has their colours.
    (strip,) = figure.axes[0].images
    colours = np.asarray(strip.get_array())[:, 0]
    left, _, bottom, top = strip.get_extent()
    assert (left, bottom, top) == (1, 0, 1)
    for line in others:
        shade = colours[round(heights(line, 1)[1] * 255)]
        np.testing.assert_allclose(shade, line.get_color(), atol=0.02)


@pytest.mark.parametrize("draw", BOTH)
def test_one_trial_or_equal_ones_are_drawn(
    draw: Callable[..., Figure],
) -> None:
    for scores in ([0.0], [5.0, 5.0, 5.0]):
        figure = draw(["cell"], [{"cell": "gru"}] * len(scores), scores)
        assert overhang(figure) < 0
        assert overlaps(figure) == []
        (axes,) = figure.axes
        gold = [x for x in axes.lines if x.get_color() == GOLD]
        (best,) = gold
        if draw is parallel_coordinates:
            assert best.get_label() == "trial 0"
            assert heights(best, 1)[1] == 0.5


@pytest.mark.parametrize("draw", BOTH)
@pytest.mark.parametrize(
    ("names", "values", "scores", "message"),
    [
        (["cell"], [], [], r"1 parameters, values of 0 trials and 0 scores"),
        (["cell"], [{}, {}], [1.0], r"values of 2 trials and 1 scores; it"),
        ([], [{}], [1.0], r"0 parameters.*at least one parameter"),
        (["cell"], [{}, {}], [1.0, float("nan")], r"Trial 1 .*score nan"),
        (["cell"], [{}], [-float("inf")], r"Trial 0 .*-inf; only finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    draw: Callable[..., Figure],
    names: list[str],
    values: list[Mapping[str, Any]],
    scores: list[float],
    message: str,
) -> None:
    with pytest.raises(GlimpseError, match=message):
        draw(names, values, scores)
