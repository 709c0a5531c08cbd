"""Workers of one command on one machine: processes beside this one that take trials of one study.

They see the study through its storage alone, as workers on other machines do. Knows processes; no
trials.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError
from misstep.text.counts import counted
from misstep.tuning.ledger import Ledger
from misstep.tuning.problem import Problem
from misstep.tuning.requirement import optuna
from misstep.tuning.search import Search
from misstep.tuning.space import Space
from misstep.tuning.storage import open_storage

__all__ = ["Work", "beside", "threads_of_each"]

# Of a study: what made a worker end that should not have, in words.
TROUBLE = "trouble"
# Seconds that workers which were told to end are waited for.
PATIENCE = 10.0


@dataclass(frozen=True)
class Work:
    """All that a worker has to know. `seconds`: until time is over, None: never."""

    problem: Problem
    storage: str
    name: str
    trials: int
    space: Space | None
    sampler: Any
    pruner: Any
    seed: int
    seconds: float | None

    def search(self, ledger: Ledger) -> Search:
        """Return the search of this process."""
        return Search(
            problem=self.problem,
            ledger=ledger,
            space=self.space,
            sampler=self.sampler,
            pruner=self.pruner,
            seed=self.seed,
            trials=self.trials,
            deadline=None if self.seconds is None else time.monotonic() + self.seconds,
        )


def threads_of_each(workers: int, threads: int | None) -> int:
    """Return how many threads each of so many workers has; `threads`: of all, None: one a core."""
    cores = threads or len(_cores())
    return max(cores // workers, 1)


@contextlib.contextmanager
def beside(work: Work, workers: int, notes: list[str]) -> Iterator[None]:
    """Have so many other processes at the same work, within it; `notes` gets what went wrong.

    They are deaf to Ctrl-C, and end when this process leaves, or is gone. Raises ArgumentError for
    work that can't be handed to another process.
    """
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_work, args=(work, os.getpid()), daemon=True) for _ in range(workers)
    ]
    try:
        with _deaf():
            for process in processes:
                _start(process)
        yield
    finally:
        lost = [process for process in processes if process.exitcode not in (None, 0)]
        for process in processes:
            if process.is_alive():
                process.terminate()
        for process in processes:
            if process.pid is not None:
                process.join(PATIENCE)
        if lost:
            study = optuna().load_study(study_name=work.name, storage=open_storage(work.storage))
            why = study.user_attrs.get(TROUBLE, f"exit code {lost[0].exitcode}")
            notes.append(f"{counted(len(lost), 'worker')} ended before the others: {why}")


def _start(process: Any) -> None:
    try:
        process.start()
    except (AttributeError, TypeError, ValueError, OSError) as error:
        raise ArgumentError(
            "several workers",
            needed="a function at the top of a module, which another process can import",
            got=(str(error).splitlines() or [type(error).__name__])[0],
            try_="workers=1, or a function with a name of its own in a file",
        ) from error


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that are started within it ignore Ctrl-C, which reaches them as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(work: Work, parent: int) -> None:
    """Take trials until there are none, or the process that started this one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    study = optuna().load_study(study_name=work.name, storage=open_storage(work.storage))
    search = work.search(Ledger(study, work.trials))
    search.is_left_alone = lambda: os.getppid() != parent
    try:
        search.run()
    except BaseException as error:
        search.ledger.study.set_user_attr(TROUBLE, f"{type(error).__name__}: {error}")
        raise SystemExit(1) from None


def _cores() -> set[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))
