"""Lines of text files, and every kind of damage to them."""

import bz2
import gzip
import io
import logging
import lzma
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable
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


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "code", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize(
    "lines",
    [
        ["un été", "", "l'œuf\r"],
        ["Он здесь.", "Она там."],
        [
            "上海很大。",
            "𠮷野家",
            "\u0a0a\u0d0a",
        ],  # ends with bytes of a line end
    ],
)
def test_a_mark_tells_the_encoding(
    path: Path, lines: list[str], code: str, packed: bool
) -> None:
    text = "".join(f"{line}\n" for line in lines)
    content = f"\ufeff{text}".encode(code)
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_lines(path) == lines
    found = scan(path, 9)
    assert found.sample == lines
    assert found.checksum == zlib.crc32(text.encode())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("un été\n", "UTF-16LE"),
        ("Он здесь.\nОна там.\n" * 90, "UTF-16BE"),
        ("上海很大。我们走吧！\n" * 90, "UTF-16LE"),
        ("I see.\n" * 2000, "UTF-32BE"),
    ],
)
def test_an_encoding_without_a_mark_is_named(
    path: Path, text: str, code: str
) -> None:
    path.write_bytes(text.encode(code))
    message = refused(path)
    assert f"looks like {code} without a byte order mark" in message
    assert f"iconv -f {code} -t UTF-8" in message


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("damaged", "line", "character"),
    [
        ("one\nté\ud800o\n", 2, 3),
        ("\udc00\n", 1, 1),
        ("一\n二\n三四\ud800", 3, 3),
    ],
)
@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_damage_in_another_encoding(
    path: Path, damaged: str, line: int, character: int, code: str
) -> None:
    path.write_bytes(f"\ufeff{damaged}".encode(code, "surrogatepass"))
    expected = (
        f"damaged {code[:6].upper()}: line {line}, place {character} is no"
    )
    assert expected in refused(path)


def test_half_a_character_at_the_end(path: Path) -> None:
    path.write_bytes("one\ntwo\n".encode("utf-16")[:-3])
    assert "damaged UTF-16: line 2, place 3 is no character" in refused(path)


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


PACKINGS = [gzip.compress, bz2.compress, lzma.compress]


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("name", ["a.en", "a", "a.txt", "a.xz"])
@pytest.mark.parametrize("pack", PACKINGS)
def test_packed_files_are_told_by_what_they_hold(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    for content, lines in (("été\nИ\n", ["été", "И"]), ("", [])):
        path.write_bytes(pack(content.encode()))
        assert read_lines(path) == lines


@pytest.mark.parametrize("cut", [slice(0, -9), slice(0, 40)])
@pytest.mark.parametrize("pack", PACKINGS)
def test_a_damaged_packed_file(
    path: Path, cut: slice, pack: Callable[[bytes], bytes]
) -> None:
    noise = random.Random(3).randbytes(500).hex()
    path.write_bytes(pack(f"{noise}\n".encode())[cut])
    assert "is truncated or no " in refused(path)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_a_suffix_promises_a_packing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text("one\n")
    assert "is truncated or no " in refused(path)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "one\n")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.en"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "remedy"),
    [
        (zipped("my.en"), "a zip archive", "take the text out"),
        (zipped("docProps/app.xml", "xl/workbook.xml"), "Excel", "its sheet"),
        (zipped("mimetype", "content.xml"), "office document", "its sheet"),
        (zipped("my.en")[:40], "zip archive or an office", "or save its sheet"),
        (tarred(), "a tar archive", "take the text out"),
        (gzip.compress(tarred()), "a tar archive", "take the text out"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document", "as plain text"),
    ],
    # Not by their bytes, which tell the time.
    ids=["zip", "xlsx", "ods", "cut zip", "tar", "tar.gz", "pdf"],
)
def test_what_is_no_text_is_named(
    path: Path, content: bytes, kind: str, remedy: str
) -> None:
    path.write_bytes(content)
    message = refused(path)
    assert kind in message
    assert remedy in message
    assert "is wanted" in message


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["", "\r"])
@pytest.mark.parametrize(
    "lines", [["été"], ["one", "", "上海"], ["Он здесь."] * 2500]
)
def test_carriage_returns_end_lines_where_nothing_else_does(
    path: Path, lines: list[str], end: str, code: str
) -> None:
    path.write_bytes(("\r".join(lines) + end).encode(code))
    assert read_lines(path) == lines
    assert scan(path, 1 << 20).sample == lines


@pytest.mark.usefixtures("block")
def test_line_ends_of_two_kinds(path: Path) -> None:
    path.write_bytes(b"one\rtwo\r\nthree\rfour\n")
    assert read_lines(path) == ["one\rtwo\r", "three\rfour"]
    path.write_bytes(b"some\r" * 9000 + b"more\nsome\r")
    assert "in CR alone, but line 9001 ends in LF" in refused(path)


SPREADSHEETS = [
    (['"a ""b"" c"', "d", "", 'e "f" g'], ['a "b" c', "d", "", 'e "f" g']),
    (['"""Да,"" он."\t"""Oui."""', "x\ty"], ['"Да," он.\t"Oui."', "x\ty"]),
    (['"a"\t"b"', '"c"\t""', "", '"d, e"\t"上"'], None),
    (['x\t"""Stop!"""'], ['x\t"Stop!"']),
]


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("given", "lines"), SPREADSHEETS)
def test_the_quotes_of_a_spreadsheet_are_taken_off(
    path: Path,
    given: list[str],
    lines: list[str] | None,
    code: str,
    end: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if lines is None:  # every cell is quoted, and no quote is inside
        lines = [line.replace('"', "") for line in given]
    path.write_bytes("".join(f"{line}{end}" for line in given).encode(code))
    found = scan(path, 9)
    assert found.sample == lines
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert f"{path} has the quotes that a spreadsheet" in warning.getMessage()
    assert read_lines(path) == lines
    # Not what it was when the quotes were text: no run goes on with it.
    assert found.checksum != zlib.crc32("\n".join(given).encode() + b"\n")


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    "lines",
    [
        ['"No," he said.', '"Yes."', "They left."],
        ['"He said ""no""."', '"No," he said.'],
        ['"Yes."', "They left."],
        ['«Да», "сказал" он.', '"Да."\t"Нет," она.'],
        ['""Yes""', '"a ""b"" c"'],
        ['"', "a"],
        ['"""', 'b ""c"" d'],
    ],
)
def test_the_quotes_of_a_sentence_stay(
    path: Path, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    content = "\n".join(lines).encode()
    path.write_bytes(content)
    found = scan(path, 9)
    assert found.sample == read_lines(path) == lines
    assert found.checksum == zlib.crc32(content)
    assert not caplog.records


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"a ""b"""\none\n"two\nthree"\n', 3),
        ('"上\n海"\n"a ""b"""\n', 1),
        ('one\n"a ""b"""\n"é\tè"\n', 3),
    ],
)
def test_a_cell_of_several_lines_is_refused(
    path: Path, text: str, line: int
) -> None:
    path.write_text(text, "utf-8")
    assert f"the cell that begins in line {line} holds a tab" in refused(path)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("text", "bad", "line"),
    [
        ('a\tb\n"c\nd"\te\n', 2, 2),
        ('"a\tb"\tc\nd\te\n', 2, 1),
        ('"上"\t"海"\n"c"\t"d\ne"\n', 3, 2),
    ],
)
def test_a_cell_of_several_lines_in_a_table(
    path: Path, text: str, bad: int, line: int
) -> None:
    path.write_text(text, "utf-8")
    message = refused(path, table=True)
    assert f"columns in line {bad}, but" in message
    assert f"or line {line}, if its quote begins a spreadsheet's" in message


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("1\ta\t2\tb\n3\tc\td\te\n", 2, "but not a number"),
        ("1\ta\t2\tb\n\nx\tc\t3\te\n", 3, "but not a number"),
        ("1\ta\t2\tb\n3\tc\t4\n", 2, "but 4 separated by tabs"),
        ("a\tb\n1\tc\t2\td\n", 2, "but 2 separated by tabs"),
        ("一\tc\t二\td\n", 1, "but 3 separated by tabs"),
    ],
)
def test_four_columns_are_numbered_throughout(
    path: Path, text: str, line: int, said: str
) -> None:
    path.write_text(text, "utf-8")
    message = refused(path, table=True)
    assert f"columns in line {line}, {said}" in message
    assert "Tatoeba's four: number, source, number, target" in message


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
