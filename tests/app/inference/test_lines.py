"""Anything on standard input comes out as so many lines, in order."""

import io
import json
import logging
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from app.inference.lines import LineOptions, translate_lines
from app.inference.translator import Translator
from data import normalise
from tests.app.commands.test_main import invoke
from tests.app.conftest import SOURCES


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


@pytest.fixture
def read(
    tiny_run: Path, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bytes], list[str]]:
    """The lines that translate finds in its input; the model is loaded once."""
    monkeypatch.setattr(Translator, "load", lambda *_, **__: translator)

    def read(stdin: bytes) -> list[str]:
        output = io.StringIO()
        options = LineOptions(beam_size=1, as_json=True)
        translate_lines(
            Translator.load(tiny_run), io.BytesIO(stdin), output, options
        )
        lines = output.getvalue().splitlines()
        return [json.loads(line)["source"] for line in lines]

    return read


@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_mark_tells_the_encoding(
    read: Callable[[bytes], list[str]], code: str
) -> None:
    lines = ["\u0a0a\u0d0a", "", "Я вижу.", "上海 𠮷", SOURCES[0]]
    text = "\ufeff" + "\n".join(lines)
    for end in ("", "\n"):
        assert read((text + end).encode(code)) == lines


def test_damage_in_another_encoding(
    read: Callable[[bytes], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    stdin = "\ufeffI\n\ud800see\nit".encode("utf-16-le", "surrogatepass")
    assert read(stdin[:-1]) == ["I", "\ufffdsee", "i\ufffd"]
    for number in (2, 3):
        assert f"Line {number} is not UTF-8" in caplog.text


@pytest.mark.parametrize("code", ["UTF-16LE", "UTF-16BE"])
def test_an_encoding_without_a_mark_is_warned_of(
    read: Callable[[bytes], list[str]],
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    read("I see.\nYou see.\n".encode(code))
    assert f"looks like {code} without a byte order mark" in caplog.text
    assert f"iconv -f {code} -t UTF-8" in caplog.text


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
def test_carriage_returns_end_lines_where_nothing_else_does(
    read: Callable[[bytes], list[str]], code: str
) -> None:
    lines = [SOURCES[0], "", "été", "上海"]
    for end in ("", "\r"):
        stdin = ("\r".join(lines) + end).encode(code)
        assert read(stdin) == lines
    for text in ("one\rtwo\n", "one\ntwo\r", "one\r\ntwo\r\n"):
        assert read(text.encode()) == text.removesuffix("\n").split("\n")


class Typed(io.BytesIO):
    """Lines that a person types, each after the last one's translation."""

    def __init__(self, lines: list[str], output: io.StringIO) -> None:
        super().__init__("".join(f"{line}\n" for line in lines).encode())
        self.output = output
        self.seen: list[int] = []

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> bytes:
        self.seen.append(self.output.getvalue().count("\n"))
        return super().readline(size)

    def __next__(self) -> bytes:
        self.seen.append(self.output.getvalue().count("\n"))
        return super().__next__()


@pytest.mark.usefixtures("read")
def test_a_typed_line_is_answered_before_the_next(tiny_run: Path) -> None:
    output = io.StringIO()
    source = Typed([*SOURCES[:2], "été\rété"], output)
    translate_lines(
        Translator.load(tiny_run), source, output, LineOptions(beam_size=1)
    )
    assert source.seen == [0, 1, 2, 3]


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
    other = Translator(translator.model, translator.sides, translator.config)
    assert other.encode("zebra").unseen["words"] == []
    unseen = translator.encode("zebra see ZEBRA").unseen
    assert unseen == {"words": ["zebra"], "characters": []}
