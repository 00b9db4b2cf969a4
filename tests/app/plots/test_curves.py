"""Curves of training, and the names at their ends."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from app.plots import gradient_norms, learning_curves, read_history
from app.plots.line_ends import spread
from data import GlimpseError
from tests.app.plots.looks import overhang, overlaps

FIRST = [
    {
        "epoch": epoch,
        "step": 100 * epoch,
        "train_loss": 3.0 / epoch,
        "train_perplexity": 8.0 / epoch,
        "validation_loss": 2.0 / epoch,
        "validation_perplexity": 4.0 / epoch,
        "validation_bleu": 20.0 * epoch,
    }
    for epoch in (1, 2, 3)
]
SECOND = [
    {"epoch": "1", "validation_loss": "1.5", "validation_bleu": "30"},
    {"epoch": "2", "validation_loss": "", "validation_bleu": "40"},
]


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    return {
        str(line.get_label()): [
            (float(x), float(y)) for x, y in line.get_xydata()
        ]
        for line in axes.lines
    }


def test_each_measure_has_a_chart() -> None:
    figure = learning_curves({"mine": FIRST}, "Title", caption="End")
    loss, perplexity, bleu = figure.axes
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Loss per token", "Perplexity", "Validation BLEU"]
    assert lines(loss) == {
        "mine: validation_loss": [(1, 2), (2, 1), (3, 2 / 3)],
        "mine: train_loss": [(1, 3), (2, 1.5), (3, 1)],
    }
    assert lines(bleu) == {"mine: validation_bleu": [(1, 20), (2, 40), (3, 60)]}
    assert perplexity.get_yscale() == "log"
    assert loss.get_ylim()[0] == bleu.get_ylim()[0] == 0
    assert loss.get_xlabel() == "Epoch"
    validation, train = loss.lines
    assert (validation.get_linestyle(), train.get_linestyle()) == ("-", "--")
    assert validation.get_color() == train.get_color()
    written = [text.get_text() for text in figure.texts]
    assert written[0] == "Title"
    assert written[1].endswith("Dashed: training.\nEnd")
    assert overhang(figure) < 0


def test_runs_are_named_where_they_end() -> None:
    figure = learning_curves({"mine": FIRST, "$theirs$": SECOND})
    loss, perplexity, bleu = figure.axes
    assert lines(loss)["$theirs$: validation_loss"] == [(1, 1.5)]
    assert [text.get_text() for text in perplexity.texts] == ["mine"]
    mine, theirs = bleu.texts
    assert (mine.get_text(), mine.xy) == ("mine", (3, 60))
    assert (theirs.get_text(), theirs.xy) == ("$theirs$", (2, 40))
    assert not theirs.get_parse_math()
    for text, line in zip(bleu.texts, bleu.lines, strict=True):
        assert text.get_color() == line.get_color()
    assert to_hex(mine.get_color()) != to_hex(theirs.get_color())
    markers = {line.get_marker() for line in bleu.lines}
    assert len(markers) == 2


def test_names_of_many_alike_runs_stand_apart() -> None:
    runs = {f"run {index}": FIRST for index in range(8)}
    figure = learning_curves(runs, against="step")
    assert overlaps(figure) == []
    assert figure.axes[0].get_xlabel() == "Steps"
    assert lines(figure.axes[2])["run 7: validation_bleu"][-1] == (300, 60)


def test_norms_of_gradients() -> None:
    rows = [{"epoch": 1, "train_gradient_norm": 7.0}, {"epoch": 2}]
    figure = gradient_norms({"mine": rows, "older": FIRST})
    (axes,) = figure.axes
    assert lines(axes) == {"mine: train_gradient_norm": [(1, 7)]}
    assert axes.get_title(loc="left") == "Norm of the gradients"


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(GlimpseError, match=r"train_gradient_norm are needed"):
        gradient_norms({"mine": FIRST})
    with pytest.raises(GlimpseError, match=r"Got 0 histories"):
        learning_curves({})
    with pytest.raises(GlimpseError, match=r"'hour'.* epoch, step, tokens"):
        learning_curves({"mine": FIRST}, against="hour")


def test_a_history_is_read(tmp_path: Path) -> None:
    text = "epoch,train_loss,validation_bleu\n1,2.5,\n2,1.25,30\n"
    (tmp_path / "history.csv").write_text(text)
    first, second = read_history(tmp_path)
    assert second == {"epoch": 2, "train_loss": 1.25, "validation_bleu": 30}
    assert np.isnan(first["validation_bleu"])


def test_a_history_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GlimpseError, match=r"history.csv cannot be read"):
        read_history(tmp_path)
    path = tmp_path / "history.csv"
    for text in ("epoch\nfirst\n", "epoch\n1,2\n"):
        path.write_text(text)
        with pytest.raises(GlimpseError, match="something else than numbers"):
            read_history(tmp_path)


def test_places_are_spread_as_little_as_it_takes() -> None:
    np.testing.assert_allclose(spread([5, 1, 9], 2), [5, 1, 9])
    np.testing.assert_allclose(spread([3, 3], 2), [2, 4])
    np.testing.assert_allclose(
        spread([0, 0, 1, 9], 2), [-5 / 3, 1 / 3, 7 / 3, 9]
    )
    assert spread([], 2).shape == (0,)


def test_spread_places_are_apart_and_in_order() -> None:
    random = np.random.default_rng(5)
    for _ in range(50):
        places = random.normal(size=7)
        moved = spread(places, 0.4)
        order = np.argsort(places)
        assert np.diff(moved[order]).min() > 0.4 - 1e-9
        assert moved.mean() == pytest.approx(places.mean())
        # No other way of keeping them apart moves them less.
        for _ in range(20):
            other = moved + random.normal(scale=0.1, size=7)
            if np.diff(other[order]).min() >= 0.4:
                assert ((other - places) ** 2).sum() > (
                    (moved - places) ** 2
                ).sum()
