"""Lines of text files, and every kind of damage to them."""

import gzip
import random
import zlib
from pathlib import Path
from typing import Any

import pytest

from data import GlimpseError
from data.corpora import files
from data.corpora.files import LONGEST_LINE, iterate_lines, read_lines, scan


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "text.en"


@pytest.fixture(params=[1 << 22, 7])
def block(request: pytest.FixtureRequest, monkeypatch: Any) -> None:
    """Read the file in one block, or in many."""
    monkeypatch.setattr(files, "_BLOCK", request.param)


def refused(path: Path, **choices: bool) -> str:
    with pytest.raises(GlimpseError) as caught:
        scan(path, **choices)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", ["", "\n"])
def test_lines_end_in_newlines_only(
    tmp_path: Path, packed: bool, end: str
) -> None:
    lines = ["a\u2028b\x85\x0cc\r", "", "é" * 11, " ", "last"]
    content = ("\n".join(lines) + end).encode()
    path = tmp_path / ("text.gz" if packed else "text")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_lines(path) == lines
    found = scan(path, 9)
    assert (found.lines, found.sample) == (5, lines)
    assert found.checksum == zlib.crc32(content)


def test_an_empty_file_has_no_lines(path: Path) -> None:
    path.write_bytes(b"")
    assert read_lines(path) == []
    assert scan(path).sample == []


@pytest.mark.usefixtures("block")
def test_a_byte_order_mark_is_no_text(path: Path) -> None:
    path.write_bytes("\ufeffone\n\ufefftwo\n".encode())
    assert read_lines(path) == ["one", "\ufefftwo"]
    assert scan(path, 2).sample == ["one", "\ufefftwo"]


@pytest.mark.usefixtures("block")
def test_bad_utf8_names_file_line_and_byte(path: Path) -> None:
    path.write_bytes("é\nété ".encode() + b"\xff\nfine\n")
    assert "is not UTF-8: line 2, byte 7 is 0xff" in refused(path)


@pytest.mark.parametrize("code", ["utf-16", "utf-16-be"])
def test_utf16_is_recognised(path: Path, code: str) -> None:
    path.write_bytes("\ufeffun été\n".encode(code))
    message = refused(path)
    assert "it looks like UTF-16" in message


@pytest.mark.usefixtures("block")
def test_nul_names_file_line_and_byte(path: Path) -> None:
    path.write_bytes(b"one\ntwo\nth\0ree\n")
    assert "is no plain text: line 3, byte 3 is NUL" in refused(path)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("end", [b"", b"\n", b"\nmore\n"])
def test_an_endless_line_is_refused(path: Path, end: bytes) -> None:
    path.write_bytes(b"one\n" + b"a" * 100_000 + end)
    message = refused(path)
    assert "more than 10,000 characters in line 2" in message
    assert "split it" in message


@pytest.mark.usefixtures("block")
def test_a_line_is_measured_in_characters(path: Path) -> None:
    path.write_text("é" * LONGEST_LINE + "\n", "utf-8")
    assert scan(path).lines == 1
    path.write_text("é" * (LONGEST_LINE + 1) + "\n", "utf-8")
    assert "line 1" in refused(path)


def test_bad_bytes_in_an_endless_line_do_not_hide_it(path: Path) -> None:
    path.write_bytes(b"a" * 90_000 + b"\xff" * 90_000)
    assert "10,000 characters in line 1" in refused(path)


@pytest.mark.parametrize("cut", [slice(0, -9), slice(0, 30), slice(9, None)])
def test_a_damaged_gzip(tmp_path: Path, cut: slice) -> None:
    path = tmp_path / "text.gz"
    noise = random.Random(3).randbytes(500).hex()
    path.write_bytes(gzip.compress(f"{noise}\n".encode())[cut])
    assert "is truncated or no gzip file" in refused(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in refused(tmp_path)
    folder = tmp_path / "folder.gz"
    folder.mkdir()
    assert "cannot be read (Is a directory)" in refused(folder)


def test_a_file_that_is_not_there(path: Path) -> None:
    assert "cannot be read (No such file or directory)" in refused(path)


def test_a_file_that_may_not_be_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("one\n")

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root may read anything, so the permission is refused here.
    monkeypatch.setattr("builtins.open", refuse)
    message = refused(path)
    assert "cannot be read (Permission denied)" in message
    assert "permissions allow it" in message


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("text", "line", "found", "wanted"),
    [
        ("a\tb\nc\n", 2, 1, 2),
        ("a\tb\n\n \t\nc\td\te\n", 4, 3, 2),
        ("a\tb\tc\nd\te\tf\ng\th\n", 3, 2, 3),
        ("a\tb\tc\td\n", 1, 4, 3),
        ("only one\n", 1, 1, 2),
    ],
)
def test_a_wrong_number_of_columns(
    path: Path, text: str, line: int, found: int, wanted: int
) -> None:
    path.write_text(text)
    message = refused(path, table=True)
    assert f"{found} columns in line {line}, but {wanted} " in message


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("text", ["a\tb\n\nc\td", "a\tb\tc\n\r\nd\t\t\n"])
def test_tables_as_they_should_be(path: Path, text: str) -> None:
    path.write_text(text)
    assert scan(path, table=True).lines == 3


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("lines", [1, 10, 11, 12, 40, 41, 97, 1000])
def test_a_sample_is_every_so_manieth_line(path: Path, lines: int) -> None:
    path.write_text("".join(f"{place}\n" for place in range(lines)))
    found = scan(path, 11)
    assert found.lines == lines
    assert found.sample == [str(i) for i in range(0, lines, found.step)]
    assert min(lines, 6) <= len(found.sample) <= 11
    assert found.step == 1 or len(found.sample) * found.step > lines - 97


def test_lines_come_one_by_one(path: Path) -> None:
    path.write_text("one\ntwo\n")
    lines = iterate_lines(path)
    assert next(lines) == "one"
    lines.close()  # type: ignore[attr-defined]
