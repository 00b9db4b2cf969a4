"""Reading the lines of a corpus's raw files, and saying what ails them."""

import gzip
import zlib
from pathlib import Path

from data.errors import GlimpseError


def find_file(folder: Path, name: str) -> Path | None:
    """Return `folder/name.gz`, else `folder/name`, else None."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a UTF-8 file, which is unpacked if it is a `.gz`.

    A line is what ends in `\n`, whatever other Unicode separators it holds.

    Raises:
        GlimpseError: the file is unreadable, truncated, or not UTF-8; names the
            file and, for a bad byte, the line and the place in it, from 1.
    """
    lines = _decoded(path, _unpacked(path)).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _unpacked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise GlimpseError(
            f"{path} is truncated or no gzip file ({error}): fetch it again."
        ) from error
    except OSError as error:
        raise GlimpseError(
            f"{path} cannot be read ({error.strerror or error}): check that "
            "it is there and that its permissions allow it."
        ) from error


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = error.start - content.rfind(b"\n", 0, error.start)
        raise GlimpseError(
            f"{path} is not UTF-8: line {line} has "
            f"{content[error.start]:#04x} as its byte {byte}, so convert the "
            "file to UTF-8 or mend that line."
        ) from error
