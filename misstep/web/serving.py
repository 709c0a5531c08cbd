"""`Server`: a page on a socket of this machine, until Ctrl-C or until somebody stops it.

The socket is bound at once, so that the address is known before anything is served. Prints nothing.
Knows sockets and uvicorn; nothing of what a page shows.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType

import uvicorn

from misstep.errors import ArgumentError, MisstepError
from misstep.web.access import Access, is_loopback
from misstep.web.guard import OF_ITS_PAGE, App, Guard, Limits, Rules
from misstep.web.patience import patient_protocol

__all__ = ["HOST", "Server"]

# This machine alone.
HOST = "127.0.0.1"
EVERYWHERE = ("", "0.0.0.0", "::")
# Seconds that a server in a thread may need to begin.
STARTING = 10.0


class Server:
    """Serves what `page` makes of the `Access`, behind a `Guard`, at `access.address`.

    `host`: where it is reached; without asking for another one, this machine alone. `port`: 0 for
    any that is free. `rules`: who may ask for what. `token`: the one that opens more, None: a new
    one; `names`: what else it is called, as `Access` has it. Raises ArgumentError for a port that
    can't be, MisstepError where nothing can be served there.
    """

    def __init__(
        self,
        page: Callable[[Access], App],
        *,
        host: str = HOST,
        port: int = 0,
        limits: Limits | None = None,
        rules: Rules = OF_ITS_PAGE,
        token: str | None = None,
        names: Iterable[str] = (),
    ) -> None:
        limits = limits or Limits()
        host = HOST if host.lower() == "localhost" else host
        self._socket = _bound(host, port)
        # Where all of the machine's addresses are meant, it goes by its name.
        name = socket.gethostname() if host in EVERYWHERE else host
        known = {"token": token} if token is not None else {}
        self.access = Access(
            name,
            self._socket.getsockname()[1],
            is_loopback(host),
            names=frozenset(one.lower() for one in names),
            **known,
        )
        guard = Guard(page(self.access), self.access, limits, rules)
        # Without this, what uvicorn says of a strange request would come to standard error.
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
        config = uvicorn.Config(
            guard,
            http=patient_protocol(limits),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=limits.head,
            timeout_keep_alive=limits.idle,
            timeout_graceful_shutdown=limits.grace,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serve until Ctrl-C, or until `stop`."""
        try:
            # uvicorn ends in order and then lets Ctrl-C go on.
            with contextlib.suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """End in order; may be called from another thread."""
        self._server.should_exit = True

    def __enter__(self) -> Server:
        """Serve in a thread, within `with`."""
        self._thread = threading.Thread(target=self.run, name="page", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(STARTING / 0.01)):
            if self._server.started or not self._thread.is_alive():
                break
            waited.wait(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join()


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    if not 0 <= port <= 65_535:
        raise ArgumentError("the port of the page", needed="0 to 65535", got=str(port))
    where = f"the page at {host}:{port}"
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise MisstepError(where, needed="a host of this machine", got="an unknown one") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        # So that whoever is told the address can connect at once, and waits.
        listening.listen(128)
    except OSError as error:
        listening.close()
        reasons = {
            errno.EADDRINUSE: ("a free port", "one that is in use", "--port 0, for any free one"),
            errno.EACCES: ("a port for everybody", "one for the system", "a port from 1024 on"),
            errno.EADDRNOTAVAIL: ("a host of this machine", "another one", HOST),
        }
        needed, got, try_ = reasons.get(
            error.errno or 0, ("a place to listen", str(error.strerror), "another port")
        )
        raise MisstepError(where, needed=needed, got=got, try_=try_) from error
    return listening
