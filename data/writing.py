"""File locks, and safe writing, which never leaves an incomplete file.

A file is written under a temporary name and renamed when it is complete.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker

from data.errors import GlimpseError

LOCK = ".lock"  # file in a locked folder
SECONDS_OF_ENDING = 10.0  # time that a process gets to end, once it was asked


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace a file only when its new content is complete.

    The context manager yields a temporary path to write to. At the end of the
    `with` block, the temporary file is renamed to `path`. If an error occurs in
    the block, `path` stays as it was.

    Raises:
        GlimpseError: the file could not be written.
    """
    beside = path.with_name(f".writing.{path.name}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise GlimpseError(
            f"{path} could not be written ({error.strerror or error}); what "
            "was there before is kept: free some space or choose another --run"
        ) from error
    finally:
        with suppress(OSError):  # it exists only after an error
            beside.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file in UTF-8; if writing fails, the old file remains.

    Line ends are written exactly as they are in `text`.

    Raises:
        GlimpseError: the file could not be written.
    """
    with replacing(path) as beside:
        beside.write_text(text, "utf-8", newline="\n")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes during a `with` block.

    The processes may be on other machines. The lock is on the file `LOCK` in
    the folder; this file remains afterwards. If the process ends within the
    block, even by a crash, the folder is unlocked.

    Raises:
        GlimpseError: another process has locked the folder and does not unlock
            it within `SECONDS_OF_ENDING` seconds.
    """
    lock = portalocker.Lock(folder / LOCK, "ab", timeout=SECONDS_OF_ENDING)
    try:
        lock.acquire()
    except portalocker.LockException as error:
        raise GlimpseError(
            f"Another process is at work in {folder}: wait until it has ended, "
            "or give another --run"
        ) from error
    with lock:
        yield


@contextmanager
def after_others(path: Path) -> Iterator[None]:
    """Lock a file during a `with` block.

    If another process has locked the file, wait until that process unlocks it.

    Args:
        path: file to lock; it is created if it is missing.
    """
    with portalocker.Lock(path, "ab", flags=portalocker.LockFlags.EXCLUSIVE):
        yield
