"""BLEU by source length."""

import pytest

from app.plots import bleu_by_length
from data import GlimpseError
from tests.app.plots.looks import columns, overhang, overlaps


def row(start: int, sentences: int, bleu: float) -> dict[str, float]:
    return {
        **{"from": start, "to": start + 4},
        **{"sentences": sentences, "bleu": bleu},
    }


def test_lines_and_counts() -> None:
    runs = {
        "one": [row(1, 1200, 80.0), row(6, 34, 60.0)],
        "two": [row(1, 1200, 70.0), row(6, 34, 50.0)],
    }
    figure = bleu_by_length(runs, "Title")
    (axes,) = figure.axes
    assert columns(axes) == ["1–5", "6–10"]
    one, two = axes.lines
    assert one.get_xydata().tolist() == [[0, 80], [1, 60]]
    assert two.get_xydata().tolist() == [[0, 70], [1, 50]]
    assert one.get_marker() != two.get_marker()
    assert one.get_linestyle() != two.get_linestyle()
    low, high = axes.get_ylim()
    assert low == 0
    assert high > 80
    written = [text.get_text() for text in axes.texts]
    assert written == ["one", "two", "1,200", "34", "sentences"]
    assert overhang(figure) < 0
    assert overlaps(figure) == []


def test_other_sentences_are_counted_apart() -> None:
    runs = {
        "test": [row(1, 9, 80.0), row(11, 4, 60.0)],
        "long": [row(6, 7, 30.0), row(11, 5, 20.0)],
    }
    (axes,) = bleu_by_length(runs).axes
    assert columns(axes) == ["1–5", "6–10", "11–15"]
    assert axes.lines[1].get_xydata().tolist() == [[1, 30], [2, 20]]
    first, second = axes.texts[2:6], axes.texts[6:]
    assert [text.get_text() for text in first] == [
        *("9", "–", "4", "sentences, test"),
    ]
    assert [text.get_text() for text in second] == [
        *("–", "7", "5", "sentences, long"),
    ]
    assert {text.get_color() for text in second} == {axes.lines[1].get_color()}
    assert overlaps(axes.figure) == []


def test_a_score_of_nothing_is_drawn() -> None:
    (axes,) = bleu_by_length({"bad": [row(1, 3, 0.0)]}).axes
    assert axes.get_ylim() == (0, 1)


def test_nothing_to_draw_is_refused() -> None:
    for runs in ({}, {"empty": []}):
        with pytest.raises(GlimpseError, match="by_source_length"):
            bleu_by_length(runs)
