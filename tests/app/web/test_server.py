"""The API, without a network: what it answers, refuses, and promises."""

import io
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.__main__ import app as commands
from app.inference.lines import LineOptions, translate_lines
from app.inference.translator import Translation, Translator
from app.inference.wishes import Wishes
from app.web.guard import HEADERS, MAX_BODY, is_loopback
from app.web.request import MAX_BEAM, MAX_TEXT, TranslateRequest
from app.web.server import BATCH_SIZE, STATIC, create_app, load_translators
from data import GlimpseError
from tests.app.conftest import SOURCES
from tests.app.web.conftest import HOME

JSON = {"Content-Type": "application/json"}


class Gate:
    """A translator that waits for `open`, and tells what it was given."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.batches: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.translator, name)

    def translate(self, texts: list[str], **options: Any) -> list[Translation]:
        self.batches.append(texts)
        self.entered.release()
        assert self.open.wait(30)
        if "fail" in texts:
            raise RuntimeError("as asked for")
        return self.translator.translate(texts, **options)


@pytest.fixture
def gate(translator: Translator) -> Gate:
    return Gate(translator)


@pytest.fixture
def gated(gate: Gate) -> Iterator[TestClient]:
    """A client of a server of `gate` where two requests may wait."""
    app = create_app({"gate": gate}, capacity=2)  # type: ignore[dict-item]
    with TestClient(app, HOME, raise_server_exceptions=False) as client:
        yield client
        gate.open.set()


def ask(client: TestClient, text: str, **options: Any) -> Any:
    return client.post("/translate", json={"text": text, **options})


def by_command(run: Path, text: str, options: LineOptions) -> Any:
    output = io.StringIO()
    translate_lines(
        Translator.load(run), io.BytesIO(text.encode()), output, options
    )
    return json.loads(output.getvalue())


@pytest.mark.parametrize("words", [False, True])
def test_the_answer_is_that_of_translate(
    client: TestClient, tiny_run: Path, words: bool
) -> None:
    expected = by_command(
        tiny_run, SOURCES[0], LineOptions(3, 2, as_json=True, words=words)
    )
    response = ask(client, SOURCES[0], beam=3, nbest=2, words=words)
    assert response.status_code == 200
    assert response.json() == expected


def test_a_request_says_which_model(
    client: TestClient, plain_run: Path
) -> None:
    expected = by_command(plain_run, SOURCES[1], LineOptions(as_json=True))
    answer = ask(client, SOURCES[1], model="plain").json()
    assert answer == expected
    assert answer["attention"] is None
    assert ask(client, SOURCES[1]).json() != answer  # the first has the word


def test_an_unknown_model_is_told_which_there_are(client: TestClient) -> None:
    for name in ("tinny", ""):
        response = ask(client, "a", model=name)
        assert response.status_code == 404
        assert "tiny, plain" in response.json()["error"]


def test_what_translate_warns_of_is_in_the_answer(client: TestClient) -> None:
    (warning,) = ask(client, "I see the zorglub.").json()["warnings"]
    assert warning.endswith("never seen in training: zorglub")
    text = "word " * 200
    cut, longer, _ = ask(client, text, beam=1).json()["warnings"]
    assert cut.startswith("The sentence is over-long: only its first 511 ")
    assert "511 tokens, but the longest in training had 63" in longer
    assert "warnings" not in ask(client, SOURCES[0]).json()


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a\u2028b", '"\\', "\ud800", " a\n"]
)
def test_any_line_comes_back_as_it_was(client: TestClient, text: str) -> None:
    body = json.dumps({"text": text})
    response = client.post("/translate", content=body, headers=JSON)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["source"] == text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"text": "a"', "not JSON"),
        ("[1]", "not an object"),
        ("{}", "lacks 'text'"),
        ('{"text": 7}', "'text' got 7; a string is accepted"),
        ('{"text": " \\t"}', "no characters to translate"),
        ('{"text": "a\\nb"}', "several lines; one line is accepted"),
        ('{"text": "a", "beam": 0}', "'beam' got 0; a whole number from 1"),
        (f'{{"text": "a", "beam": {MAX_BEAM + 1}}}', f"to {MAX_BEAM}"),
        ('{"text": "a", "beam": true}', "'beam' got True; a whole number"),
        ('{"text": "a", "beam": 2.5}', "'beam' got 2.5; a whole number"),
        ('{"text": "a", "nbest": 3, "beam": 2}', "'beam' of 3 or more"),
        ('{"text": "a", "nbest": 6}', "with a beam of 5"),
        ('{"text": "a", "words": "yes"}', "true or false is accepted"),
        ('{"text": "a", "ensemble": "b"}', "a list of names of models"),
        ('{"text": "a", "prefix": 3}', "'prefix' got 3; a string of at most"),
        ('{"text": "a", "glossary": {"b": 3}}', "an object of at most 200"),
        ('{"text": "a", "glossary": {" ": "c"}}', "a term and its translation"),
        ('{"text": "a", "bean": 2}', "a key 'bean'; text, beam, nbest"),
        (
            json.dumps({"text": "a" * (MAX_TEXT + 1)}),
            f"{MAX_TEXT + 1} characters; at most {MAX_TEXT}",
        ),
    ],
)
def test_what_is_not_accepted_is_one_sentence(
    client: TestClient, body: str, message: str
) -> None:
    response = client.post("/translate", content=body, headers=JSON)
    assert response.status_code == 422
    (error,) = response.json().values()
    assert message in error
    assert len(error) < 300


@pytest.mark.parametrize("body", [b'{"text": "\xff"}', b"[" * 100_000])
def test_bytes_that_no_json_has_are_refused(
    client: TestClient, body: bytes
) -> None:
    response = client.post("/translate", content=body, headers=JSON)
    assert response.status_code in (400, 422)
    assert "JSON" in response.json()["error"]


def test_a_form_of_another_site_cannot_ask(client: TestClient) -> None:
    response = client.post(
        "/translate",
        content='{"text": "a"}',
        headers={"Content-Type": "text/plain"},
    )
    assert response.status_code == 422
    assert "application/json" in response.json()["error"]


def test_the_longest_text_is_accepted(client: TestClient) -> None:
    assert ask(client, "a" * MAX_TEXT).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_long_body_is_refused(client: TestClient, chunked: bool) -> None:
    def status(length: int) -> int:
        body = b'{"text": "' + b"a" * (length - 12) + b'"}'
        parts = (body[at : at + 60_000] for at in range(0, length, 60_000))
        response = client.post(
            "/translate", content=parts if chunked else body, headers=JSON
        )
        has_length = "Content-Length" in response.request.headers
        assert has_length is not chunked
        return response.status_code

    assert status(MAX_BODY + 1) == 413
    assert status(MAX_BODY) == 422  # read, and refused for its text


def responses(client: TestClient) -> dict[str, Any]:
    """A response of every kind."""
    wrong_host = {"Host": "example.org"}
    return {
        "200 page": client.get("/"),
        "200 head": client.head("/"),
        "200 api": client.get("/api"),
        "200 schema": client.get("/openapi.json"),
        "200 style": client.get("/static/style.css"),
        "200 script": client.get("/static/page.js"),
        "200 models": client.get("/models"),
        "200 health": client.get("/health"),
        "400 host": client.get("/", headers=wrong_host),
        "404 docs": client.get("/docs"),
        "404 redoc": client.get("/redoc"),
        "404 static": client.get("/static/none.js"),
        "404 outside": client.get("/static/..%2fserver.py"),
        "404 model": ask(client, "a", model="none"),
        "405 method": client.get("/translate"),
        "413 body": client.post("/translate", content=b" " * (MAX_BODY + 1)),
        "422 value": ask(client, ""),
    }


def busy_and_failing(client: TestClient, gate: Gate) -> dict[str, Any]:
    """One that finds the queue full, one that fails, one after both."""
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, client, "fail")
        assert gate.entered.acquire(timeout=30)
        waiting = [pool.submit(ask, client, text) for text in ("one", "two")]
        while client.get("/health").json()["waiting"] < 2:
            pass
        refused = ask(client, "three")
        gate.open.set()
        return {
            "503 busy": refused,
            "500 failed": first.result(),
            "200 one": waiting[0].result(),
            "200 two": waiting[1].result(),
        }


def test_every_kind_of_response_has_the_headers(
    client: TestClient, gated: TestClient, gate: Gate
) -> None:
    found = responses(client) | busy_and_failing(gated, gate)
    for kind, response in found.items():
        assert response.status_code == int(kind[:3]), kind
        for name, value in HEADERS.items():
            assert response.headers[name] == value, kind
        if response.status_code >= 400:
            assert list(response.json()) == ["error"], kind
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_full_queue_says_when_to_try_again(
    gated: TestClient, gate: Gate
) -> None:
    found = busy_and_failing(gated, gate)
    refused = found["503 busy"]
    assert int(refused.headers["Retry-After"]) >= 1
    assert "try again" in refused.json()["error"]
    assert "RuntimeError" in found["500 failed"].json()["error"]
    for text in ("one", "two"):
        assert found[f"200 {text}"].json()["source"] == text
    # The event loop answered /health all the while; those that waited were
    # translated together, and the one refused never.
    assert gate.batches[0] == ["fail"]
    assert sorted(gate.batches[1]) == ["one", "two"]
    assert ask(gated, "four").status_code == 200


def test_requests_of_other_options_are_not_mixed(
    translator: Translator, gate: Gate
) -> None:
    app = create_app({"gate": gate})  # type: ignore[dict-item]
    texts = [f"cat {number}" for number in range(2 * BATCH_SIZE - 1)]
    with (
        TestClient(app, HOME) as client,
        ThreadPoolExecutor(len(texts)) as pool,
    ):
        first = pool.submit(ask, client, texts[0])
        assert gate.entered.acquire(timeout=30)
        others = [
            pool.submit(ask, client, text, nbest=1 + number % 2)
            for number, text in enumerate(texts[1:])
        ]
        while client.get("/health").json()["waiting"] < len(others):
            pass
        gate.open.set()
        answers = [each.result().json() for each in (first, *others)]
    assert [answer["source"] for answer in answers] == texts
    assert [len(answer["nbest"]) for answer in answers[1:3]] == [1, 2]
    assert max(map(len, gate.batches)) > 1
    expected = translator.translate(texts)
    assert [a["translation"] for a in answers] == [e.text for e in expected]


def test_wishes_and_ensembles_are_those_of_translate(
    client: TestClient, translator: Translator
) -> None:
    text = "I see the red {thing} car."
    names = [each["name"] for each in client.get("/models").json()["models"]]
    wished = {"prefix": "Je vo", "glossary": {"car": "BOLIDE"}}
    answer = ask(client, text, **wished).json()
    wishes = [Wishes("Je vo", glossary=(("car", "BOLIDE"),))]
    (expected,) = translator.translate([text], wishes=wishes)
    assert answer["translation"] == expected.text
    assert answer["translation"].startswith("Je vo")
    for each in ("BOLIDE", "{thing}"):
        assert each in answer["translation"]
    assert len(answer["token_confidences"]) == len(answer["target_tokens"])
    together = ask(client, text, model=names[0], ensemble=[names[1]])
    assert together.json()["translation"] != ask(client, text).json()
    unknown = ask(client, text, ensemble=["nowhere"])
    assert unknown.status_code == 404
    assert "no model 'nowhere'" in unknown.json()["error"]


def test_models_are_described(client: TestClient) -> None:
    assert client.get("/models").json() == {
        "models": [
            {
                "name": name,
                "source": "en",
                "target": "fr",
                "beam": 5,
                "attends": attends,
            }
            for name, attends in (("tiny", True), ("plain", False))
        ],
        "limits": {"text": MAX_TEXT, "beam": MAX_BEAM},
    }
    assert client.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_other_hosts_are_served_where_that_is_wanted(
    translators: dict[str, Translator],
) -> None:
    app = create_app(translators, loopback_only=False)
    with TestClient(app, "http://example.org") as client:
        assert client.get("/health").status_code == 200


def test_the_page_about_the_api_tells_everything(client: TestClient) -> None:
    text = client.get("/api").text
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            assert f"<h2>{method.upper()} {path}</h2>" in text
    for field in TranslateRequest.model_fields:
        assert f"<code>{field}</code>" in text
    for limit in (f"{MAX_TEXT} characters", f"to {MAX_BEAM}<", "1 MiB"):
        assert limit in text


def test_nothing_static_is_from_elsewhere_or_inline() -> None:
    inline = re.compile(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|HTML\b")
    known = {"http://www.w3.org/2000/svg", "http://127.0.0.1:8000/translate"}
    files = [path for path in STATIC.iterdir() if path.is_file()]
    assert len(files) > 10
    for path in files:
        text = path.read_text("utf-8")
        assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= known, path
        assert not inline.search(text), path
        assert not re.search("localStorage|sessionStorage|cookie", text), path


def test_a_run_that_is_not_there_names_what_trains_one(tmp_path: Path) -> None:
    missing = tmp_path / "phrasebook"
    with pytest.raises(
        GlimpseError, match=r"with: python -m app train --run .*phrasebook$"
    ):
        load_translators([missing])


def test_two_runs_of_a_name_are_refused(tiny_run: Path) -> None:
    with pytest.raises(GlimpseError, match="Two of the runs are named tiny"):
        load_translators([tiny_run, tiny_run])


def test_a_link_gives_a_run_another_name(
    tiny_run: Path, tmp_path: Path
) -> None:
    link = tmp_path / "first"
    link.symlink_to(tiny_run)
    assert list(load_translators([link])) == ["first"]


def test_a_port_in_use_is_one_sentence(tiny_run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(
            commands, ["serve", str(tiny_run), "--port", str(port)]
        )
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The server cannot listen at")
    assert f"port {port} (Address already in use); an" in result.stderr
    assert "another --port" in result.stderr
    assert result.stderr.count("\n") == 1
