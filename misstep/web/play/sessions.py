"""`Sessions`: the sessions of open pages, few at a time, each moved by one request at a time.

Knows sessions of the playground; no requests.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from misstep.playground import Session

__all__ = ["Opened", "Sessions"]

# Each may hold some tens of megabytes of states: as many pages as a person looks at.
MOST_SESSIONS = 8
NAME_BYTES = 12


@dataclass
class Opened:
    """A page's session. `shown`: what rows it showed last; `lock`: held by who moves it.

    `attempts`: remedies that are being tried, each as it is asked for.
    """

    session: Session
    shown: str = ""
    attempts: Iterator[dict[str, Any]] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """Sessions by names that nobody guesses; the one that was asked for longest ago goes first."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, begin: Callable[[], Session]) -> tuple[str, Opened]:
        """Return a new session and its name."""
        opened = Opened(begin())
        name = secrets.token_urlsafe(NAME_BYTES)
        with self._lock:
            self._opened[name] = opened
            while len(self._opened) > MOST_SESSIONS:
                self._opened.popitem(last=False)
        return name, opened

    def named(self, name: object) -> Opened | None:
        """Return the session of a name; None where there is none any more."""
        with self._lock:
            if not isinstance(name, str) or name not in self._opened:
                return None
            self._opened.move_to_end(name)
            return self._opened[name]

    def close(self, name: object) -> None:
        """Forget a session, where it is there."""
        with self._lock:
            if isinstance(name, str):
                self._opened.pop(name, None)
