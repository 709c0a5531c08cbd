"""Which runs there are: broken ones, ones with several faults, healthy ones. Each has a name.

The same names always mean the same runs: strengths stand in `chosen.json`, healthy seeds in
`proven.json`, and combinations are drawn from a fixed seed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.doctor.faults import FAULTS
from benchmarks.doctor.harm import CHOSEN, broken
from benchmarks.doctor.healthy import HEALTHY
from benchmarks.doctor.programs import HELD_OUT, PROGRAMS
from benchmarks.doctor.setups import Setup

PROVEN = Path(__file__).with_name("proven.json")
# Runs with several faults, for each program, so that there are 40 and more.
SEVERAL = 7
# Seeds of broken runs: none of those that harm was measured with.
SEED = 7


@dataclass(frozen=True)
class Case:
    """A run. `kind`: "broken", "several" or "healthy". `faults`: (name, strength) of each fault.

    `variation`: of a healthy run; `hard`: whether it looks ill.
    """

    name: str
    program: str
    kind: str
    seed: int
    faults: tuple[tuple[str, Any], ...] = ()
    variation: str = ""
    hard: bool = False

    @property
    def accepted(self) -> frozenset[str]:
        """Return the slugs that name a cause rightly."""
        return frozenset().union(*(FAULTS[name].accepted for name, _ in self.faults))

    @property
    def slugs(self) -> tuple[str, ...]:
        """Return what was broken."""
        return tuple(FAULTS[name].slug for name, _ in self.faults)

    @property
    def strong(self) -> bool:
        """Return whether a fault is there in its stronger strength."""
        return self.name.endswith(" strong")

    def setup(self) -> Setup:
        """Return what is to be trained."""
        if self.variation:
            random = np.random.default_rng(self.seed)
            setup = HEALTHY[self.variation].change(PROGRAMS[self.program](self.seed), random)
        else:
            first, *others = self.faults
            setup = broken(self.program, *first, self.seed)
            for place, (name, strength) in enumerate(others):
                random = np.random.default_rng([self.seed, place])
                setup = None if setup is None else FAULTS[name].change(setup, strength, random)
        assert setup is not None
        return setup


@cache
def _chosen() -> dict[str, list[Any]]:
    found = json.loads(CHOSEN.read_text()) if CHOSEN.is_file() else {}
    return {name: one["strengths"] for name, one in found.items()}


@cache
def _proven() -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads(PROVEN.read_text()) if PROVEN.is_file() else {}
    return found


def _strengths(program: str, name: str) -> list[tuple[str, Any]]:
    """Return the strengths that harm, each with "weak" or "strong" before it."""
    strengths = _chosen().get(f"{program} {name}", [])
    return list(zip(("weak", "strong"), strengths, strict=False))


def broken_cases(program: str) -> Iterator[Case]:
    """Yield each fault that harms the program, in each of its strengths."""
    for name in FAULTS:
        for label, strength in _strengths(program, name):
            called = f"{program} {name} {label}"
            yield Case(called, program, "broken", SEED, ((name, strength),))


def several_cases(program: str) -> Iterator[Case]:
    """Yield runs with two faults, and every third one with three, of different stages."""
    random = np.random.default_rng(zlib.crc32(program.encode()))
    strong = [
        (name, strengths[-1][1]) for name in FAULTS if (strengths := _strengths(program, name))
    ]
    made: set[frozenset[str]] = set()
    while len(made) < SEVERAL and len(strong) > 5:
        wanted = 3 if len(made) % 3 == 2 else 2
        picked: list[tuple[str, Any]] = []
        for at in random.permutation(len(strong)):
            stages = {FAULTS[name].stage for name, _ in picked}
            if len(picked) < wanted and FAULTS[strong[at][0]].stage not in stages:
                picked.append(strong[at])
        names = frozenset(name for name, _ in picked)
        if names in made:
            continue
        made.add(names)
        called = f"{program} several {len(made)}"
        yield Case(called, program, "several", SEED + len(made), tuple(picked))


def healthy_cases(program: str) -> Iterator[Case]:
    """Yield the runs that were proven healthy."""
    for name, variation in HEALTHY.items():
        for seed in _proven().get(f"{program} {name}", []):
            called = f"{program} healthy {name} {seed}"
            yield Case(called, program, "healthy", seed, variation=name, hard=variation.hard)


def all_cases(programs: Iterable[str], only: Sequence[str] = ()) -> list[Case]:
    """Return the cases of some programs; `only`: those whose name holds one of these words."""
    found = [
        case
        for program in programs
        for cases in (broken_cases, several_cases, healthy_cases)
        for case in cases(program)
    ]
    return [case for case in found if not only or any(word in case.name for word in only)]


def is_held_out(case: Case) -> bool:
    """Return whether rules must never have been fitted to this run."""
    return case.program in HELD_OUT
