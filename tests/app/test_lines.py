"""Anything on standard input comes out as so many lines, in order."""

import json
import logging
import random
import unicodedata
from pathlib import Path

import pytest

from app.translator import Translator
from data import normalise
from tests.app.conftest import SOURCES
from tests.app.test_main import invoke


def random_lines(count: int) -> list[str]:
    """Lines of any characters of Unicode but the one that ends a line."""
    chance = random.Random(7)
    characters = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) not in ("Cs", "Cn")
        and chr(code) != "\n"
    ]
    return [
        "".join(chance.choices(characters, k=chance.randrange(4)))
        for _ in range(count)
    ]


def test_ten_thousand_random_lines(tiny_run: Path) -> None:
    lines = random_lines(10_000)
    # Some sentences among them tell whether the order is kept.
    lines[::100] = [SOURCES[place % 8] for place in range(100)]
    stdin = "".join(f"{line}\n" for line in lines).encode()
    code, out, _ = invoke(
        "translate", tiny_run, "--beam", 1, "--json", stdin=stdin
    )
    assert code == 0
    found = [json.loads(line) for line in out.split("\n")[:-1]]
    assert [each["source"] for each in found] == lines
    translator = Translator.load(tiny_run)
    expected = translator.translate(SOURCES, beam_size=1)
    for place, each in enumerate(found[::100]):
        assert each["translation"] == expected[place % 8].text
    for line, each in zip(lines, found, strict=True):
        if not normalise(line):
            assert each["translation"] == ""


def test_lines_that_are_no_text_are_translated_too(
    tiny_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stdin = (
        b"\xef\xbb\xbf\xff\n\0\n\xef\xbb\xbfI see\r\n"
        + b"x " * 50_000
        + b"\n\xc3"
    )
    code, out, _ = invoke(
        "translate", tiny_run, "--json", "--beam", 1, stdin=stdin
    )
    assert code == 0
    found = [json.loads(line) for line in out.splitlines()]
    assert [each["source"][:5] for each in found] == [
        *("\ufffd", "\0", "\ufeffI se", "x x x", "\ufffd"),
    ]
    for number, warning in ((1, "not UTF-8"), (4, "over-long"), (5, "not UTF")):
        assert f"Line {number} is {warning}" in caplog.text
    assert "Line 2 is" not in caplog.text


def test_words_never_seen_are_named_once(
    tiny_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [SOURCES[0], "I see the Zebra.", "The zebra eats an Apple, a pie."]
    invoke("translate", tiny_run, stdin="\n".join(lines).encode())
    warnings = [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING and "never seen" in each.getMessage()
    ]
    assert warnings == [
        "Line 2 has words never seen in training: zebra",
        "Line 3 has words never seen in training: eats, a, pie",
    ]


def test_a_run_that_kept_no_words_warns_of_none(
    tiny_run: Path, translator: Translator
) -> None:
    other = Translator(
        translator.model, translator.tokenizers, translator.config
    )
    assert other.unseen_words("zebra") == []
    assert translator.unseen_words("zebra see ZEBRA") == ["zebra"]
