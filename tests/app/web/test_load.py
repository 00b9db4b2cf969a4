"""A real server under load, and the judge of its answers."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.web.guard import HEADERS, MAX_BODY, MAX_DROPPED
from tests.app.web.load import is_right, run


def test_many_users_each_get_their_own_answer(server: str) -> None:
    program = [sys.executable, "-m", "tests.app.web.load", server]
    done = subprocess.run(
        [*program, "--users", "20", "--seconds", "4"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert summary["answered"] + summary["busy"] == summary["requests"]
    assert summary["answered"] >= 20
    assert summary["examples"] == []


def send(server: str, request: bytes) -> bytes:
    """Bytes as they are, and all that comes back."""
    address = urlsplit(server)
    assert address.hostname
    with socket.create_connection(
        (address.hostname, address.port or 80), 20
    ) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def test_what_is_no_http_gets_the_same_headers(server: str) -> None:
    received = send(server, b"nonsense\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400")
    for name, value in HEADERS.items():
        assert f"{name}: {value}".encode() in received


CHUNK = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (f"Content-Length: {MAX_BODY + 1}", b"a" * (MAX_BODY + 1)),
        (f"Content-Length: {MAX_DROPPED + 1}", b""),
        ("Transfer-Encoding: chunked", CHUNK * 17 + b"0\r\n\r\n"),
    ],
    ids=["sent", "announced", "chunked"],
)
def test_a_long_body_is_refused_on_the_wire(
    server: str, header: str, body: bytes
) -> None:
    head = f"POST /translate HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n"
    received = send(server, head.encode() + body)
    assert received.startswith(b"HTTP/1.1 413")
    assert f"longer than {MAX_BODY} bytes".encode() in received


Answer = Callable[[str], tuple[int, dict[str, str], Any]]


@contextmanager
def pretender(answer: Answer) -> Iterator[str]:
    """A server that answers each text as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            text = json.loads(self.rfile.read(length))["text"]
            status, headers, body = answer(text)
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def right(text: str) -> dict[str, Any]:
    return {
        "source": text,
        "source_tokens": [*text.split(), "</s>"],
        "nbest": [{"attention": [[1]], "target_tokens": ["a"]}],
    }


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        ("answered", lambda text: (200, {}, right(text))),
        ("busy", lambda text: (503, {"Retry-After": "1"}, {})),
        ("failed", lambda text: (503, {}, {})),
        ("failed", lambda text: (500, {}, {})),
        ("failed", lambda text: (200, {}, {"source": text})),
        ("mixed_up", lambda text: (200, {}, right("another"))),
        (
            "mixed_up",
            lambda text: (200, {}, right("another") | {"source": text}),
        ),
        (
            "mixed_up",
            lambda text: (
                200,
                {},
                right(text)
                | {"nbest": [{"attention": [], "target_tokens": ["a"]}]},
            ),
        ),
    ],
)
def test_the_judge_knows_a_wrong_answer(outcome: str, answer: Answer) -> None:
    with pretender(answer) as url:
        summary = run(url, users=2, seconds=0.05)
    assert summary[outcome] == summary["requests"] > 0
    assert is_right(summary) is (outcome == "answered")


def test_an_answer_that_never_comes_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    summary = run(f"http://127.0.0.1:{port}", users=2, seconds=0.05)
    assert summary["lost"] == summary["requests"] > 0
    assert not is_right(summary)
