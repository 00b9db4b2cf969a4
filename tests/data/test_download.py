"""Downloads from a server on this machine that fails in every way."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import logging
import os
import resource
import signal
import socket
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data.corpora import download
from data.corpora.download import ATTEMPTS, RemoteFile, fetch
from data.errors import GlimpseError

TEXT = "".join(f"Ligne {place}, été\n" for place in range(20011)).encode()
OTHER = b"<html>Come back later</html>\n"
FEW = 5  # seconds in which a stuck test gives up


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # stored: bytes can be found
        archive.writestr("fra.txt", content)
    return file.getvalue()


@dataclass(frozen=True)
class Reply:
    """What the server does about a request.

    Attributes:
        body: of the file.
        status: of HTTP.
        sent: bytes of the body after which the connection is cut.
        length: announced instead of the true one.
        meanwhile: called when that much of the body has been sent.
    """

    body: bytes = TEXT
    status: int = 200
    sent: int | None = None
    length: str | None = None
    meanwhile: Callable[[], object] = lambda: None


class Server(ThreadingHTTPServer):
    """Gives one reply after the other, and the last one ever after."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = [Reply()]
        self.asked: list[str] = []
        self.released = threading.Event()

    def file(
        self, name: str, content: bytes | None = TEXT, strict: bool = True
    ) -> RemoteFile:
        """Return the file of that name, of which this content is wanted."""
        address = f"http://127.0.0.1:{self.server_port}/raw/{name}"
        checksum = None if content is None else sha256(content)
        return RemoteFile(name, address, checksum, strict)

    def hang(self) -> None:
        self.released.wait(FEW)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        reply = server.replies[min(len(server.asked), len(server.replies)) - 1]
        self.send_response(reply.status)
        length = reply.length or str(len(reply.body))
        self.send_header("Content-Length", length)
        if self.headers["Accept-Encoding"] != "identity":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(reply.body[: reply.sent])
        reply.meanwhile()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited; no proxies, either."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    waits: list[float] = []
    monkeypatch.setattr("pooch.core.time.sleep", waits.append)
    return waits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "corpus"  # to be made


def refusal(file: RemoteFile, folder: Path) -> str:
    """Return why the file was refused, having left nothing behind."""
    with pytest.raises(GlimpseError) as caught:
        fetch(file, folder)
    assert list(folder.iterdir()) == []
    message = str(caught.value)
    for part in (file.name, file.address, str(folder)):
        assert part in message
    assert message.count("\n") == 0
    return message


def test_a_file_comes_as_it_is(server: Server, folder: Path) -> None:
    path = fetch(server.file("train.en"), folder)
    assert path == folder / "train.en"
    assert path.read_bytes() == TEXT
    assert list(folder.iterdir()) == [path]
    assert server.asked == ["/raw/train.en"]


def test_others_can_read_it_if_the_umask_allows(
    server: Server, folder: Path
) -> None:
    umask = os.umask(0o027)
    try:
        path = fetch(server.file("train.en"), folder)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("level", [1, 9])
def test_compression_does_not_matter(
    server: Server, folder: Path, level: int
) -> None:
    packed = gzip.compress(TEXT, level)
    server.replies = [Reply(packed)]
    path = fetch(server.file("train.en.gz"), folder)
    assert path.read_bytes() == packed


def test_without_a_checksum_anything_whole_will_do(
    server: Server, folder: Path
) -> None:
    server.replies = [Reply(OTHER)]
    path = fetch(server.file("train.en", content=None), folder)
    assert path.read_bytes() == OTHER


def test_what_is_there_is_not_fetched(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "train.en").write_bytes(b"put here by hand\n")
    path = fetch(server.file("train.en"), folder)
    assert path.read_bytes() == b"put here by hand\n"
    assert server.asked == []


@pytest.mark.parametrize("name", ["train.en", "train.en.gz", "fra-eng.zip"])
def test_other_content_is_refused(
    server: Server, folder: Path, waits: list[float], name: str
) -> None:
    pack: dict[str, Callable[[bytes], bytes]] = {
        ".en": bytes,
        ".gz": gzip.compress,
        ".zip": zipped,
    }
    body = pack[Path(name).suffix](OTHER)
    server.replies = [Reply(body)]
    message = refusal(server.file(name), folder)
    assert sha256(body if name.endswith(".zip") else OTHER) in message
    assert sha256(TEXT) in message
    assert len(server.asked) == ATTEMPTS == 3
    assert waits == [1, 2]


def test_wrong_once_then_right(server: Server, folder: Path) -> None:
    server.replies = [Reply(OTHER), Reply()]
    assert fetch(server.file("train.en"), folder).read_bytes() == TEXT
    assert len(server.asked) == 2


@pytest.mark.parametrize("content", [TEXT, None])
def test_cut_once_then_whole(
    server: Server, folder: Path, content: bytes | None
) -> None:
    server.replies = [Reply(sent=100_003), Reply()]
    path = fetch(server.file("train.en", content), folder)
    assert path.read_bytes() == TEXT
    assert list(folder.iterdir()) == [path]
    assert len(server.asked) == 2


@pytest.mark.parametrize("sent", [0, 100_003])
def test_always_cut(server: Server, folder: Path, sent: int) -> None:
    server.replies = [Reply(sent=sent)]
    message = refusal(server.file("train.en", content=None), folder)
    assert f"({sent} bytes read, {len(TEXT) - sent} more expected)" in message
    assert len(server.asked) == ATTEMPTS


def test_not_found(server: Server, folder: Path) -> None:
    server.replies = [Reply(OTHER, status=404)]
    assert "(HTTP 404 Not Found)" in refusal(server.file("train.en"), folder)


def test_a_refused_answer_is_closed(server: Server, folder: Path) -> None:
    server.replies = [Reply(status=404)]
    refusal(server.file("train.en"), folder)
    gc.collect()  # a socket left open gives a warning, which is an error


def test_a_header_of_nonsense(server: Server, folder: Path) -> None:
    server.replies = [Reply(length="much")]
    message = refusal(server.file("train.en"), folder)
    assert "could not be fetched" in message
    assert "'much'" in message


def test_nobody_listens(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = RemoteFile("train.en", f"http://127.0.0.1:{port}/train.en", None)
    assert "(Connection refused): check" in refusal(file, folder)


def test_a_silent_server(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (FEW, 0.1))
    server.replies = [Reply(sent=7, meanwhile=server.hang)]
    assert "timed out" in refusal(server.file("train.en"), folder)
    assert len(server.asked) == ATTEMPTS


def test_no_address_of_the_web(folder: Path) -> None:
    file = RemoteFile("train.en", "raw/train.en", None)
    assert "No scheme supplied" in refusal(file, folder)


@pytest.mark.parametrize("cut", [slice(0, -9), slice(0, 30), slice(9, None)])
def test_a_damaged_gzip_file_is_refused(
    server: Server, folder: Path, cut: slice
) -> None:
    server.replies = [Reply(gzip.compress(TEXT)[cut])]
    message = refusal(server.file("train.en.gz", content=None), folder)
    assert "train.en.gz came damaged" in message
    assert len(server.asked) == ATTEMPTS


def test_an_updated_file_is_taken_with_one_warning(
    server: Server, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new, old = zipped(TEXT), zipped(OTHER)
    server.replies = [Reply(new, sent=7), Reply(new)]
    path = fetch(server.file("fra-eng.zip", old, strict=False), folder)
    assert path.read_bytes() == new
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert sha256(new) in record.getMessage()
    assert sha256(old) in record.getMessage()


def test_the_file_that_was_known_is_not_warned_of(
    server: Server, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [Reply(zipped(TEXT))]
    fetch(server.file("fra-eng.zip", zipped(TEXT), strict=False), folder)
    assert caplog.records == []


@pytest.mark.parametrize("damage", ["changed", "cut", "none"])
def test_a_damaged_archive_is_refused_though_it_may_be_new(
    server: Server, folder: Path, damage: str
) -> None:
    body = {
        "changed": zipped(TEXT).replace(b"Ligne 19997,", b"Ligne 19998,"),
        "cut": zipped(TEXT)[:-7],
        "none": OTHER,
    }[damage]
    server.replies = [Reply(body)]
    file = server.file("fra-eng.zip", zipped(TEXT), strict=False)
    message = refusal(file, folder)
    assert "fra-eng.zip came damaged" in message
    assert ("bad CRC-32 of its member fra.txt" in message) == (
        damage == "changed"
    )
    assert len(server.asked) == ATTEMPTS


@pytest.mark.parametrize("inside", [".", "corpus"])
def test_a_folder_that_cannot_be_made(
    server: Server, tmp_path: Path, inside: str
) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / inside
    with pytest.raises(GlimpseError) as caught:
        fetch(server.file("train.en"), folder)
    assert f"train.en could not be stored in {folder} (" in str(caught.value)
    assert server.asked == []


def test_a_folder_without_permission(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str, **options: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("pooch.utils.os.makedirs", denied)
    with pytest.raises(GlimpseError, match=r"stored in .*\(Permission denied"):
        fetch(server.file("train.en"), folder)


def test_a_full_disk(server: Server, folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(TEXT) // 2, limits[1]))
    try:
        with pytest.raises(GlimpseError) as caught:
            fetch(server.file("train.en"), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(folder.iterdir()) == []
    assert f"stored in {folder} (File too large)" in str(caught.value)
    assert len(server.asked) == 1  # in vain again


def test_an_interrupt_leaves_nothing_behind(
    server: Server, folder: Path
) -> None:
    main = threading.main_thread().ident
    assert main is not None
    # Started in the background, a program is born deaf to SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        signal.pthread_kill(main, signal.SIGINT)
        server.hang()

    server.replies = [Reply(sent=100_003, meanwhile=interrupt)]
    try:
        with pytest.raises(KeyboardInterrupt):
            fetch(server.file("train.en"), folder)
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(folder.iterdir()) == []
    assert len(server.asked) == 1


def test_nothing_is_printed(
    server: Server, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.replies = [Reply(sent=7), Reply()]
    fetch(server.file("train.en"), folder)
    assert capfd.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_a_bar_where_somebody_looks(
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[io.StringIO],
) -> None:
    stream = kind()
    monkeypatch.setattr(sys, "stderr", stream)
    fetch(server.file("train.en"), folder)
    shown = f"/{len(TEXT) / 1000:.0f}k [" in stream.getvalue()
    assert shown == ("train.en: " in stream.getvalue()) == (kind is Terminal)
    assert "\n" not in stream.getvalue()
