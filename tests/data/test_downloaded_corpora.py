"""Corpora whose files are nowhere yet, from a server on this machine."""

import gzip
import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from data import GlimpseError, Places, load_corpus
from data.corpora import multi30k, tatoeba
from tests.data.test_tatoeba import LINES, zipped


@dataclass
class Served:
    """A folder that a server gives away, and what it was asked for."""

    folder: Path
    address: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    served = Served(tmp_path / "served")
    served.folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            if self.command == "GET":
                served.asked.append(self.path)

    handler = partial(Handler, directory=str(served.folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("GLIMPSE_DATA_DIR", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        served.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def test_tatoeba(
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    zipped(served.folder / "fra-eng.zip", LINES)
    monkeypatch.setattr(tatoeba.split_pairs, "__defaults__", (7,))
    address = f"{served.address}fra-eng.zip"
    known = tatoeba.FILE.sha256
    monkeypatch.setattr(tatoeba, "FILE", replace(tatoeba.FILE, address=address))
    for _ in range(2):
        corpus = load_corpus(
            "tatoeba", places=Places(cache_dir=tmp_path / "cache")
        )
    assert sum(map(corpus.size, corpus.splits)) == len(LINES)
    assert served.asked == ["/fra-eng.zip"]
    warnings = [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING
    ]
    assert any(f"not {known}" in each for each in warnings)
    assert (tmp_path / "cache" / "downloads" / "tatoeba").is_dir()


@pytest.fixture
def texts(served: Served, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Small texts in place of Multi30k's, served and with their checksums."""
    texts = {
        name: "".join(f"{name} {place}\n" for place in range(3))
        for name in (*multi30k.RAW, *multi30k.PROCESSED)
    }
    (served.folder / "raw").mkdir()
    (served.folder / "tok").mkdir()
    for files in (multi30k.RAW, multi30k.PROCESSED):
        for name in list(files):
            content = texts[name].encode()
            checksum = hashlib.sha256(content).hexdigest()
            monkeypatch.setitem(files, name, checksum)
            if files is multi30k.RAW:
                path = served.folder / "raw" / f"{name}.gz"
                path.write_bytes(gzip.compress(content, 1))
            else:
                (served.folder / "tok" / name).write_bytes(content)
    monkeypatch.setattr(multi30k, "ADDRESS", served.address)
    return texts


@pytest.mark.usefixtures("texts")
def test_multi30k(served: Served, tmp_path: Path) -> None:
    for _ in range(2):
        corpus = load_corpus(
            "multi30k", places=Places(cache_dir=tmp_path / "cache")
        )
    assert next(corpus.pairs("train")) == ("train.en 0", "train.fr 0")
    assert corpus.processed_references("test") == [
        f"test_2016_flickr.lc.norm.tok.fr {place}" for place in range(3)
    ]
    assert len(served.asked) == len(set(served.asked)) == 12


@pytest.mark.usefixtures("texts")
def test_a_wrong_checksum_is_refused_and_leaves_no_corpus(
    served: Served, tmp_path: Path
) -> None:
    path = served.folder / "raw" / "val.fr.gz"
    content = path.read_bytes()
    path.write_bytes(gzip.compress(b"something else\n"))
    wrong = hashlib.sha256(b"something else\n").hexdigest()
    with pytest.raises(GlimpseError) as caught:
        load_corpus("multi30k", places=Places(cache_dir=tmp_path / "cache"))
    message = str(caught.value)
    for part in (wrong, multi30k.RAW["val.fr"], "wants train.en.gz"):
        assert part in message
    assert served.asked.count("/raw/val.fr.gz") == 3
    path.write_bytes(content)  # what came whole before is not fetched again
    load_corpus("multi30k", places=Places(cache_dir=tmp_path / "cache"))
    assert served.asked.count("/raw/train.en.gz") == 1


def test_what_cannot_be_had_is_said_with_all_its_names(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multi30k, "ADDRESS", served.address)
    with pytest.raises(GlimpseError) as caught:
        load_corpus("multi30k", places=Places(cache_dir=tmp_path / "cache"))
    for name in multi30k.RAW:
        assert f"{name}.gz" in str(caught.value)
    assert "HTTP 404" in str(caught.value)
    file = replace(tatoeba.FILE, address=f"{served.address}fra-eng.zip")
    monkeypatch.setattr(tatoeba, "FILE", file)
    with pytest.raises(GlimpseError, match=r"fra-eng\.zip could not be .* 404"):
        load_corpus("tatoeba", places=Places(cache_dir=tmp_path / "cache"))
