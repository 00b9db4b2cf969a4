"""Models to serve, a client without a network, and a server with one."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from tests.app.conftest import make_run

if TYPE_CHECKING:
    from app.inference.translator import Translator

HOME = "http://127.0.0.1"


@pytest.fixture(scope="session")
def other_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second run with attention; do not write to it."""
    return make_run(tmp_path_factory.mktemp("runs") / "other", "conditional")


@pytest.fixture(scope="module")
def translators(
    translator: "Translator", plain_run: Path
) -> dict[str, "Translator"]:
    """Two models, of which the second has no attention."""
    from app.inference.translator import Translator

    return {"tiny": translator, "plain": Translator.load(plain_run)}


@pytest.fixture(scope="module")
def client(translators: dict[str, "Translator"]) -> Iterator[TestClient]:
    """A client of an application that serves `translators`."""
    from app.web.server import create_app

    app = create_app(translators)
    with TestClient(app, HOME, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def server(
    tiny_run: Path,
    other_run: Path,
    plain_run: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of `python -m app serve` with three runs."""
    log = tmp_path_factory.mktemp("server") / "log"
    runs = [str(run) for run in (tiny_run, other_run, plain_run)]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "app", "serve", *runs, "--port", "0"],
            stderr=output,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
    said = log.read_text("utf-8")
    assert code == 0, said
    assert "Traceback" not in said


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server says that it listens."""
    for _ in range(600):
        said = log.read_text("utf-8")
        found = re.search(r"Open (http://\S+) in a browser", said)
        if found:
            return found[1]
        assert process.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {said}")
