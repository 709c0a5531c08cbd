"""How long each lab takes, as a person waits for it: a fresh process, with imports and its page.

`cold`: with an empty cache of compiled programs, as on the first time; `warm`: once more. Of each
the time of the clock, which counts on an otherwise idle machine, and that of the processor, which
others disturb less. One after the other. `python -m benchmarks.labs [NAME …]`; the exit status is 1
where one takes longer than LIMIT by the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

from misstep.labs import registered_labs

# What a person was promised, in seconds.
LIMIT = 15.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of labs; all without")
    names = parser.parse_args().names or list(registered_labs())
    slowest = 0.0
    print("| lab | cold, s | processor, s | warm, s | processor, s |\n|---|--:|--:|--:|--:|")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            times = [*seconds(name, folder), *seconds(name, folder)]
        slowest = max(slowest, times[0], times[2])
        print(f"| {name} | {' | '.join(f'{one:.1f}' for one in times)} |", flush=True)
    return 1 if slowest > LIMIT else 0


def seconds(name: str, folder: str) -> tuple[float, float]:
    """Return how long one run of a lab takes, by the clock and of the processor.

    Raises CalledProcessError where it fails.
    """
    began, before = time.perf_counter(), processor_seconds()
    subprocess.run(
        [sys.executable, "-m", "misstep", "lab", name, "--out", folder],
        env=os.environ | {"MISSTEP_CACHE": folder},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began, processor_seconds() - before


def processor_seconds() -> float:
    """Return how long all processes that this one started have run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
