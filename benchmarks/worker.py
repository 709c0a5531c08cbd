"""One entrant in a process of its own, driven by lines of JSON; idle while others are measured.

`python -m benchmarks.worker NAME FOLDER` reads the job in FOLDER and answers each command on
standard input with one line on standard output. What libraries print goes to standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.entrant import ENTRIES, Entrant
from benchmarks.job import read_job

# A call does some things once, whatever its length: a fit looks at its rows first, a scan is handed
# over. In a training that people wait for this is at most so small a share; a measurement is
# lengthened, so many times at most, until it is one there too (looks at the first updates of a
# convolutional network take a second, two or three times the usual length of a measurement).
START_SHARE = 0.1
MOST_LENGTHENED = 40


class Server:
    """Answers commands for one entrant."""

    def __init__(self, name: str, folder: Path) -> None:
        job = read_job(folder)
        machine.hold_to_cores(job.threads)
        kind = ENTRIES[name].load()
        before = machine.peak_memory()
        self.entrant: Entrant = kind(job)
        self.units = 1
        self.facts = {"blas": machine.blas_kernels(), "memory_before": before}

    def start(self, command: dict[str, Any]) -> dict[str, Any]:
        """Return facts."""
        return self.facts

    def warm(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do the smallest thing once, so that what is to be compiled is; return facts."""
        self.entrant.run(1)
        return self.facts

    def verify(self, command: dict[str, Any]) -> dict[str, Any]:
        """Return what can be compared with others."""
        return self.entrant.verify()

    def calibrate(self, command: dict[str, Any]) -> dict[str, Any]:
        """Warm up and fix how many units one measurement has: about `seconds` long, or longer.

        What a call does once is told from what it does for each unit by a call of twice the length.
        """
        self.entrant.run(1)
        self.units, start = units_for(command["seconds"], self._timed)
        return {"steps": self.units * self.entrant.unit, "start": start}

    def measure(self, command: dict[str, Any]) -> dict[str, Any]:
        """Return the time of one measurement in seconds, and its steps."""
        return {"seconds": self._timed(self.units), "steps": self.units * self.entrant.unit}

    def memory(self, command: dict[str, Any]) -> dict[str, Any]:
        """Return the most memory so far, in bytes."""
        return {"peak": machine.peak_memory()}

    def _timed(self, units: int) -> float:
        gc.collect()
        began = time.perf_counter()
        self.entrant.run(units)
        return time.perf_counter() - began


def units_for(wanted: float, timed: Callable[[int], float]) -> tuple[int, float]:
    """Return of how many units a measurement is, and the seconds that a call takes beside them.

    `wanted`: seconds that the units take. `timed`: the seconds of a call of so many units.
    """
    units = 1
    while True:
        once = timed(units)
        own = timed(2 * units) - once
        if own >= wanted / 4 or units >= 2**20:
            break
        # At once to about the wanted length, but never far by a first time that was too short.
        far = units * wanted / own if own > wanted / 64 else 32 * units
        units = min(max(2 * units, round(far)), 32 * units)
    start = max(once - own, 0.0)
    length = min(max(wanted, start / START_SHARE), MOST_LENGTHENED * wanted)
    return max(1, round(units * length / own)), start


def serve(name: str, folder: Path) -> None:
    """Answer until standard input ends."""
    # The pipe for answers is kept apart, since libraries print what they like.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    server: Server | None = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if server is None:
                server = Server(name, folder)
            answer = getattr(server, command["do"])(command)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
