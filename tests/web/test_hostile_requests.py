"""What is no request of the page's own: over a hundred kinds, as bytes to a really served page.

Each is refused: nothing but an error comes back, nothing of what the page knows, and nothing was
done.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from raw_requests import PATIENCE, Answer, ask, post, request
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from misstep.web.access import Access
from misstep.web.guard import HEADERS, Limits
from misstep.web.serving import Server

SECRET = b"what-the-page-knows"
# Short, so that slow clients are cut while a test waits.
LIMITS = Limits(seconds=0.4, idle=1, connections=40)


class Page:
    """A page that answers with a secret, and remembers what was done."""

    def __init__(self) -> None:
        self.done = 0

    def app(self, access: Access) -> Router:
        async def read(request: Request) -> Response:
            # One that would like to be open to everybody.
            return PlainTextResponse(SECRET, headers={"Access-Control-Allow-Origin": "*"})

        async def change(request: Request) -> Response:
            await request.json()
            self.done += 1
            return PlainTextResponse("done")

        paths = ("/", "/api/runs", "/static/page.js")
        routes = [Route(path, read, methods=["GET"]) for path in paths]
        return Router(routes=[*routes, Route("/api/stop", change, methods=["POST"])])


@pytest.fixture(scope="module")
def page() -> Page:
    return Page()


@pytest.fixture(scope="module")
def server(page: Page) -> Iterator[Server]:
    with Server(page.app, limits=LIMITS) as server:
        yield server


# --- what is its own ----------------------------------------------------------------------------


def test_its_own_requests_are_answered(server: Server, page: Page) -> None:
    port, token = server.access.port, server.access.token
    assert ask(port, request(port)).body == SECRET
    assert ask(port, request(port, "/api/runs?run=digits%20%C3%A4&known=3")).body == SECRET
    own = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")
    assert ask(port, request(port, "/api/runs", *own)).body == SECRET
    # A link in a terminal that is a web page itself leads to the page, and to nothing else of it.
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert ask(port, request(port, "/", *link)).body == SECRET
    assert ask(port, request(port, host=f"localhost:{port}")).body == SECRET
    before = page.done
    assert ask(port, post(port, token)).status == 200
    assert page.done == before + 1


def test_every_answer_says_how_it_may_be_used(server: Server) -> None:
    port = server.access.port
    for raw in (request(port), request(port, "/nothing"), request(port, host="evil.example")):
        answer = ask(port, raw)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "server" not in answer.headers
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_head_has_no_body(server: Server) -> None:
    answer = ask(server.access.port, request(server.access.port, method="HEAD"))
    assert (answer.status, answer.body) == (200, b"")


# --- what is not --------------------------------------------------------------------------------

Raw = Callable[[int, str], bytes]


def get(target: str = "/", *lines: str, **how: str) -> Raw:
    return lambda port, token: request(port, target, *lines, **how)  # type: ignore[arg-type]


def change(*lines: str, body: bytes = b"{}", target: str = "/api/stop") -> Raw:
    return lambda port, token: post(port, token, *lines, body=body, target=target)


def raw(text: str) -> Raw:
    return lambda port, token: text.replace("PORT", str(port)).replace("TOKEN", token).encode()


HOSTS = {
    "a foreign name": "evil.example",
    "a foreign name with our port": "evil.example:PORT",
    "a name that was made to point here": "127.0.0.1.evil.example:PORT",
    "our name in front of another": "localhost.evil.example:PORT",
    "another port": "127.0.0.1:1",
    "no port": "127.0.0.1",
    "an address in other digits": "0x7f.1:PORT",
    "an address in short": "127.1:PORT",
    "an address as one number": "2130706433:PORT",
    "all addresses": "0.0.0.0:PORT",
    "another loopback address": "127.0.0.2:PORT",
    "IPv6": "[::1]:PORT",
    "IPv4 in IPv6": "[::ffff:127.0.0.1]:PORT",
    "a user before it": "evil@127.0.0.1:PORT",
    "a dot behind it": "localhost.:PORT",
    "a path behind it": "127.0.0.1:PORT/evil",
    "two of them": "127.0.0.1:PORT, evil.example",
    "nothing": "",
}
ORIGINS = {
    "a foreign one": "http://evil.example",
    "null, as of a frame without rights": "null",
    "another port of this machine": "http://127.0.0.1:1",
    "https": "https://127.0.0.1:PORT",
    "a name that begins like ours": "http://127.0.0.1:PORT.evil.example",
    "the other name of this machine": "http://localhost:PORT",
    "a file": "file://",
    "an extension": "chrome-extension://abcdefghijklmnop",
    "two of them": "http://127.0.0.1:PORT http://evil.example",
    "a slash behind it": "http://127.0.0.1:PORT/",
}
PATHS = {
    "up": "/../../etc/passwd",
    "up behind a file": "/static/../../../etc/passwd",
    "up, spelled": "/%2e%2e/%2e%2e/etc/passwd",
    "up, spelled in part": "/.%2e/etc/passwd",
    "up, spelled twice": "/%252e%252e/etc/passwd",
    "a spelled slash": "/..%2f..%2fetc%2fpasswd",
    "backslashes": "/..\\..\\windows\\win.ini",
    "spelled backslashes": "/..%5c..%5cwindows",
    "dots too many": "/....//....//etc/passwd",
    "overlong UTF-8": "/%c0%ae%c0%ae/etc/passwd",
    "wide dots": "/%ef%bc%8e%ef%bc%8e/etc/passwd",
    "the root twice": "//etc/passwd",
    "a slash twice": "/api//runs",
    "a spelled letter": "/api/run%73",
    "a null byte": "/api/runs%00.js",
    "a new line": "/api/runs%0d%0aSet-Cookie:%20a=b",
    "a hidden file": "/.git/config",
    "a parameter of a path": "/api;a=b/runs",
    "a drive": "/C:/windows/win.ini",
    "an address inside": "/http://evil.example/",
    "half an escape": "/api/runs%",
    "what is not there": "/api/secrets",
    "a folder": "/static/",
    "another file beside ours": "/static/page.js.map",
    "a dot behind it": "/static/page.js.",
    "a capital letter": "/API/runs",
}
QUERIES = {
    "a null byte": "/api/runs?run=a%00b",
    "a new line": "/api/runs?run=a%0ab",
    "half an escape": "/api/runs?run=%4",
    "no UTF-8": "/api/runs?run=%ff%fe",
    "overlong UTF-8": "/api/runs?run=%c0%ae",
    "a backslash": "/api/runs?run=..%5c..",
    "very long": "/api/runs?run=" + "a" * 3_000,
    "an angle": "/api/runs?run=<script>",
}
CASES: dict[str, Raw] = {
    **{f"host: {name}": get(host=host) for name, host in HOSTS.items()},
    **{f"origin: {name}": get("/", f"Origin: {one}") for name, one in ORIGINS.items()},
    **{f"change from origin: {name}": change(f"Origin: {one}") for name, one in ORIGINS.items()},
    **{f"path: {name}": get(path) for name, path in PATHS.items()},
    **{f"query: {name}": get(path) for name, path in QUERIES.items()},
    **{
        f"method: {method}": get("/api/runs", method=method)
        for method in (
            *("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "TRACK"),
            *("get", "GETS", "M-SEARCH", "POST"),
        )
    },
    "method: a reading one where something changes": get("/api/stop"),
    "method: another one by a header": change("X-HTTP-Method-Override: DELETE"),
    "method: CONNECT to somebody": raw("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil\r\n\r\n"),
    "asked for by a whole address": get("http://evil.example/"),
    "asked for by our whole address": raw(
        "GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
    ),
    "asked for as *": get("*", method="OPTIONS"),
    "asked for relatively": get("api/runs"),
    "asked for by another site": get("/api/runs", "Sec-Fetch-Site: cross-site"),
    "asked for by another port": get("/api/runs", "Sec-Fetch-Site: same-site"),
    "asked for by what no browser says": get("/api/runs", "Sec-Fetch-Site: whoever"),
    "a script on another site": get(
        *("/static/page.js", "Sec-Fetch-Site: cross-site"),
        *("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"),
    ),
    "a link to what the page asks for": get(
        *("/api/runs", "Sec-Fetch-Site: cross-site"),
        *("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
    ),
    "a form on another site": change(
        *("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    ),
    **{
        f"framed by {dest}": get("/", "Sec-Fetch-Site: same-origin", f"Sec-Fetch-Dest: {dest}")
        for dest in ("iframe", "frame", "object", "embed")
    },
    "token: none": change("X-Misstep-Token:-"),
    "token: empty": change("X-Misstep-Token: "),
    "token: a guess": change("X-Misstep-Token: " + "A" * 43),
    "token: in the address": lambda port, token: post(
        port, "", f"X-Test: {token[:3]}", target=f"/api/stop?token={token}"
    ),
    "token: all but its last letter": lambda port, token: post(port, token[:-1]),
    "token: with more behind it": lambda port, token: post(port, token + "A"),
    "token: in other case": lambda port, token: post(port, token.swapcase()),
    "token: in a cookie": lambda port, token: post(port, "", f"Cookie: token={token}"),
    "token: as a password": lambda port, token: post(port, "", f"Authorization: Bearer {token}"),
    "token: among guesses": lambda port, token: post(port, "A", f"X-MISSTEP-TOKEN: {token}"),
    "token: not ASCII": change("X-Misstep-Token: \xe4\xf6\xfc"),
    "content: a form": change("Content-Type: application/x-www-form-urlencoded", body=b"a=b"),
    "content: parts of a form": change("Content-Type: multipart/form-data; boundary=x"),
    "content: plain text, as pages may send it": change("Content-Type: text/plain"),
    "content: of no kind": change("Content-Type:-"),
    "content: of two kinds": change("Content-Type: application/json, text/plain"),
    "content: in other letters": change("Content-Type: application/json; charset=utf-7"),
    "content: packed": change("Content-Encoding: gzip"),
    "content: XML": change("Content-Type: application/xml", body=b"<a/>"),
    "content: no JSON": change(body=b"{"),
    "content: a list": change(body=b"[1]"),
    "content: nothing": change(body=b""),
    "content: no text": change(body=b"\xff\xfe{}"),
    "content: nested without end": change(body=b"[" * 60_000),
    "content: too much, as it says": change("Content-Length: 999999999999"),
    "content: too much": change(body=b'{"a":"' + b"a" * 70_000 + b'"}'),
    "content: less than nothing": change("Content-Length: -1"),
    "content: a length that is none": change("Content-Length: 0x2"),
    "content: two lengths": change("Content-Length: 2\r\nContent-Length: 3"),
    "content: a length with a sign": change("Content-Length: +2"),
    "content: of no length": change("Content-Length:-"),
    "content: with a question": get("/", "Content-Length: 2", body=b"{}"),  # type: ignore[arg-type]
    "content: in chunks": change(
        "Content-Length:-", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "smuggled: a length and chunks": change(
        "Transfer-Encoding: chunked", body=b"0\r\n\r\nGET /api/runs HTTP/1.1\r\n\r\n"
    ),
    "smuggled: chunks in disguise": change("Transfer-Encoding: xchunked"),
    "smuggled: chunks with a blank": change("Transfer-Encoding : chunked"),
    "smuggled: chunks twice": change("Transfer-Encoding: chunked, identity"),
    "smuggled: a host behind a blank": raw(
        "GET / HTTP/1.1\r\nHost : 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
    ),
    "smuggled: two hosts": get("/", "Host: evil.example"),
    "smuggled: a host that goes on in the next line": raw(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n evil.example\r\nConnection: close\r\n\r\n"
    ),
    "smuggled: behind a refused one": raw(
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        "GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
    ),
    "smuggled: as the content of a refused one": raw(
        "POST /api/stop HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 66\r\n\r\n"
        "GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
    ),
    "an answer awaited before the content": change("Expect: 100-continue"),
    "a websocket": get(
        *("/api/runs", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        without=("Connection",),  # type: ignore[arg-type]
    ),
    "a websocket, said at length": raw(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
    "HTTP/2 without encryption": get(
        "/", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
    ),
    "HTTP/2 at once": raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/1.0": get("/", version="HTTP/1.0"),
    "HTTP/1.0 without a host": raw("GET / HTTP/1.0\r\n\r\n"),
    "HTTP/0.9": raw("GET /\r\n\r\n"),
    "HTTP/1.2": get("/", version="HTTP/1.2"),
    "HTTP/9.9": get("/", version="HTTP/9.9"),
    "no host": raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
    "no HTTP": raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "no HTTP, but lines": raw("HELO evil.example\r\nQUIT\r\n\r\n"),
    "a null byte in a header": get("/", "X-Test: a\x00b"),
    "a carriage return in a header": get("/", "X-Test: a\rHost: evil"),
    "a header without a name": get("/", ": a"),
    "a header that is none": get("/", "just words"),
    "a blank in a header's name": get("/", "X Test: a"),
    "a header in other letters": get("/", "X-Test: \xff\xfe"),
    "another path by a header": get("/", "X-Original-URL: /api/stop"),
    "one huge header": get("/", "X-Test: " + "a" * 40_000),
    "a huge cookie": get("/", "Cookie: " + "a=b; " * 8_000),
    "very many headers": get("/", *(f"X-{number}: a" for number in range(200))),
    "headers without end": raw("GET / HTTP/1.1\r\n" + "X-Test: aaaaaaaaaaaaaaaa\r\n" * 3_000),
    "a huge line": get("/" + "a" * 60_000),
    "a blank in the line": raw("GET /a b HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"),
}


def test_there_are_many_cases() -> None:
    assert len(CASES) > 100


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused(server: Server, page: Page, name: str) -> None:
    access, before = server.access, page.done
    made = CASES[name](access.port, access.token).replace(b"PORT", str(access.port).encode())
    answer = ask(access.port, made)
    assert_refused(answer)
    assert page.done == before


def assert_refused(answer: Answer) -> None:
    assert answer.status == 0 or 400 <= answer.status < 600, answer.raw[:200]
    assert answer.status != 500, answer.raw[:400]
    assert SECRET not in answer.raw
    assert answer.raw.count(b"HTTP/1.1 ") <= 1
    assert b"Traceback" not in answer.raw
    assert "access-control-allow-origin" not in answer.headers


def test_guesses_learn_nothing(server: Server) -> None:
    port, token = server.access.port, server.access.token
    said = {
        ask(port, post(port, guess)).raw.partition(b"\r\ndate")[0]
        for guess in ("", "A", token[:20], token[:-1], token[1:], token.lower() + "!")
    }
    bodies = {ask(port, post(port, guess)).body for guess in ("", token[:-1], token + "0")}
    assert len(bodies) == 1
    assert all(b"403" in one.split(b"\r\n")[0] for one in said)


# --- slow ones, and many ------------------------------------------------------------------------

SLOW: dict[str, Raw] = {
    "says nothing": raw(""),
    "ends in the middle of a line": raw("GET / HT"),
    "ends in the middle of headers": raw("GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX-A: "),
    "never sends its content": lambda port, token: post(port, token, "Content-Length: 100"),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_client_is_cut(server: Server, page: Page, name: str) -> None:
    began, before = time.monotonic(), page.done
    assert_refused(ask(server.access.port, SLOW[name](server.access.port, server.access.token)))
    assert time.monotonic() - began < 4 * LIMITS.seconds + 1
    assert page.done == before


def drip(port: int) -> None:
    """Send a request letter by letter, for as long as anybody reads it."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        for letter in "GET / HTTP/1.1\r\nX-A: " + "a" * 1_000:
            connection.sendall(letter.encode())
            time.sleep(0.02)


def test_one_that_drips_is_cut(server: Server) -> None:
    began = time.monotonic()
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        drip(server.access.port)
    assert time.monotonic() - began < 4 * LIMITS.seconds + 1


def test_very_many_connections_leave_room(server: Server) -> None:
    port = server.access.port
    with contextlib.ExitStack() as stack:
        for _ in range(3 * LIMITS.connections):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        # Those that say nothing are cut, and then there is room again.
        end = time.monotonic() + 5
        while ask(port, request(port)).body != SECRET:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_many_at_once_are_all_refused(server: Server, page: Page) -> None:
    port, before = server.access.port, page.done
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(port, post(port, "A" * 43)), range(64)))
    for answer in answers:
        assert_refused(answer)
    assert page.done == before
    assert ask(port, request(port)).body == SECRET


def test_a_page_for_others_tells_nothing_without_its_token(page: Page) -> None:
    with Server(page.app, host="0.0.0.0", limits=LIMITS) as server:
        port, token = server.access.port, server.access.token
        host = f"127.0.0.1:{port}"  # where the connection comes in
        assert ask(port, request(port, "/", host=host)).status == 200
        assert_refused(ask(port, request(port, "/api/runs", host=host)))
        told = request(port, "/api/runs", f"X-Misstep-Token: {token}", host=host)
        assert ask(port, told).body == SECRET
        assert_refused(ask(port, request(port, "/", host=f"evil.example:{port}")))


@pytest.mark.parametrize(
    ("reached", "named", "is_admitted"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::1", "[::1]", True),
        ("::FFFF:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "machine", True),
        ("192.0.2.7", "localhost", False),
        ("192.0.2.7", "127.0.0.1", False),
        ("127.0.0.1", "evil.example", False),
        (None, "127.0.0.1", False),
    ],
)
def test_a_page_for_others_goes_by_the_address_at_which_it_is_reached(
    reached: str | None, named: str, is_admitted: bool
) -> None:
    access = Access("machine", 8_000, is_local=False)
    assert access.admits(f"{named}:8000", reached) is is_admitted
    assert not access.admits(f"{named}:8001", reached)
