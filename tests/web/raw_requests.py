"""A really served page for tests, and raw requests to it, byte for byte."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

# Longer than any answer takes; where nothing comes, a test shall fail and not hang.
PATIENCE = 10.0


@dataclass
class Answer:
    """What came back: everything, its status (0 where the connection was just cut), headers."""

    raw: bytes
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self) -> None:
        head, _, self.body = self.raw.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        if first.startswith(b"HTTP/1.1 "):
            self.status = int(first.split()[1])
        for line in lines:
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()


def ask(port: int, *parts: bytes, host: str = "127.0.0.1") -> Answer:
    """Return all that comes back for raw bytes, until the other side ends it."""
    with socket.create_connection((host, port), timeout=PATIENCE) as connection:
        got = b""
        try:
            for part in parts:
                connection.sendall(part)
            while chunk := connection.recv(65_536):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return Answer(got)


def request(
    port: int,
    target: str = "/",
    *lines: str,
    method: str = "GET",
    version: str = "HTTP/1.1",
    host: str | None = None,
    body: bytes = b"",
    without: Iterable[str] = (),
) -> bytes:
    """Return a request as a browser would send it, that ends the connection."""
    heads = [f"Host: {f'127.0.0.1:{port}' if host is None else host}", "Connection: close", *lines]
    heads = [line for line in heads if line.split(":")[0] not in without]
    head = "\r\n".join([f"{method} {target} {version}", *heads, "", ""])
    return head.encode("latin-1") + body


def post(
    port: int, token: str, *lines: str, target: str = "/api/stop", body: bytes = b"{}"
) -> bytes:
    """Return a request that changes something, as the page sends it; `lines` replace its own."""
    own = {
        "Origin": f"http://127.0.0.1:{port}",
        "X-Misstep-Token": token,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    for line in lines:
        own.pop(line.split(":")[0], None)
    heads = [*(f"{name}: {value}" for name, value in own.items()), *lines]
    return request(
        port, target, *(line for line in heads if not line.endswith(":-")), method="POST", body=body
    )
