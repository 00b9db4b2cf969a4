"""Server of the web page and of its JSON API."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.inference import Translation, Translator
from app.inference.cautions import cautions
from app.inference.lines import LineOptions, to_json
from app.runs import Run
from app.web.guard import (
    HEADERS,
    LimitedBody,
    LoopbackOnly,
    SafeHeaders,
    failure,
    is_loopback,
)
from app.web.request import (
    MAX_BEAM,
    MAX_TEXT,
    Options,
    TranslateRequest,
    UnknownModelError,
    options,
    refusal,
)
from app.web.worker import BusyError, Worker
from data import GlimpseError

STATIC = Path(__file__).parent / "static"
CAPACITY = 32  # requests that may wait
BATCH_SIZE = 16  # requests done at once; with more, answers would come late
RETRY_AFTER = 1  # seconds
log = logging.getLogger(__name__)


def load_translators(runs: Sequence[Path]) -> dict[str, Translator]:
    """Load a translator from each run folder.

    Return a mapping whose keys are the names of the folders.

    Raises:
        GlimpseError: a model cannot be loaded, or two folders have the same
            name.
    """
    found: dict[str, Translator] = {}
    for run in runs:
        Run.open(run)  # fails at once, while loading a model takes long
        name = Path(os.path.abspath(run)).name  # a link has a name of its own
        if name in found:
            raise GlimpseError(
                f"Two of the runs are named {name}; a page tells them apart by "
                "the names of their folders: rename one, or give a link to it"
            )
        log.info("Loading %s", run)
        found[name] = Translator.load(run)
    return found


def create_app(
    translators: Mapping[str, Translator],
    *,
    capacity: int = CAPACITY,
    loopback_only: bool = True,
) -> ASGIApp:
    """Make the web application, which any ASGI server can run.

    Args:
        translators: mapping whose keys are the names of the models, and whose
            values are their translators. The first translator answers requests
            that name no model.
        capacity: greatest number of requests that may wait in the queue.
        loopback_only: whether to refuse requests whose Host header is neither
            `localhost` nor a loopback address.
    """
    worker = Worker(_translate_all(translators), capacity, BATCH_SIZE)

    @asynccontextmanager
    async def working(app: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        await asyncio.to_thread(worker.stop)

    app = FastAPI(
        title="Glimpse",
        summary="Translations, and where the model looked",
        lifespan=working,
        docs_url=None,  # such pages load scripts from other sites
        redoc_url=None,
    )
    _add_pages(app)
    _add_state(app, translators, worker)
    _add_translate(app, translators, worker)
    _add_failures(app)
    limited: ASGIApp = LimitedBody(app)
    return SafeHeaders(LoopbackOnly(limited) if loopback_only else limited)


def serve(runs: Sequence[Path], host: str, port: int) -> None:
    """Serve the page and the API until the user presses Ctrl-C.

    Args:
        runs: run folders of the models.
        host: name or address to listen at. If it is neither `localhost` nor a
            loopback address, requests with any Host header are accepted.
        port: port to listen at.

    Raises:
        GlimpseError: a model cannot be loaded, two folders have the same name,
            or the server cannot listen at the address.
    """
    with _listen(host, port) as listener:
        translators = load_translators(runs)
        app = create_app(translators, loopback_only=is_loopback(host))
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        log.info("Translating with %s", ", ".join(map(str, runs)))
        log.info("Open %s in a browser; Ctrl-C stops", _address(listener))
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run([listener])


def _add_pages(app: FastAPI) -> None:
    methods = ["GET", "HEAD"]

    @app.api_route("/", methods=methods, include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.api_route("/api", methods=methods, include_in_schema=False)
    async def api() -> FileResponse:
        return FileResponse(STATIC / "api.html")

    app.mount("/static", StaticFiles(directory=STATIC))


def _add_state(
    app: FastAPI, translators: Mapping[str, Translator], worker: Worker
) -> None:
    @app.get("/health")
    async def health() -> JSONResponse:
        """Tell whether the worker thread runs, and how many requests wait."""
        state = {
            "status": "ok" if worker.is_alive else "stopped",
            "waiting": worker.waiting,
            "capacity": worker.capacity,
        }
        return JSONResponse(state, 200 if worker.is_alive else 503)

    @app.get("/models")
    async def models() -> dict[str, Any]:
        """List the models, and the greatest text length and beam size."""
        return {
            "models": [
                _describe(name, each) for name, each in translators.items()
            ],
            "limits": {"text": MAX_TEXT, "beam": MAX_BEAM},
        }


def _describe(name: str, translator: Translator) -> dict[str, Any]:
    source, target = (side.language.code for side in translator.sides)
    return {
        "name": name,
        "source": source,
        "target": target,
        "beam": translator.config.search.beam_size,
        "attends": translator.model.attends,
    }


def _add_translate(
    app: FastAPI, translators: Mapping[str, Translator], worker: Worker
) -> None:
    @app.post("/translate")
    async def translate(request: TranslateRequest) -> Response:
        """Translate a sentence.

        Return the object that `translate --json` prints, with any warnings.
        """
        future = worker.submit(options(request, translators), request.text)
        answer = await asyncio.wrap_future(future)
        return Response(answer, media_type="application/json")


def _translate_all(translators: Mapping[str, Translator]) -> Any:
    """Make the function that translates a batch of texts.

    The worker thread calls that function with two arguments: the options that
    some requests share, and the texts of these requests. The function returns a
    list with a JSON answer for each text.
    """

    @lru_cache(maxsize=16)
    def translator_of(models: tuple[str, ...]) -> Translator:
        first, *others = (translators[name] for name in models)
        return first.together_with(others) if others else first

    def work(asked: Options, texts: list[str]) -> list[bytes]:
        found = translator_of(asked.models).translate(
            texts,
            beam_size=asked.beam,
            nbest=asked.nbest,
            wishes=[asked.wishes] * len(texts),
        )
        return [_answer(each, asked) for each in found]

    return work


def _answer(translation: Translation, asked: Options) -> bytes:
    shown = LineOptions(nbest=asked.nbest, as_json=True, words=asked.words)
    answer = to_json(translation, shown)
    warnings = cautions(translation)
    if warnings:
        answer["warnings"] = warnings
    # ASCII, since a lone surrogate in the text cannot be encoded in UTF-8.
    return json.dumps(answer).encode("ascii")


def _add_failures(app: FastAPI) -> None:
    """Add error handlers that answer with the JSON `{"error": sentence}`."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return failure(422, refusal(error.errors()[0]))

    @app.exception_handler(UnknownModelError)
    async def unknown(_: Request, error: UnknownModelError) -> Response:
        return failure(404, str(error))

    @app.exception_handler(GlimpseError)
    async def refused(_: Request, error: GlimpseError) -> Response:
        return failure(422, str(error))

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> Response:
        return failure(
            503,
            "The queue of waiting requests is full; more are accepted "
            f"when some are done: try again in {RETRY_AFTER} second",
            {"Retry-After": str(RETRY_AFTER)},
        )

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, error: HTTPException) -> Response:
        return failure(
            error.status_code, _sentence(request, error), error.headers
        )

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        return failure(
            500,
            f"The server failed with {type(error).__name__}; its log says "
            "where: try another sentence",
        )


def _sentence(request: Request, error: HTTPException) -> str:
    asked = f"{request.method} {request.url.path[:80]}"
    if error.status_code in (404, 405):
        return (
            f"There is no {asked} here; GET /, /api, /health, /models and "
            "POST /translate are accepted: /api explains them"
        )
    return (
        f"{asked} got a request that cannot be read; a JSON object in UTF-8 "
        "is accepted: /api has an example"
    )


class _Protocol(H11Protocol):
    """HTTP protocol that answers invalid HTTP with a JSON error message.

    Like the answers to other errors, this answer is a JSON object with the key
    `error`, and has the headers in `HEADERS`.
    """

    def send_400_response(self, msg: str) -> None:
        body = json.dumps(
            {"error": "The data is not HTTP; HTTP/1.1 is accepted: send that"}
        )
        lines = [
            "HTTP/1.1 400 Bad Request",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in HEADERS.items()),
        ]
        self.transport.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        self.transport.close()


def _listen(host: str, port: int) -> socket.socket:
    """Open the socket that the server listens at.

    The server calls this function before it loads the models, so that an error
    is reported at once, and not after the long loading of the models.

    Raises:
        GlimpseError: the address cannot be used, or the port is in use.
    """
    try:
        return socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        )
    except (OSError, OverflowError) as error:
        # Python adds the address, which the message names already.
        reason = str(getattr(error, "strerror", error)).partition(" (while")[0]
        raise GlimpseError(
            f"The server cannot listen at {host}, port {port} ({reason}); an "
            "address of this machine and a free port are accepted: stop the "
            "program that uses the port, or give another --port"
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
