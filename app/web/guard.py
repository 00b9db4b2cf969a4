"""ASGI middleware that protects the server; it handles every request."""

import ipaddress
import json
from collections.abc import Mapping, MutableMapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1 << 20  # bytes
# Bytes of a body that is too long that are read and dropped before the request
# is refused: many clients read no answer before they have sent everything.
MAX_DROPPED = 16 * MAX_BODY

# The word blob: allows pictures that the page itself makes, to save as PNG.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def failure(
    status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an error response whose body is the JSON `{"error": sentence}`."""
    return Response(
        json.dumps({"error": sentence}), status, headers, "application/json"
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host is `localhost` or a loopback address."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class SafeHeaders:
    """Middleware that adds the security headers `HEADERS` to each response.

    With these headers, a browser loads scripts and styles for the page only
    from this server.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, with_headers)


class LoopbackOnly:
    """Middleware that refuses requests for a host other than this machine.

    A request is refused if its Host header names neither `localhost` nor a
    loopback address, such as 127.0.0.1.

    This prevents attacks by DNS rebinding, in which a foreign web site makes
    its own host name resolve to this machine, so that the site can read the
    answers of this server.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "http":
            host = _host(Headers(scope=scope).get("host", ""))
            if not is_loopback(host):
                refusal = failure(
                    400,
                    f"The request is for the host '{host[:80]}'; this server "
                    "answers to localhost and 127.0.0.1: use one of these, or "
                    "allow all hosts with --host 0.0.0.0",
                )
                return await refusal(scope, receive, send)
        return await self.app(scope, receive, send)


class LimitedBody:
    """Middleware that refuses requests whose body exceeds `MAX_BODY` bytes.

    This check also works for a request without a Content-Length header.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = await _read(scope, receive)
        if body is None:
            refusal = failure(
                413,
                f"The body is longer than {MAX_BODY} bytes; at most that many "
                "are accepted: send one sentence in each request",
                {"Connection": "close"},
            )
            return await refusal(scope, receive, send)
        return await self.app(scope, _Replay(body, receive), send)


class _Replay:
    """ASGI function `receive` for a request whose body has been read already.

    Args:
        body: complete body of the request, which the first call returns.
        receive: original function `receive`, whose results later calls return.
    """

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> MutableMapping[str, object]:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body of a request; None if it exceeds `MAX_BODY` bytes."""
    kept = bytearray()
    length = 0
    if _declared(scope) > MAX_DROPPED:
        return None
    more = True
    while more and length <= MAX_DROPPED:
        message = await receive()
        if message["type"] != "http.request":  # the client has gone
            break
        part = message.get("body", b"")
        length += len(part)
        if length <= MAX_BODY:
            kept += part
        more = message.get("more_body", False)
    return bytes(kept) if length <= MAX_BODY else None


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _host(header: str) -> str:
    """Return the host in a Host header `name:port` or `[address]:port`."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]
