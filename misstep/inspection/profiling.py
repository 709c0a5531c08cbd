"""Where the time of a step goes, kernel by kernel, held against what the machine can do at most.

A program compiled with timers (`codegen/timers.py`) runs on copies of the caller's states; of
several rounds the fastest counts, since whatever else runs on the machine can only slow it down.
`costs.py` says what each kernel had to do, `roofline.py` how fast that could be at best. Knows
programs, prints nothing; `profile_text.py` puts a profile into words.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from misstep.compiler import NativeProgram
from misstep.compiler.codegen.lower import REST
from misstep.compiler.schedule.kernel import Kernel
from misstep.errors import DataError
from misstep.inspection.costs import Cost, cost_of, footprint_of
from misstep.inspection.labels import Labels
from misstep.inspection.roofline import Roofline, TickRate, measured_roofline, ticks_of_one_reading
from misstep.ir import Array

__all__ = ["KernelProfile", "Profile", "floor_of", "profile_program"]

# A round of many short steps hides what starting it costs; a round of few long ones is likelier to
# run undisturbed.
ROUNDS = 8


@dataclass(frozen=True)
class KernelProfile:
    """What one kernel did in a step and how long it took.

    `seconds`: by thread. `share`: of all threads' time. `floor`: the seconds of each thread if
    nothing but the machine's peaks limited it.
    """

    number: int
    name: str
    location: str
    shape: tuple[int, ...]
    region: int
    seconds: tuple[float, ...]
    share: float
    cost: Cost
    floor: float

    @property
    def mean(self) -> float:
        """Return the seconds that a thread takes on average."""
        return float(np.mean(self.seconds))

    @property
    def flops(self) -> float:
        """Return the operations a second of all threads together."""
        return self.cost.operations / self.mean if self.mean > 0 else 0.0

    @property
    def bandwidth(self) -> float:
        """Return the bytes a second of all threads together."""
        return self.cost.bytes / self.mean if self.mean > 0 else 0.0

    @property
    def reached(self) -> float:
        """Return which share of the fastest possible was reached, 0 to 1 (or a little above)."""
        return self.floor / self.mean if self.mean > 0 else 0.0

    @property
    def imbalance(self) -> float:
        """Return by which share the slowest thread took longer than the mean."""
        return max(self.seconds) / self.mean - 1 if self.mean > 0 else 0.0


@dataclass(frozen=True)
class Profile:
    """Where the time of a step went. Times are seconds of one step.

    `whole`: of a step of the program with timers, by the clock of the caller, and what was called
    in one go divided by the steps of it; `seconds`: what the timers saw of that, as the mean of all
    threads; `plain`: of a step of the program without timers, by the caller's clock, in the fastest
    round; `rounds`: the same in each round. `barriers`: what each thread waited. `rest`: scalars
    and all else between the timers. `reading`: what reading the clock took, contained in all of
    these.
    """

    program: str
    steps: int
    threads: int
    whole: float
    seconds: float
    plain: float
    rounds: tuple[float, ...]
    kernels: tuple[KernelProfile, ...]
    barriers: tuple[float, ...]
    rest: float
    reading: float
    roofline: Roofline

    @property
    def outside(self) -> float:
        """Return the seconds of a step that no timer saw: the call, and what else ran meanwhile."""
        return max(self.whole - self.seconds, 0.0)

    @property
    def waiting(self) -> float:
        """Return the share of all threads' time that was waiting for each other."""
        return float(np.mean(self.barriers)) / self.seconds if self.seconds > 0 else 0.0

    @property
    def imbalance(self) -> float:
        """Return by which share the busiest thread worked longer than the mean of the threads."""
        busy = np.sum([kernel.seconds for kernel in self.kernels], axis=0)
        return float(busy.max() / busy.mean() - 1) if busy.any() else 0.0

    @property
    def products(self) -> int:
        """Return the operations of all matrix products."""
        return sum(kernel.cost.products for kernel in self.kernels)

    @property
    def operations(self) -> float:
        """Return all operations."""
        return sum(kernel.cost.operations for kernel in self.kernels)

    @property
    def share_of_roofline(self) -> float:
        """Return which share of its time the matrix products would take at the peak."""
        least = sum(
            kernel.cost.products / self.roofline.operations.get(kernel.cost.dtype, np.inf)
            for kernel in self.kernels
        )
        return least / self.plain if self.plain > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain dictionaries, lists and numbers."""
        kernels = [
            asdict(kernel)
            | {"microseconds": 1e6 * kernel.mean, "gflops": kernel.flops / 1e9}
            | {"gigabytes_per_second": kernel.bandwidth / 1e9, "reached": kernel.reached}
            | {"operations": kernel.cost.operations, "bytes": kernel.cost.bytes}
            | {"imbalance": kernel.imbalance}
            for kernel in self.kernels
        ]
        return {
            "program": self.program,
            "steps": self.steps,
            "threads": self.threads,
            "microseconds": 1e6 * self.seconds,
            "microseconds_whole": 1e6 * self.whole,
            "microseconds_outside": 1e6 * self.outside,
            "microseconds_without_clock": 1e6 * self.plain,
            "microseconds_by_round": [1e6 * seconds for seconds in self.rounds],
            "kernels": kernels,
            "waiting": self.waiting,
            "imbalance": self.imbalance,
            "barrier_seconds": list(self.barriers),
            "rest_seconds": self.rest,
            "clock_seconds": self.reading,
            "share_of_roofline": self.share_of_roofline,
            "roofline": asdict(self.roofline),
        }


# The program with timers of each program that was looked at, as long as that lives.
_timed: WeakKeyDictionary[NativeProgram, NativeProgram] = WeakKeyDictionary()


def profile_program(
    program: NativeProgram,
    feeds: Mapping[str, Any],
    steps: int = 1,
    *,
    row_numbers: Array | None = None,
    rounds: int = ROUNDS,
) -> Profile:
    """Return where the time of a step goes, the fastest of `rounds` rounds of `steps` steps.

    The rest as for `NativeProgram.run`, but arrays of states stay as they are. Compiles the program
    a second time, with code that reads the clock. Raises DataError when not one step can be done
    because a number is not finite.
    """
    timed = _with_timers(program)
    target, threads = program.target, program.threads
    best: tuple[float, int, Array, float] | None = None
    plain: list[float] = []
    rate = TickRate(target)
    for _ in range(max(rounds, 1)):
        own_feeds = _with_own_states(program, feeds)
        began = time.perf_counter()
        _, done = program.run(own_feeds, steps, row_numbers=row_numbers)
        ended = time.perf_counter()
        if not done:
            raise DataError(
                f"profiling {program.graph.name}", needed="a first step with a finite loss"
            )
        plain.append((ended - began) / done)
        own_feeds = _with_own_states(program, feeds)
        timed.ticks[:] = 0
        began = time.perf_counter()
        _, done = timed.run(own_feeds, steps, row_numbers=row_numbers)
        whole = (time.perf_counter() - began) / done
        slowest = float(timed.ticks.sum(axis=1).max()) / done
        if best is None or slowest < best[0]:
            best = slowest, done, timed.ticks / done, whole
    assert best is not None
    _, done, ticks, whole = best
    roofline = measured_roofline(target, threads)
    tick = rate.seconds()
    seconds = ticks * tick
    subjects = timed.lowered.timers
    own = {subject: seconds[:, number] for number, subject in enumerate(subjects)}
    total = float(seconds.sum())
    gathered = sum(
        np.asarray(feeds[name]).nbytes for name in program.roles.gathered if name in feeds
    )
    kernels = tuple(_kernels(timed, own, total, roofline, gathered))
    nothing = np.zeros(len(seconds))
    waits = sum((took for subject, took in own.items() if isinstance(subject, tuple)), nothing)
    return Profile(
        program.graph.name,
        done,
        threads,
        # The clock of the processor and that of the caller differ by their grain.
        max(whole, total / len(seconds)),
        total / len(seconds),
        min(plain),
        tuple(plain),
        kernels,
        tuple(waits.tolist()),
        float(own.get(REST, nothing).mean()),
        ticks_of_one_reading(target) * tick * (len(subjects) + 1),
        roofline,
    )


def _with_timers(program: NativeProgram) -> NativeProgram:
    timed = _timed.get(program)
    if timed is None:
        timed = _timed[program] = NativeProgram(
            program.graph,
            program.roles,
            target=program.target,
            threads=program.threads,
            profiling=True,
        )
    timed.threads = program.threads
    return timed


def _with_own_states(program: NativeProgram, feeds: Mapping[str, Any]) -> dict[str, Any]:
    states = set(program.roles.states.values())
    return {name: np.array(array) if name in states else array for name, array in feeds.items()}


def _kernels(
    timed: NativeProgram,
    own: Mapping[object, Array],
    total: float,
    roofline: Roofline,
    gathered: int,
) -> list[KernelProfile]:
    schedule = timed.schedule
    labels = Labels(schedule.fused)
    footprint = footprint_of(schedule)
    profiles: list[KernelProfile] = []
    nothing = np.zeros(len(timed.ticks))
    for region, kernels in enumerate(schedule.regions, 1):
        for kernel in kernels:
            cost = cost_of(kernel, schedule.fused)
            took = own.get(kernel, nothing)
            profiles.append(
                KernelProfile(
                    len(profiles) + 1,
                    labels.kernel(kernel),
                    str(labels.location(kernel) or ""),
                    kernel.shape,
                    region,
                    tuple(took.tolist()),
                    float(took.sum()) / total if total else 0.0,
                    cost,
                    # The rows of all data pass by before the same ones are gathered again.
                    floor_of(
                        kernel, cost, roofline, footprint + gathered * (kernel.gathered is not None)
                    ),
                )
            )
    return profiles


def floor_of(kernel: Kernel, cost: Cost, roofline: Roofline, footprint: int) -> float:
    """Return the seconds that a kernel takes at least, if only the machine's peaks limit it.

    Arithmetic and memory at once, at the peak of each. Its own memory counts as if it lay in the
    nearest cache that can hold it; the caller's arrays as if in the nearest that can hold
    `footprint`: all that passes by before they are needed again.
    """
    # Each thread works out for itself what is one number.
    times = roofline.threads if kernel.scalar else 1
    arithmetic = times * roofline.arithmetic(cost.dtype, cost.products, cost.others)
    own, outside = roofline.level(cost.read + cost.written), roofline.level(footprint)
    memory = own.seconds(cost.read, cost.written)
    memory += outside.seconds(cost.outside_read, cost.outside_written)
    return max(arithmetic, memory)
