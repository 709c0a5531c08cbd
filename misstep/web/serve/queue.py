"""`Queue`: questions that take longer than a moment, answered in threads, few at a time.

What takes too long gets no answer, and what finds too many before it is turned away at once: a
server that answers late answers nobody. Knows callables and seconds; no requests and no models.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["BusyError", "LateError", "Queue"]


class BusyError(Exception):
    """Too many questions wait already."""


class LateError(Exception):
    """An answer took longer than is allowed."""


class Queue:
    """Questions in one line, one answered at a time.

    `most`: of them that wait; `seconds`: that an answer may take, the waiting counted.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="questions")
        self._waiting = 0
        self._lock = threading.Lock()

    async def answer(self, question: Callable[[], Any]) -> Any:
        """Return what `question` returns, or raise what it raises; BusyError or LateError."""
        future = self.put(question)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError as error:
            raise LateError from error

    def put(self, question: Callable[[], Any]) -> Future[Any]:
        """Return what will hold the answer to `question`. Raises BusyError."""
        with self._lock:
            if self._waiting >= self._most:
                raise BusyError
            self._waiting += 1
        future = self._threads.submit(question)
        future.add_done_callback(self._answered)
        return future

    def _answered(self, future: Future[Any]) -> None:
        with self._lock:
            self._waiting -= 1
