"""Tries scenarios on disks that fail at each operation in turn, in each way, once and for good.

Knows scenarios by what they promise; nothing of what they do.
"""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.disks.failing import FAULTS, Counter, FailingDisk, Fault
from tests.disks.operations import watched
from tests.disks.scenarios import Scenario, files_of


def fast_place() -> str | None:
    """Return a folder in memory, where there is one: what is tried is no real disk anyhow."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass
class Sweep:
    """Tries of one scenario. `tries`: how many; `wrong`: what did not hold, in words."""

    scenario: Scenario
    place: Path
    tries: int = 0
    operations: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self, stride: int = 1) -> None:
        """Try every position, or every `stride`-th of all combinations."""
        begin = self.place / "begin"
        shutil.rmtree(begin, ignore_errors=True)
        begin.mkdir(parents=True)
        self.scenario.prepare(begin)
        counter = Counter()
        folder = self._folder(begin)
        with watched(folder, counter):
            outcome = self.scenario.act(folder)
        self.operations = len(counter.operations)
        self.wrong += self.scenario.check(folder, files_of(begin), outcome)
        for at, (fault, lasting, number) in enumerate(self._all()):
            if at % stride == 0:
                self._one(begin, fault, lasting, number)

    def _all(self) -> Iterator[tuple[Fault, bool, int]]:
        # A few more than were counted: what is tried again asks for more.
        for number in range(self.operations + 3):
            for fault in FAULTS:
                for lasting in (False, True):
                    yield fault, lasting, number

    def _one(self, begin: Path, fault: Fault, lasting: bool, number: int) -> None:
        folder = self._folder(begin)
        disk = FailingDisk(fault, number, lasting)
        with watched(folder, disk):
            try:
                outcome = self.scenario.act(folder)
            except Exception as error:
                outcome = error
        if not disk.refused:
            return
        self.tries += 1
        first = disk.refused[0]
        where = f"{fault.name}{', lasting' if lasting else ''}, at operation {number}"
        where += f" ({first.kind.value} {Path(first.path).relative_to(folder)})"
        try:
            wrong = self.scenario.check(folder, files_of(begin), outcome)
        except Exception:
            wrong = ["the check failed: " + traceback.format_exc(limit=-4)]
        self.wrong += [f"{self.scenario.name}: {where}: {words}" for words in wrong]

    def _folder(self, begin: Path) -> Path:
        folder = self.place / "tried"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(begin, folder)
        return folder
