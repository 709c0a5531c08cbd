"""Processes that try broken files, one block of numbers after the other, and what came of it.

A process that dies is a fault, with the file that it tried; so is one that no alarm can wake.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.fuzz.campaign import WAITING, Campaign, Count, Fault, number_of, quiet, tried, working_in
from tests.fuzz.targets import Target

# Tries that a process makes before another takes its place: what leaks is found then.
TRIES_EACH = 20_000
# Tries after which a process tells what came of them, or after so many seconds.
TOLD, TOLD_SECONDS = 500, 2.0
# Seconds of one try after which a process counts as one that nothing wakes.
DEAD = 4 * WAITING
# Bytes of addresses that a process may have: what a bomb fills beyond is a MemoryError, not the end
# of this machine.
ADDRESSES = 12 * 2**30

_context = multiprocessing.get_context("spawn")


@dataclass
class Job:
    """A process at work on the numbers from `next` to `end`."""

    process: Any
    pipe: Connection
    scratch: Path
    # Target and number of the try that goes on, and when it began.
    now: Any
    next: int
    end: int


@dataclass
class Pool:
    """`jobs` processes at once. `made`, `scratch`, `kept`, `names`, `seed`: as of a campaign.

    `changed`: called whenever a process has told what came of its tries.
    """

    made: Path
    scratch: Path
    kept: Path
    names: list[str]
    seed: int
    jobs: int = 1
    changed: Callable[[Pool], None] = lambda pool: None
    counts: dict[str, Count] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _running: list[Job] = field(default_factory=list)
    _started: int = 0

    def prepare(self) -> None:
        """Make whole files of each target. Raises RuntimeError where that fails."""
        with _context.Pool(self.jobs) as pool:
            pool.starmap(_prepare, [(str(self.made), name) for name in self.names], chunksize=1)

    def run(self, first: int, tries: int | None, seconds: float | None) -> None:
        """Try until so many are tried, or so much time is over."""
        self.began = time.monotonic()
        end = None if tries is None else first + tries
        following = self._blocks(first, end)
        left: list[tuple[int, int]] = []
        try:
            while True:
                over = seconds is not None and time.monotonic() - self.began > seconds
                while not over and len(self._running) < self.jobs:
                    block = left.pop() if left else next(following, None)
                    if block is None:
                        break
                    self._start(*block, seconds)
                if not self._running:
                    return
                left += self._look()
        finally:
            for job in self._running:
                job.process.kill()
                job.process.join()
            self._running.clear()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _blocks(self, first: int, end: int | None) -> Iterator[tuple[int, int]]:
        # The first blocks are smaller where there is less to do than that for each process.
        size = TRIES_EACH
        if end is not None:
            size = max(min(size, -(-(end - first) // self.jobs)), 1)
        while end is None or first < end:
            last = first + size if end is None else min(first + size, end)
            yield first, last
            first = last

    def _start(self, first: int, end: int, seconds: float | None) -> None:
        ours, theirs = _context.Pipe(duplex=False)
        now = _context.Array("d", [0.0, 0.0, time.monotonic()], lock=False)
        scratch = self.scratch / f"{self._started}"
        self._started += 1
        left = None if seconds is None else seconds - (time.monotonic() - self.began)
        process = _context.Process(
            target=_work,
            args=(
                *(theirs, now, str(self.made), str(scratch), str(self.kept)),
                *(self.names, self.seed, first, end, left),
            ),
        )
        process.start()
        theirs.close()
        self._running.append(Job(process, ours, scratch, now, first, end))

    def _look(self) -> list[tuple[int, int]]:
        """Take what processes tell; return the blocks that are left of those which died."""
        left = []
        ready = wait([job.pipe for job in self._running], timeout=1.0)
        for job in list(self._running):
            if job.pipe in ready:
                try:
                    self._take(job, *job.pipe.recv())
                except EOFError:
                    job.process.join()
                    self._running.remove(job)
                    if job.next < job.end:
                        left += self._died(job, f"the process ended with {job.process.exitcode}")
                    shutil.rmtree(job.scratch, ignore_errors=True)
            elif time.monotonic() - job.now[2] > DEAD and job.now[1] >= 0:
                job.process.kill()
                job.process.join()
                self._running.remove(job)
                left += self._died(job, f"no end within {DEAD:g} s, whatever alarm rang")
                shutil.rmtree(job.scratch, ignore_errors=True)
        return left

    def _take(self, job: Job, done: int, counts: dict[str, Count], faults: list[Fault]) -> None:
        job.next = done
        for name, count in counts.items():
            self.counts.setdefault(name, Count()).add(count)
        self.faults += faults
        self.changed(self)

    def _died(self, job: Job, words: str) -> list[tuple[int, int]]:
        """Note a process that died in a try; return what is left of its block."""
        which, turn = int(job.now[0]), int(job.now[1])
        if turn < 0:
            self.faults.append(Fault("none", 0, f"{words}, before or after its tries"))
            return []
        target = Target.registry[self.names[which]]
        name = f"fault.{target.name}.{self.seed}.{turn}{target.ending}"
        fault = Fault(target.name, turn, words, self.kept / name)
        with contextlib.suppress(OSError):
            shutil.copyfile(tried(job.scratch, target), self.kept / name)
        self.faults.append(fault)
        count = self.counts.setdefault(target.name, Count())
        count.tries += 1
        count.faults += 1
        self.changed(self)
        # What it did not tell of any more is done again: numbers are tried, not lost.
        behind = number_of(which, turn, self.names)
        return [
            (each, end) for each, end in ((job.next, behind), (behind + 1, job.end)) if each < end
        ]


def _prepare(made: str, name: str) -> None:
    folder = Path(made) / name
    with quiet(), working_in(folder):
        Target.registry[name](folder).prepare()


def _work(
    pipe: Connection,
    now: Any,
    made: str,
    scratch: str,
    kept: str,
    names: list[str],
    seed: int,
    first: int,
    end: int,
    left: float | None,
) -> None:
    """Try, in a process of its own, and tell what came of it now and then."""
    # Ctrl-C is for who started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    began = time.monotonic()

    def told(which: int, turn: int) -> None:
        now[0], now[1], now[2] = which, turn, time.monotonic()

    now[1] = -1
    campaign = Campaign(Path(made), Path(scratch), Path(kept), names, seed, told)
    # Readers that say something say it to nobody.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    with quiet(), working_in(Path(scratch)):
        campaign.begin()
        # What is there before the first file is left alone by collections of garbage.
        gc.collect()
        gc.freeze()
        told_of = 0
        while first < end:
            spent = time.monotonic() - began
            if left is not None and spent > left:
                break
            seconds = TOLD_SECONDS if left is None else min(TOLD_SECONDS, left - spent)
            first += campaign.run(first, min(TOLD, end - first), seconds)
            now[1] = -1
            pipe.send((first, campaign.counts, campaign.faults[told_of:]))
            told_of = len(campaign.faults)
            campaign.counts = {}
    if first < end:
        # Time is over: there is nothing left.
        pipe.send((end, {}, []))
    sys.stdout.flush()
    pipe.close()
