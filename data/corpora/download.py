"""Downloading a corpus's raw files from their public addresses."""

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

ATTEMPTS = 3  # Pooch waits one second before the second, two before the third
TIMEOUT = (10.0, 60.0)  # seconds to connect, and without a byte thereafter

_CHUNK = 1 << 16  # bytes written at a time
_HEADERS = {
    # Some servers refuse what names itself after a library.
    "User-Agent": "Glimpse",
    # What a server compresses for the way is unpacked on arrival, and so is a
    # .gz file that it takes to be such.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Attributes:
        name: in the folder that it goes to.
        address: where it is, by HTTP or HTTPS.
        sha256: of its content, in hexadecimal: for a `.gz` of what is packed
            in it, as its compression may differ from place to place. None if
            it is not known.
        strict: whether other content is refused; if not, it is warned of.
    """

    name: str
    address: str
    sha256: str | None
    strict: bool = True


def fetch(file: RemoteFile, folder: Path) -> Path:
    """Return `folder/name`, downloaded if it is not there.

    A file that is there is taken as it is. One that is not comes under a
    passing name and gets its own once it is whole and checked, so that a
    failure leaves nothing behind, and what does come into the folder is good.

    Raises:
        GlimpseError: in all `ATTEMPTS` the file could not be had, was damaged
            or, if strict, another than is wanted; or it cannot be stored.
    """
    store = pooch.create(
        path=folder,
        base_url="",  # unused: the file has an address of its own
        registry={file.name: None},
        urls={file.name: file.address},
        retry_if_failed=ATTEMPTS - 1,
    )
    try:
        return Path(store.fetch(file.name, downloader=partial(_download, file)))
    except GlimpseError:
        raise
    # First, as requests makes all its errors OSErrors.
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
    """Write what is at the address to the file `target`, and check it."""
    # Pooch has made it readable by its owner only; made anew, it is as the
    # umask has it.
    Path(target).unlink()
    with ExitStack() as opened:

        def close_at_last(response: requests.Response, **_: Any) -> None:
            opened.callback(response.close)  # Pooch leaves it open if it fails

        # Pooch asks whether the bar is true, which depends on its total.
        bar = tqdm(
            desc=file.name,
            total=1,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=None,  # where standard error is no terminal
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
    # What gzip and zipfile raise depends on where the damage is.
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
    """Return the SHA-256 of the content of a file that is to have that name,
    having read through all that is packed in it.
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
    """Say in a few words what was at the bottom of an error."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    while cause := error.__cause__ or error.__context__:
        error = cause
    reason = getattr(error, "strerror", None) or str(error)
    return reason.rstrip(".") or type(error).__name__
