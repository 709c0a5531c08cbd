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
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.entrant import ENTRIES, Entrant
from benchmarks.job import read_job


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
        """Warm up and fix how many units one measurement has: about `seconds` long."""
        wanted = command["seconds"]
        self.entrant.run(1)
        units = 1
        while True:
            took = self._timed(units)
            if took >= wanted / 4 or units >= 2**20:
                break
            # At once to about the wanted length, but never far by a first time that was too short.
            units = min(max(2 * units, round(units * wanted / took)), 32 * units)
        if took < wanted:
            took = min(took, self._timed(units))
        self.units = max(1, round(units * wanted / took))
        return {"steps": self.units * self.entrant.unit}

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
