"""`python -m tests.disks`: tries disks that fail in every way, and says what was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.disks import commands  # noqa: F401  registers them
from tests.disks.scenarios import Scenario
from tests.disks.sweep import Sweep, fast_place


def main() -> int:
    """Return 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.disks", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names of scenarios")
    parser.add_argument("--stride", type=int, default=1, help="one of so many is tried")
    asked = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="misstep-disks-", dir=fast_place()) as place:
        for name, scenario in Scenario.registry.items():
            if asked.only not in name:
                continue
            began = time.monotonic()
            sweep = Sweep(scenario(), Path(place) / "place")
            sweep.run(asked.stride)
            took = time.monotonic() - began
            print(
                f"{name:40} {sweep.operations:4} operations, {sweep.tries:6,} tried, "
                f"{len(sweep.wrong):4} wrong, {took:.0f} s",
                flush=True,
            )
            for words in sweep.wrong:
                print(f"  {words}")
            faults += len(sweep.wrong)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
