"""Tries: one broken file after the other, each in bounds of time and memory, in a worker process.

Whatever kills the worker is found by who started it: the file that was tried lies there.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

import numpy as np

from misstep.errors import MisstepError
from tests.fuzz.targets import Target

# Bounds of one file: seconds, and bytes beside twice its size.
SECONDS, MEMORY = 10.0, 64 * 2**20
# Tries that a worker makes before another takes its place: what leaks is found, what crashes costs
# no more than these.
TRIES_EACH = 2_000


class TooLongError(BaseException):
    """A file kept its reader busy; no `except Exception` may take it for something else."""


@dataclass
class Fault:
    """What was wrong with one try, and the broken file."""

    target: str
    number: int
    words: str
    file: Path | None = None


@dataclass
class Campaign:
    """Tries of some targets. `seed` and the number of a try say how it is broken."""

    folder: Path
    names: list[str]
    seed: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def run(self, first: int = 0, tries: int | None = None, seconds: float | None = None) -> None:
        """Try until so many are done or so much time is over."""
        began = time.monotonic()
        targets = list(self._targets())
        for target, seeds in targets:
            # What is loaded and compiled once is no memory of a file.
            for content in seeds:
                self._write(target, content)
                with contextlib.suppress(MisstepError):
                    target.attempt(self._path(target))
        number = first
        while (tries is None or number < first + tries) and (
            seconds is None or time.monotonic() - began < seconds
        ):
            target, seeds = targets[number % len(targets)]
            self._one(target, seeds, number)
            number += 1

    def _targets(self) -> Iterator[tuple[Target, list[bytes]]]:
        for name in self.names:
            target = Target.registry[name]()
            own = self.folder / f"seeds-{name}"
            own.mkdir(parents=True, exist_ok=True)
            yield target, target.seeds(own)

    def _one(self, target: Target, seeds: list[bytes], number: int) -> None:
        random = np.random.default_rng([self.seed, number])
        content = seeds[int(random.integers(len(seeds)))]
        for _ in range(int(random.integers(1, 3))):
            content = target.mutations[int(random.integers(len(target.mutations)))](content, random)
        self._write(target, content)
        self.tries[target.name] += 1
        before = _reset_peak()
        began = time.monotonic()
        words = ""
        try:
            with _alarm(SECONDS):
                target.attempt(self._path(target))
            self.read[target.name] += 1
        except MisstepError as error:
            str(error)
        except TooLongError:
            words = f"no end within {SECONDS:g} s"
        except MemoryError:
            words = "MemoryError"
        except Exception:
            words = traceback.format_exc(limit=-6)
        took = time.monotonic() - began
        grown = _peak() - before - 2 * len(content)
        if not words and grown > MEMORY:
            words = f"took {grown / 2**20:,.0f} MB beside twice its {len(content):,} bytes"
        if not words and took > SECONDS:
            words = f"took {took:.1f} s"
        if words:
            kept = self.folder / f"fault-{target.name}-{self.seed}-{number}{target.ending}"
            kept.write_bytes(content)
            self.faults.append(Fault(target.name, number, words, kept))
        if number % 200 == 0:
            gc.collect()

    def _path(self, target: Target) -> Path:
        return self.folder / f"tried-{target.name}{target.ending}"

    def _write(self, target: Target, content: bytes) -> None:
        self._path(target).write_bytes(content)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _reset_peak() -> int:
    """Forget the largest memory so far; return what is taken now, in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def work(
    end: Connection, folder: str, names: list[str], seed: int, first: int, left: float
) -> None:
    """Try, in a process of its own, and tell what came of it."""
    warnings.simplefilter("ignore")
    campaign = Campaign(Path(folder), names, seed)
    campaign.run(first, TRIES_EACH, left)
    end.send((dict(campaign.tries), dict(campaign.read), campaign.faults))
