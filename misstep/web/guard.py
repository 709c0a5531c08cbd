"""`Guard`: stands before every page and lets in only what its own page would send.

A page on one's own machine can be reached by every page in the same browser, and by every program
there. So: the Host header must name this server, no other page may ask or frame it, only known
methods and plain paths come through, and whatever changes something needs the token. Nothing is
ever allowed to other origins. Knows requests; nothing of what pages show.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from misstep.errors import MisstepError
from misstep.web.access import TOKEN_HEADER, Access

__all__ = ["API", "JSON", "OF_ITS_PAGE", "Guard", "Limits", "Rules"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Paths below it answer with what is known of runs; all others are the same for everybody.
API = "/api/"
READING = ("GET", "HEAD")
# A path is plain letters; whoever spells one in another way wants to get past something.
_PLAIN_PATH = re.compile(rb"/(?:[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*(?:/|\Z))*\Z")
_PLAIN_QUERY = re.compile(rb"[A-Za-z0-9_\-.~!$'()*,;:@/?&=+%]*\Z")
# What %xx may not stand for: control characters, and bytes that end a text elsewhere.
_HIDDEN = re.compile(rb"%(?![2-9A-Fa-f][0-9A-Fa-f])|%7[Ff]|%5[Cc]")
JSON, BEARER = "application/json", "Bearer "
# Headers that must not come twice: two readers might each believe another one.
_ONCE = {"host", "origin", "content-length", "content-type", TOKEN_HEADER, "sec-fetch-site"} | {
    "authorization"
}
# Headers for what no page here does: other protocols, and requests inside of requests.
_UNWANTED = {"upgrade", "transfer-encoding", "expect", "te", "trailer", "http2-settings"} | {
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
}
# Who may embed what is asked for: nobody.
_FRAMES = {"iframe", "frame", "object", "embed"}

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Limits:
    """How much a request may be, and how long it may take.

    `head`: bytes of request line and headers together; `headers`: how many; `query`, `body`: bytes.
    `seconds`: from the first byte of a request, or from the connection, until it is answered.
    `idle`: seconds that a connection waits for the next request. `connections`: at once. `grace`:
    seconds that answers going on may take when the server is to end.
    """

    head: int = 16_384
    headers: int = 64
    query: int = 2_048
    body: int = 65_536
    seconds: float = 15.0
    idle: int = 15
    connections: int = 100
    grace: int = 2


@dataclass(frozen=True)
class Rules:
    """Who may ask for what, beside what nobody may.

    `from_page`: whatever is sent must come from the page itself, with the token; else programs may
    send it, with the token where others can reach the server. `contents`: kinds of content that are
    read; of JSON only objects.
    """

    from_page: bool = True
    contents: tuple[str, ...] = (JSON,)


# Of pages that people look at, and of what programs ask.
OF_ITS_PAGE = Rules()


class RefusedError(Exception):
    """Why a request is not let in: the status of the answer, and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Guard:
    """An ASGI application around another one, which gets only what passes all checks.

    Its content was read whole, and is a JSON object where there is one. Answers to what is refused
    are short and end the connection; a MisstepError of the application is such an answer, in its
    own words. `app`: Starlette's Router; what catches errors itself would hide them.
    """

    def __init__(
        self, app: App, access: Access, limits: Limits | None = None, rules: Rules = OF_ITS_PAGE
    ) -> None:
        self._app = app
        self._access = access
        self._limits = limits or Limits()
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": with_headers(message.get("headers", ()))}
            await send(message)

        try:
            self._check(scope)
            body = await self._body(scope, receive)
            await self._app(scope, _once(body, receive), guarded)
        except RefusedError as refusal:
            if not started:
                await _answer(send, refusal)
        except MisstepError as error:
            if started:
                raise
            await _answer(send, RefusedError(422, str(error)))
        except Exception as error:
            if started:
                raise
            words = f"{type(error).__name__}: {error}"[:300]
            await _answer(send, RefusedError(500, f"sorry, that is a fault in misstep ({words})"))

    def _check(self, scope: Scope) -> None:
        """Raise RefusedError for what may not come in."""
        limits, access = self._limits, self._access
        if scope.get("http_version") != "1.1":
            raise RefusedError(505, "version 1.1 of HTTP is spoken here")
        if len(scope["headers"]) > limits.headers:
            raise RefusedError(431, "too many headers")
        # What comes at once is read whole, however long it is.
        size = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if size + sum(len(name) + len(value) for name, value in scope["headers"]) > limits.head:
            raise RefusedError(431, "too long headers")
        headers = _headers(scope)
        reached = (scope.get("server") or (None,))[0]
        host = headers.get("host", "")
        if not access.admits(host, reached):
            raise RefusedError(421, "another server was asked for")
        if _UNWANTED.intersection(headers):
            raise RefusedError(400, "plain requests alone are answered")
        if not _PLAIN_PATH.match(scope.get("raw_path") or b""):
            raise RefusedError(404, "there is no such page")
        query = scope.get("query_string", b"")
        if len(query) > limits.query:
            raise RefusedError(414, "the address is too long")
        if not _is_plain(query):
            raise RefusedError(400, "the address is not plain")
        method = scope["method"]
        if method not in (*READING, "POST"):
            raise RefusedError(405, "GET and POST are answered")
        is_api = scope["path"].startswith(API)
        self._check_sender(headers, host, may_visit=method == "GET" and not is_api)
        if method == "POST":
            if self._rules.from_page and "origin" not in headers:
                raise RefusedError(403, "the page itself must ask")
            if self._rules.from_page or not access.is_local:
                self._check_token(headers)
            self._check_content(headers)
        else:
            if headers.get("content-length", "0") != "0" or "content-type" in headers:
                raise RefusedError(400, "a question has no content")
            if is_api and not access.is_local:
                self._check_token(headers)

    @staticmethod
    def _check_sender(headers: dict[str, str], host: str, *, may_visit: bool) -> None:
        """Raise RefusedError where a browser says that another page asks.

        `may_visit`: whether a link on another page may lead here, as from a terminal in a browser.
        """
        visit = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        is_visit = may_visit and visit == ("navigate", "document")
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            raise RefusedError(403, "another page may not ask")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_visit:
            raise RefusedError(403, "another page may not ask")
        if headers.get("sec-fetch-dest", "empty") in _FRAMES:
            raise RefusedError(403, "this page is in no frame")

    def _check_token(self, headers: dict[str, str]) -> None:
        token = headers.get(TOKEN_HEADER, "")
        if not self._rules.from_page and headers.get("authorization", "").startswith(BEARER):
            token = headers["authorization"].removeprefix(BEARER)
        if not self._access.knows(token):
            words = "the token of the address that the command printed is needed"
            if not self._rules.from_page:
                raise RefusedError(401, f"{words}, as Authorization: Bearer")
            raise RefusedError(403, words)

    def _check_content(self, headers: dict[str, str]) -> None:
        contents = self._rules.contents
        kind = headers.get("content-type", "")
        if kind.lower().replace(" ", "") == f"{JSON};charset=utf-8":
            kind = JSON
        if kind not in contents:
            alone = "alone is read" if len(contents) == 1 else "are read"
            raise RefusedError(415, f"{' and '.join(contents)} {alone}")
        if "content-encoding" in headers:
            raise RefusedError(415, "plain content alone is read")
        length = headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise RefusedError(411, "the length of the content is needed")
        if int(length) > self._limits.body:
            raise RefusedError(413, "that is too much content")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole content of a request; raise RefusedError where it is no JSON object."""
        if scope["method"] != "POST":
            return b""
        parts: list[bytes] = []
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(self._limits.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RefusedError(400, "the content ended early")
                    parts.append(message.get("body", b""))
                    if sum(map(len, parts)) > self._limits.body:
                        raise RefusedError(413, "that is too much content")
                    if not message.get("more_body", False):
                        break
                body = b"".join(parts)
                if dict(scope["headers"]).get(b"content-type", b"").partition(b"/")[0] == b"image":
                    return body
                try:
                    whole = isinstance(json.loads(body), dict)
                except (ValueError, RecursionError):
                    whole = False
                if not whole:
                    raise RefusedError(400, "a JSON object is needed")
                return body
        raise RefusedError(408, "the content did not come")


def _is_plain(query: bytes) -> bool:
    """Tell whether a query is letters, and bytes of a text in UTF-8 that hide nothing."""
    if not _PLAIN_QUERY.match(query) or _HIDDEN.search(query):
        return False
    try:
        unquote_to_bytes(query).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by name; raise RefusedError for what a reader could take in two ways."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        try:
            key, text = name.decode("ascii").lower(), value.decode("ascii")
        except UnicodeDecodeError as error:
            raise RefusedError(400, "headers are ASCII") from error
        if key in _ONCE and key in headers:
            raise RefusedError(400, f"{key} came twice")
        headers[key] = text
    return headers


def with_headers(given: Any) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that every answer has."""
    own = {name.encode(): value.encode() for name, value in HEADERS.items()}
    kept = [
        (name, value)
        for name, value in given
        if name.lower() not in own and not name.lower().startswith(b"access-control-")
    ]
    return [*kept, *own.items()]


def _once(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read already, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Send, refusal: RefusedError) -> None:
    text = json.dumps({"error": refusal.words}).encode()
    headers: list[tuple[bytes, bytes]] = [
        (b"content-type", JSON.encode()),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    if refusal.status == 405:
        headers.append((b"allow", b"GET, HEAD, POST"))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send(
        {"type": "http.response.start", "status": refusal.status, "headers": with_headers(headers)}
    )
    await send({"type": "http.response.body", "body": text})
