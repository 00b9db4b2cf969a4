"""Download of a corpus's raw files from their public addresses."""

from __future__ import annotations

import gzip
import hashlib
import logging
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pooch
import requests
from tqdm import tqdm

from data.errors import GlimpseError

logger = logging.getLogger(__name__)

ATTEMPTS = 3  # Pooch waits 1 s before the second, 2 s before the third
TIMEOUT = (10.0, 60.0)  # seconds to connect, then between two bytes

_CHUNK = 1 << 16  # bytes written at a time
_HEADERS = {
    # Some servers refuse clients that name themselves after a library.
    "User-Agent": "Glimpse",
    # Without this header, a server may compress the transfer. Arriving data
    # would then be unpacked, and perhaps a .gz file with it.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True)
class RemoteFile:
    """File that can be downloaded.

    Attributes:
        name: name under which the file is stored.
        address: HTTP or HTTPS address of the file.
        sha256: expected SHA-256 of the content, in hexadecimal; None if not
            known. For a `.gz` file, it is the SHA-256 of the unpacked content,
            since the same content may be compressed in different ways.
        strict: whether a file with another SHA-256 is refused. If false, such a
            file is accepted with a warning.
    """

    name: str
    address: str
    sha256: str | None
    strict: bool = True


def fetch(file: RemoteFile, folder: Path) -> Path:
    """Download a file into a folder if it is missing, and return its path.

    A file that is already in the folder is not checked. A missing file is
    downloaded under a temporary name, and renamed after it is complete and
    checked. So a failed download leaves no file behind.

    Args:
        file: file to provide.
        folder: folder of the file; it is created if necessary.

    Raises:
        GlimpseError: the file cannot be stored, or all `ATTEMPTS` attempts
            failed. An attempt fails if the file cannot be downloaded or is
            damaged, or if `file.strict` is true and the SHA-256 is not
            `file.sha256`.
    """
    store = pooch.create(
        path=folder,
        base_url="",  # unused, since the file has its own address
        registry={file.name: None},
        urls={file.name: file.address},
        retry_if_failed=ATTEMPTS - 1,
    )
    try:
        return Path(store.fetch(file.name, downloader=partial(_download, file)))
    except GlimpseError:
        raise
    # This clause comes first, since all errors of requests are OSErrors too.
    except (requests.RequestException, ValueError) as error:
        raise GlimpseError(
            f"{file.name} could not be fetched from {file.address} "
            f"({_reason(error)}): check the connection and try again, or fetch "
            f"it by hand and put it into {folder}."
        ) from error
    except OSError as error:
        raise GlimpseError(
            f"{file.name} could not be stored in {folder} ({_reason(error)}): "
            "make that a folder that can be written to and has space left, or "
            "name another."
        ) from error


def _download(
    file: RemoteFile, address: str, target: str, store: pooch.Pooch
) -> None:
    """Download a file from an address to a path, and check the content.

    The library Pooch calls this function.

    Args:
        file: file that is downloaded.
        address: address of the file.
        target: temporary path, at which Pooch has created an empty file.
        store: Pooch's object for the folder in which the file is stored.

    Raises:
        GlimpseError: the file is damaged, or `file.strict` is true and the
            SHA-256 is not `file.sha256`.
    """
    # Pooch has made the file readable by its owner only. A new file gets the
    # permissions of the umask.
    Path(target).unlink()
    with ExitStack() as opened:

        def close_at_last(response: requests.Response, **_: Any) -> None:
            opened.callback(response.close)  # Pooch leaves it open on failure

        # Pooch tests whether the bar is true, so the bar needs a total.
        bar = tqdm(
            desc=file.name,
            total=1,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=None,  # hidden if standard error is no terminal
        )
        transfer = pooch.HTTPDownloader(
            progressbar=opened.enter_context(bar),
            chunk_size=_CHUNK,
            timeout=TIMEOUT,
            headers=_HEADERS,
            hooks={"response": close_at_last},
        )
        transfer(address, target, store)
    _check(file, Path(target), store.path)


def _check(file: RemoteFile, path: Path, folder: Path) -> None:
    try:
        found = _checksum(path, file.name)
    # The type of error that gzip and zipfile raise depends on the damage.
    except Exception as error:
        raise GlimpseError(
            f"{file.name} came damaged from {file.address} ({error}), but it "
            "should unpack without an error: try again later, or fetch it "
            f"elsewhere and put it into {folder}."
        ) from error
    if file.sha256 in (None, found):
        return
    if file.strict:
        raise GlimpseError(
            f"{file.name} came from {file.address} with content of SHA-256 "
            f"{found}, but {file.sha256} is wanted: try again later, or fetch "
            f"that version elsewhere and put it into {folder}."
        )
    logger.warning(
        "%s came from %s with content of SHA-256 %s, not %s: it has been "
        "updated there, so figures may differ from published ones.",
        file.name,
        file.address,
        found,
        file.sha256,
    )


def _checksum(path: Path, name: str) -> str:
    """Return the SHA-256 of a file; for a `.gz` file, of its unpacked content.

    The checksums inside a `.gz` or `.zip` file are verified.

    Args:
        path: current path of the file; it may be a temporary path.
        name: final name of the file; its suffix shows how the file is packed.
    """
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            if member := archive.testzip():
                raise zipfile.BadZipFile(f"bad CRC-32 of its member {member}")
    with (
        gzip.open(path) if name.endswith(".gz") else path.open("rb") as content
    ):
        return hashlib.file_digest(content, "sha256").hexdigest()


def _reason(error: BaseException) -> str:
    """Return a short description of the original cause of an error."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    while cause := error.__cause__ or error.__context__:
        error = cause
    reason = getattr(error, "strerror", None) or str(error)
    return reason.rstrip(".") or type(error).__name__
