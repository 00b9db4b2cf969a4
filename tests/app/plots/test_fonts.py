"""Letters of any script, or boxes and a warning."""

import logging
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest
from matplotlib.font_manager import FontEntry

from app.plots import fonts
from app.plots.fonts import BASE, Font, families, legible

ROOT = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
PLAIN = Font(BASE, str(ROOT / "DejaVuSans.ttf"), 0)
OTHER = Font("STIXGeneral", str(ROOT / "STIXGeneral.ttf"), 0)
ONLY_IN_OTHER = "\u231a"  # a watch


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Font]]:
    """The fonts of a computer, to be changed before any is asked for."""
    found = [PLAIN]
    monkeypatch.setattr(fonts, "_fonts", lambda: tuple(found))
    for kept in (fonts.family_of, fonts._warn):
        kept.cache_clear()
    yield found
    for kept in (fonts.family_of, fonts._warn):
        kept.cache_clear()


def test_one_font_draws_most_alphabets() -> None:
    assert families("aéœ ŵ Ωд שלום سلام $_") == (BASE,)
    assert legible("aéœ ŵ Ωд שלום سلام $_") == "aéœ ŵ Ωд שלום سلام $_"


def test_a_font_with_the_glyph_is_added(installed: list[Font]) -> None:
    installed.append(OTHER)
    assert families(f"a{ONLY_IN_OTHER}") == (BASE, "STIXGeneral")
    assert legible(f"a{ONLY_IN_OTHER}") == f"a{ONLY_IN_OTHER}"


def test_what_only_says_which_way_to_read_needs_no_font(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the bold of a title would be lost where some font has a glyph."""
    monkeypatch.setattr(fonts, "family_of", lambda each: f"Font of {each}")
    text = "a\u2067\u061c\u200eb\u2069"
    assert families(text) == (BASE, "Font of a", "Font of b")


def test_without_a_font_boxes_stand_and_one_warning_names_one(
    installed: list[Font], caplog: pytest.LogCaptureFixture
) -> None:
    assert legible("a 汉字。") == "a □□□"
    assert legible("日本 カナ 한글") == "□□ □□ □□"
    assert families("汉字") == (BASE,)
    assert [each.levelno for each in caplog.records] == [logging.WARNING]
    assert "Chinese, Japanese or Korean" in caplog.text
    assert "Noto Sans CJK" in caplog.text
    caplog.clear()
    # Two letters and a vowel sign, which is drawn into the letter before.
    assert legible("हन\u0941") == "□□"
    assert "Noto Sans Devanagari" in caplog.text
    assert legible("🧪") == "□"
    assert "Noto Emoji" in caplog.text


def test_what_has_no_name_is_a_box_without_a_warning(
    installed: list[Font], caplog: pytest.LogCaptureFixture
) -> None:
    assert legible("a\0b\U000f0000\u2062") == "a□b□\u2062"
    assert legible("one\ntwo") == "one\ntwo"
    assert legible("\U000e0001") == ""  # a tag, which has no shape
    assert not caplog.records


def test_the_plain_font_then_regular_sans_then_the_rest() -> None:
    order = [
        FontEntry(name=BASE, weight=400),
        FontEntry(name="Mm", weight=400),
        FontEntry(name="Zz", weight="regular"),
        FontEntry(name="Aa Serif", weight=400),
        FontEntry(name="Bb Mono", weight=400),
        FontEntry(name="Cc", weight=100),
    ]
    shuffled = [order[place] for place in (4, 2, 5, 0, 3, 1)]
    assert sorted(shuffled, key=fonts._preference) == order


def test_fonts_for_mathematics_and_of_last_resort_are_not_used() -> None:
    assert fonts._fonts()[0].family == BASE
    names = {font.family for font in fonts._fonts()}
    assert not names & {"STIXGeneral", "cmr10", "Last Resort High-Efficiency"}


def test_a_font_that_cannot_be_opened_draws_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_text("no font")
    assert not fonts._codes(Font("Broken", str(broken), 0)).size
    assert not fonts._codes(Font("Gone", str(tmp_path / "gone"), 0)).size
