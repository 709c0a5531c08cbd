"""Tries: one broken file after the other, each in bounds of time and memory, in this process.

Whatever kills the process is found by who started it: the file that was tried lies there.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

from misstep.errors import MisstepError
from tests.fuzz.mutations import flip_bits
from tests.fuzz.planted import Guard
from tests.fuzz.targets import Target

# Bounds of one file: seconds of processor time, which do not depend on what else a machine does;
# seconds by the clock, for who waits for something; and bytes beside twice its size.
SECONDS, WAITING, MEMORY = 10.0, 60.0, 64 * 2**20
# Of the files that are wrong in the same way, so many are kept.
MOST_KEPT = 3
# A broken file may be broken once more.
TWICE = 0.2
# Tries between two collections of garbage; what was there before is left alone, which makes each a
# matter of milliseconds.
COLLECTED = 500


class TooLongError(BaseException):
    """A file kept its reader busy; no `except Exception` may take it for something else."""


@dataclass
class Fault:
    """What was wrong with one try, and the broken file, if it was kept."""

    target: str
    number: int
    words: str
    file: Path | None = None

    @property
    def kind(self) -> tuple[str, str]:
        """Return what faults of the same kind have in common: the error, and where it came from."""
        lines = [line.strip() for line in self.words.splitlines() if line.strip()]
        places = [line for line in lines if line.startswith("File ")]
        last = lines[-1].split(":")[0] if lines else ""
        return self.target, f"{last[:60]} {places[-1] if places else ''}"


@dataclass
class Count:
    """Tries of one target. `opened`: past the outermost form; `read`: without a refusal.

    `seconds` of processor time of all; `slowest` of one, `largest` bytes that one took
    beside twice its size.
    """

    tries: int = 0
    opened: int = 0
    read: int = 0
    faults: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    largest: int = 0

    def add(self, other: Count) -> None:
        """Take in what somebody else counted."""
        self.tries += other.tries
        self.opened += other.opened
        self.read += other.read
        self.faults += other.faults
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)


@dataclass
class Campaign:
    """Tries of some targets. `seed`, the target and the number of a try say how a file is broken.

    `made`: where whole files are, a folder for each target; `scratch`: where files are tried;
    `kept`: where those lie that are wrong. `told`: called before each try with target and number.
    """

    made: Path
    scratch: Path
    kept: Path
    names: list[str]
    seed: int = 0
    told: Callable[[int, int], None] = lambda target, number: None
    counts: dict[str, Count] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def begin(self) -> None:
        """Read whole files, so that what is loaded and compiled once is no memory of a file."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.kept.mkdir(parents=True, exist_ok=True)
        self._guard = _guard()
        self._targets: list[tuple[Target, list[bytes]]] = []
        for name in self.names:
            target = Target.registry[name](self.made / name)
            if not target.folder.exists():
                target.prepare()
            seeds = target.seeds()
            self._targets.append((target, seeds))
            for content in seeds * 2:
                path = self._write(target, content)
                # Of whole files none is refused: what lies behind a refusal would never be tried.
                target.attempt(path)

    def run(self, first: int, tries: int, seconds: float | None = None) -> int:
        """Try the numbers from `first` on, target by target in turn; return how many were tried."""
        began = time.monotonic()
        for number in range(first, first + tries):
            if seconds is not None and time.monotonic() - began > seconds:
                return number - first
            which, turn = place_of(number, self.names)
            self.told(which, turn)
            self._one(*self._targets[which], turn)
            if number % COLLECTED == 0:
                gc.collect()
        return tries

    def broken(self, target: Target, seeds: list[bytes], number: int) -> bytes:
        """Return the broken file of that number."""
        random = Random(f"{self.seed} {target.name} {number}")
        content = random.choice(seeds)
        for _ in range(2 if random.random() < TWICE else 1):
            try:
                content = random.choice(target.mutations)(content, random)
            except Exception:
                # What knows a format may not know what a first mutation made of it.
                content = flip_bits(content, random)
        return content

    def _one(self, target: Target, seeds: list[bytes], number: int) -> None:
        content = self.broken(target, seeds, number)
        path = self._write(target, content)
        count = self.counts.setdefault(target.name, Count())
        words, refused = "", False
        before = _reset_peak()
        began, spent = time.perf_counter(), time.process_time()
        try:
            with self._guard, _alarm(SECONDS, WAITING):
                target.attempt(path)
        except MisstepError as error:
            str(error)
            refused = True
        except TooLongError:
            words = f"no end within {SECONDS:g} s of work or {WAITING:g} s"
        except MemoryError:
            words = "MemoryError"
        except Exception:
            words = traceback.format_exc(limit=-6)
        took, spent = time.perf_counter() - began, time.process_time() - spent
        grown = _status("VmHWM") - before - 2 * target.size(content)
        ran = self._guard.seen()
        if ran:
            words = ran
        elif not words and grown > MEMORY:
            words = f"took too much memory\n{grown / 2**20:,.0f} MB beside {len(content):,} bytes"
        elif not words and (spent > SECONDS or took > WAITING):
            words = f"took too long\n{spent:.1f} s of work, {took:.1f} s"
        count.tries += 1
        count.seconds += spent
        count.slowest, count.largest = max(count.slowest, spent), max(count.largest, grown)
        if refused:
            count.opened += target.is_open(content)
        elif not words:
            count.read += 1
            count.opened += 1
        if words:
            count.faults += 1
            self._keep(target, number, words, content)

    def _keep(self, target: Target, number: int, words: str, content: bytes) -> None:
        fault = Fault(target.name, number, words)
        alike = sum(each.kind == fault.kind for each in self.faults)
        if alike < MOST_KEPT:
            fault.file = self.kept / f"fault.{target.name}.{self.seed}.{number}{target.ending}"
            fault.file.write_bytes(content)
            self.faults.append(fault)

    def _write(self, target: Target, content: bytes) -> Path:
        path = tried(self.scratch, target)
        if not path.parent.is_dir():
            path.parent.mkdir()
        path.write_bytes(content)
        return path


@functools.cache
def _turns(names: tuple[str, ...]) -> tuple[tuple[int, int, int], ...]:
    """Return the targets of a round, each as often as it weighs: number, which time, weight."""
    weights = [Target.registry[name].weight for name in names]
    return tuple(
        (which, time, weight)
        for time in range(max(weights, default=0))
        for which, weight in enumerate(weights)
        if time < weight
    )


def a_round(names: list[str]) -> int:
    """Return how many tries a round has, in which each target has its turns."""
    return len(_turns(tuple(names)))


def place_of(number: int, names: list[str]) -> tuple[int, int]:
    """Return whose turn the try of a number is, and how many that target had before."""
    turns = _turns(tuple(names))
    which, time, weight = turns[number % len(turns)]
    return which, number // len(turns) * weight + time


def number_of(which: int, turn: int, names: list[str]) -> int:
    """Return the number of a target's try."""
    turns = _turns(tuple(names))
    weight = Target.registry[names[which]].weight
    return turn // weight * len(turns) + turns.index((which, turn % weight, weight))


def tried(scratch: Path, target: Target | type[Target]) -> Path:
    """Return where the file lies that is tried."""
    return scratch / target.name / f"tried{target.ending}"


_the_guard: Guard | None = None


def _guard() -> Guard:
    global _the_guard
    if _the_guard is None:
        _the_guard = Guard()
    return _the_guard


@contextlib.contextmanager
def _alarm(work: float, waiting: float) -> Iterator[None]:
    """Raise TooLongError after so many seconds of processor time, or by the clock."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, work),
        (signal.ITIMER_REAL, signal.SIGALRM, waiting),
    )
    before = [signal.signal(name, ring) for _, name, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)
        for (_, name, _), handler in zip(timers, before, strict=True):
            signal.signal(name, handler)


def _reset_peak() -> int:
    """Forget the largest memory so far; return what is taken now, in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmHWM")


def _status(name: str) -> int:
    """Return a figure of this process in bytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as file:
        text = file.read()
        at = text.find(name.encode())
        if at >= 0:
            return int(text[at : at + 60].split()[1]) * 1024
    return 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let nobody be warned of what broken files are warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in a folder for a while: there the code of a file would leave its trace."""
    before = Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
