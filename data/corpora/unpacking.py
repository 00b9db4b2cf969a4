"""Unpacking of compressed text files, and rejection of other formats."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from data.errors import GlimpseError

# For each suffix: the name of the compression, the first bytes of a file that
# is compressed in this way (whatever its name), and the function that opens it.
_PACKED: dict[str, tuple[str, re.Pattern[bytes], Callable[..., Any]]] = {
    ".gz": ("gzip", re.compile(rb"\x1f\x8b\x08"), gzip.open),
    ".bz2": (
        "bzip2",
        re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
        bz2.open,
    ),
    ".xz": ("xz", re.compile(rb"\xfd7zXZ\0"), lzma.open),
}

_ARCHIVE = "take the text out of it, and name that file."
_DOCUMENT = "save it as plain text, and name that file."
_SHEET = "save its sheet as tab-separated text in UTF-8, and name that file."
_EITHER = (
    "take the text out of it, or save its sheet as tab-separated text in "
    "UTF-8, and name that file."
)
_ZIP = b"PK\x03\x04"
_NO_TEXT = {
    b"PK\x05\x06": ("an empty zip archive", _ARCHIVE),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _ARCHIVE),
    b"Rar!\x1a\x07": ("a RAR archive", _ARCHIVE),
    b"\x28\xb5\x2f\xfd": ("a Zstandard file", _ARCHIVE),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": (
        "a workbook or document of an older office program (.xls, .doc)",
        _SHEET,
    ),
    b"%PDF-": ("a PDF document", _DOCUMENT),
}
_LONGEST_MAGIC = 16  # bytes
_TAR_MAGIC = slice(257, 262)  # bytes


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a raw text file in binary mode; unpack it if it is compressed.

    The compression may be gzip, bzip2 or xz.

    Raises:
        GlimpseError: the file is unreadable, truncated, damaged, or an archive
            or document instead of text. The error may be raised when the file
            is opened or while it is read.
    """
    kind = ""
    try:
        with open(path, "rb") as raw:
            head = raw.peek(_LONGEST_MAGIC)
            kind, unpack = _packing(path, head)
            if unpack is None:
                _refuse_other_kinds(path, head)
                yield raw
            else:
                with unpack(raw) as file:
                    yield file
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        _explain(path, kind, error)


def refuse_tar(path: Path, head: bytes) -> None:
    """Raise an error if an unpacked file is a tar archive.

    Args:
        path: path of the file, for the error message.
        head: first bytes of the unpacked file.

    Raises:
        GlimpseError: the unpacked file is a tar archive.
    """
    if head[_TAR_MAGIC] == b"ustar":
        _refuse(path, "a tar archive", _ARCHIVE)


def _packing(path: Path, head: bytes) -> tuple[str, Callable[..., Any] | None]:
    for kind, magic, unpack in _PACKED.values():
        if magic.match(head):
            return kind, unpack
    if path.suffix in _PACKED:
        kind, _, unpack = _PACKED[path.suffix]
        return kind, unpack
    return "", None


def _refuse_other_kinds(path: Path, head: bytes) -> None:
    if head.startswith(_ZIP):
        _refuse(path, *_kind_of_zip(path))
    for magic, (kind, remedy) in _NO_TEXT.items():
        if head.startswith(magic):
            _refuse(path, kind, remedy)


def _kind_of_zip(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:  # damaged, so it may be either
        return "a zip archive or an office document (such as .xlsx)", _EITHER
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx)", _SHEET
    if {"[Content_Types].xml", "mimetype"} & {*names}:
        return "an office document (such as .docx or .ods)", _SHEET
    return "a zip archive", _ARCHIVE


def _refuse(path: Path, kind: str, remedy: str) -> NoReturn:
    raise GlimpseError(f"{path} is {kind}, but text is wanted: {remedy}")


def _explain(path: Path, kind: str, error: Exception) -> NoReturn:
    # Errors of the system have a number, those of unpacking have none.
    if isinstance(error, OSError) and error.errno is not None:
        raise GlimpseError(
            f"{path} cannot be read ({error.strerror or error}): check that "
            "it is there, is a file and that its permissions allow it."
        ) from error
    raise GlimpseError(
        f"{path} is truncated or no {kind} file ({error}): fetch it again."
    ) from error
