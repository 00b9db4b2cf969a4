"""Right-to-left text: what is read first stands where reading starts."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.textpath import TextPath

from app.inference import Hypothesis, Item, Translator
from app.plots import heat_map
from app.plots.direction import (
    as_one,
    in_sentence,
    isolated,
    right_to_left,
    starts_leftward,
)
from app.plots.extremes import _caption
from app.plots.fonts import legible, shortened
from app.plots.sheet import wrapped
from tests.app.plots.looks import columns, overhang, overlaps, rows

HEBREW = 'הילדה אמרה: "NATO (ברית) קנתה 50%!"'
ARABIC = "قال المدير إن Google دفعت 3.5 مليون (نقدًا)؟"
PERSIAN = "من ۱۲ کتاب‌ از John خریدم."
URDU = "میں Lahore گیا (کل)!"
SENTENCES = [HEBREW, ARABIC, PERSIAN, URDU]


def outline(text: str) -> np.ndarray:
    return TextPath((0, 0), text, size=20).vertices


def where(part: str, text: str) -> float:
    """Where the outline of `part` starts in that of `text`, from the left."""
    shape, whole = outline(part), outline(text)
    for start in range(len(whole) - len(shape) + 1):
        found = whole[start : start + len(shape)] - shape
        if np.allclose(found, found[0], atol=0.1):
            return float(found[0, 0] + shape[:, 0].min())
    raise AssertionError(f"{part!r} is not drawn in {text!r}")


@pytest.mark.parametrize(
    ("words", "leftward"),
    [
        (["قرأ", "الطالب", ".", "</s>"], True),
        (["שלום", "NATO", "מחר", "</s>"], True),
        (["NATO", "ברית", "צבאית"], True),
        (["The", "word", "سلام", "</s>"], False),
        (["12", ".", "</s>"], False),
        (["٥٠", "."], False),
        ([], False),
    ],
)
def test_which_way_words_are_read(words: list[str], leftward: bool) -> None:
    assert right_to_left(words) == leftward


def test_matplotlib_puts_hebrew_in_order() -> None:
    """The letter read second is drawn first, at the left."""
    second = outline("ב")
    np.testing.assert_allclose(outline("אב")[: len(second)], second)


@pytest.mark.parametrize("word", ["علم", "کتاب", "پڑھیں"])
def test_matplotlib_joins_arabic(word: str) -> None:
    apart = sum(np.ptp(outline(letter)[:, 0]) for letter in word)
    assert np.ptp(outline(word)[:, 0]) < 0.9 * apart


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_caption_keeps_the_order_of_its_sentence(
    sentence: str, translator: Translator
) -> None:
    """Drawn after a label it looks as it does alone: end at the left."""
    read = translator.encode("a")
    said = Item(sentence, (3,), translator.sides.target)
    hypothesis = Hypothesis(-1.0, -2.0, None, read.read, said)
    translation = replace(read, hypotheses=(hypothesis,))
    first, second = map(legible, _caption(translation, [sentence]).split("\n"))
    alone = outline(legible(sentence))
    for line, label in ((first, "Translation: "), (second, "Reference: ")):
        drawn = outline(line)[-len(alone) :]
        shift = drawn - alone
        np.testing.assert_allclose(shift - shift[0], 0, atol=0.1)
        np.testing.assert_allclose(
            outline(line)[: len(outline(label))], outline(label), atol=0.1
        )


def test_what_runs_from_left_to_right_is_isolated_where_it_matters() -> None:
    assert isolated("A red car (new).") == "A red car (new)."
    assert isolated("NATO: ב") == "\u2066NATO: ב\u2069"
    assert isolated("NATO: ברית צבא") == "\u2067NATO: ברית צבא\u2069"
    assert isolated("٥٠٪") == "\u2066٥٠٪\u2069"


def test_lines_of_a_paragraph_are_drawn_in_its_direction() -> None:
    """The full stop of a Hebrew text ends its last line at the left."""
    last = wrapped("אתמול " * 4 + "Google באה.", 3, 12).split("\n")[-1]
    assert last.lstrip("\u200f").startswith("Google")
    assert where("Google", last) > where(".", last)
    # A Latin text stays one, although a line of it begins with Hebrew.
    text = "The words that were said are שלום עולם (Hebrew)"
    last = wrapped(text, 3, 12).split("\n")[-1]
    assert last.lstrip("\u200e").startswith("שלום")
    assert where("Hebrew", last) > where("ם", last)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_is_isolated_stays_so_on_every_line(sentence: str) -> None:
    start = "What the model made of a long sentence was this: "
    lines = wrapped(start + isolated(sentence * 2), 3, 12).split("\n")
    assert len(lines) >= 2
    for line in lines:
        opened = line.count("\u2067")
        assert opened == line.count("\u2069") <= 1
        assert line.startswith("\u200e")
    controls = dict.fromkeys(map(ord, "\u200e\u2067\u2069"))
    bare = " ".join(lines).translate(controls)
    assert bare == start + sentence * 2


def test_a_single_line_or_a_latin_text_is_left_alone() -> None:
    assert as_one(["שלום NATO."]) == ["שלום NATO."]
    assert as_one(["one", "two."]) == ["one", "two."]


@pytest.mark.parametrize(
    ("text", "leftward"),
    [
        ("שלום NATO", True),
        ("(2024) سلام", True),
        ("NATO שלום", False),
        (f"{isolated('שלום')}: hello", False),
        ("12 %", False),
    ],
)
def test_where_lines_begin(text: str, leftward: bool) -> None:
    assert starts_leftward(text) == leftward


def test_a_title_of_many_lines_is_even_where_they_begin() -> None:
    words = ["שלום", "</s>"]
    for title, side in (("שלום עולם " * 9, "right"), ("hello " * 20, "left")):
        figure = heat_map(np.eye(2), words, words, title, caption=title)
        written = [figure.axes[0]._left_title, *figure.texts]
        assert [each._multialignment for each in written] == [side, side]
        assert overhang(figure) < 0
        assert overlaps(figure) == []


@pytest.mark.parametrize(
    ("word", "leftward", "shown"),
    [
        ("(", True, "\u200f("),  # drawn as the other bracket
        ("50 %", True, "\u200f50 %"),
        ("(", False, "("),
        ("NATO", True, "NATO"),
        ("U.S.", True, "U.S."),
        ("</s>", True, "</s>"),
        ("שלום", False, "שלום"),
        ("NATO-ב", True, "\u200fNATO-ב"),
        ("ב-NATO", False, "\u200eב-NATO"),
    ],
)
def test_words_have_the_direction_of_their_letters_or_sentence(
    word: str, leftward: bool, shown: str
) -> None:
    assert in_sentence(word, leftward) == shown


def test_brackets_of_a_sentence_point_to_what_they_hold() -> None:
    hebrew = ["(", "שלום", "עולם", ")"]
    axes = heat_map(np.eye(4), hebrew, hebrew).axes[0]
    for labels in (columns(axes), rows(axes)):
        assert labels == ["\u200f(", "שלום", "עולם", "\u200f)"]
    drawn = outline("\u200f(")
    np.testing.assert_allclose(drawn[-len(outline(")")) :], outline(")"))
    latin = ["(", "hello", "you", ")"]
    axes = heat_map(np.eye(4), latin, hebrew).axes[0]
    assert columns(axes) == latin


@pytest.mark.parametrize("letter", ["ب", "ש", "چ"])
def test_a_long_word_is_cut_where_it_ends(letter: str) -> None:
    word = letter * 30
    label = rows(heat_map(np.eye(1), ["a"], [word]).axes[0])[0]
    assert label == letter * 23 + "…"
    assert outline(label)[:, 0].min() == pytest.approx(
        where("…", label), abs=0.1
    )


def test_marks_on_letters_take_no_room() -> None:
    pointed = "שָׁ" * 24
    assert shortened(pointed, 24) == pointed
    assert shortened(pointed + "ש", 24) == "שָׁ" * 23 + "…"
    assert shortened("كَ" * 25, 24) == "كَ" * 23 + "…"
    assert shortened("é" * 25, 24) == "é" * 23 + "…"


def test_what_says_which_way_to_read_needs_no_glyph() -> None:
    for mark in "\u061c\u200e\u200f\u202b\u202c\u2066\u2067\u2068\u2069":
        assert legible(f"a{mark}ב") == f"a{mark}ב"
        width = np.ptp(outline(f"a{mark}b")[:, 0])
        assert width == pytest.approx(np.ptp(outline("ab")[:, 0]), abs=0.5)
