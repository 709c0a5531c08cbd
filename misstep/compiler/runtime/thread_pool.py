"""Threads that run a native function together.

A `ThreadPool` keeps its threads from one run to the next, asleep, so that handing work over takes
microseconds. They hold no lock of Python's while native code runs. What the function computes is
not known here, nor how its threads wait for each other (`codegen/barrier.py`).
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import call
from queue import SimpleQueue
from typing import Any
from weakref import WeakSet

__all__ = ["CALL_ARGUMENTS", "CALL_RESULT", "THREAD_POOL", "ThreadPool"]

# How a thread pool calls: i32 function(ptr context, i64 number of this thread, i64 number of
# threads).
CALL_RESULT = ctypes.c_int32
CALL_ARGUMENTS = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


# What a worker gets: function, context, its number, how many there are, where to put the result,
# and what to hold until then.
_Share = tuple[Any, int, int, int, SimpleQueue[int], object]


class _Worker(threading.Thread):
    """A thread that sleeps until it is given a share of a run, does it, and sleeps again."""

    def __init__(self) -> None:
        super().__init__(name="misstep worker", daemon=True)
        self.inbox: SimpleQueue[_Share | None] = SimpleQueue()

    def run(self) -> None:
        take = self.inbox.get
        while (share := take()) is not None:
            function, context, number, threads, done, keep = share
            done.put(function(context, number, threads))
            # What they hold may be large, and the next share may be long in coming.
            del share, function, done, keep


class ThreadPool:
    """Threads that run one native function together with whoever asks for it.

    Several threads of Python may ask at once: each gets workers of its own. They start when first
    needed, stay for later runs, do not keep the process alive, and are sent away before it forks,
    so that a child starts with none.
    """

    def __init__(self) -> None:
        self._idle: deque[_Worker] = deque()
        _pools.add(self)

    def run(self, function: Any, context: int, threads: int, keep: object = None) -> int:
        """Call `function(context, number, threads)` in `threads` threads, this one being number 0.

        `function`: from `NativeModule.function(name, CALL_RESULT, *CALL_ARGUMENTS)`. `context`: an
        address. `keep`: what must live until all threads are done. Returns, when they are, the
        first result that is not 0, or 0. Where the system gives no more threads, there are fewer:
        the function must be right for any number. An interrupt (Ctrl-C) is raised after the run.
        """
        for argtype, argument in zip(function.argtypes, (context, 0, threads), strict=True):
            argtype.from_param(
                argument
            )  # what is of the wrong type must not fail in one thread only
        if threads <= 1:
            return int(function(context, 0, 1))
        workers = self._workers(threads - 1)
        threads = 1 + len(workers)
        done: SimpleQueue[int] = SimpleQueue()
        starts: list[Callable[[], Any]] = [
            partial(worker.inbox.put, (function, context, number, threads, done, keep))
            for number, worker in enumerate(workers, 1)
        ]
        starts.append(partial(function, context, 0, threads))
        # An interrupt must not come between two starts: those started would wait at a barrier for
        # the others for good. Python looks for interrupts between its own instructions only, and
        # all starts, this thread's own share included, happen within one.
        started: list[int | None] = []
        finished: list[int] = []
        interruption = _added(started, map(call, starts))
        while len(finished) < started.count(None):
            missing = [done.get] * (started.count(None) - len(finished))
            interruption = _added(finished, map(call, missing)) or interruption
        self._idle.extend(workers)
        if interruption is not None:
            raise interruption
        return next((status for status in (*started, *finished) if status), 0)

    def _workers(self, count: int) -> list[_Worker]:
        """Return workers that nobody else has, started; fewer if the system gives no more."""
        workers = list(itertools.islice(self._idle_workers(), count))
        while len(workers) < count:
            worker = _Worker()
            try:
                worker.start()
            except RuntimeError:
                break
            workers.append(worker)
        return workers

    def _idle_workers(self) -> Iterator[_Worker]:
        """Take workers that nobody else has, as long as there are any."""
        with contextlib.suppress(IndexError):
            while True:
                yield self._idle.pop()

    def dismiss(self) -> None:
        """End the workers that have nothing to do, and wait until they are gone."""
        leaving = list(self._idle_workers())
        for worker in leaving:
            worker.inbox.put(None)
        for worker in leaving:
            worker.join()

    def forget(self) -> None:
        """Forget the workers without a word: in a child process they are not there."""
        self._idle.clear()


def _added(results: list[Any], calls: Iterator[Any]) -> BaseException | None:
    """Add what the calls return to the results, and return what came between, if anything did."""
    try:
        results.extend(calls)
    except BaseException as error:
        return error
    return None


_pools: WeakSet[ThreadPool] = WeakSet()
# The pool that programs share.
THREAD_POOL = ThreadPool()


def _dismiss_all() -> None:
    for pool in list(_pools):
        pool.dismiss()


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_dismiss_all, after_in_child=_forget_all)
