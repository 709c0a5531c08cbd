"""`python -m tests.disks`: tries disks that fail in every way, and says what was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.disks import commands  # noqa: F401  registers its scenarios
from tests.disks.replay import Act, Replay
from tests.disks.scenarios import Scenario
from tests.disks.sweep import Sweep, fast_place


def main() -> int:
    """Return 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.disks", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names of what is tried")
    parser.add_argument("--faults", action="store_true", help="only disks that refuse operations")
    parser.add_argument("--power", action="store_true", help="only power that goes")
    parser.add_argument("--stride", type=int, default=1, help="one of so many is tried")
    parser.add_argument("--seed", type=int, default=0, help="of mixtures of what the power leaves")
    asked = parser.parse_args()
    both = asked.faults == asked.power
    faults = 0
    with tempfile.TemporaryDirectory(prefix="misstep-disks-", dir=fast_place()) as place:
        for name, scenario in Scenario.registry.items() if both or asked.faults else ():
            if asked.only in name:
                began = time.monotonic()
                sweep = Sweep(scenario(), Path(place) / "faults")
                sweep.run(asked.stride)
                _say(
                    f"{name:40} {sweep.operations:4} operations, {sweep.tries:6,} refusals tried",
                    sweep.wrong,
                    began,
                )
                faults += len(sweep.wrong)
        for number, (name, act) in enumerate(Act.registry.items()):
            if asked.only in name and (both or asked.power):
                began = time.monotonic()
                replay = Replay(act(), Path(place) / f"power-{number}")
                replay.run(asked.seed, asked.stride)
                _say(
                    f"{name:40} {replay.moments:4} moments, {replay.states:6,} states after a "
                    f"power cut, {replay.went_on:4} gone on from",
                    replay.wrong,
                    began,
                )
                faults += len(replay.wrong)
    return 1 if faults else 0


def _say(words: str, wrong: list[str], began: float) -> None:
    print(f"{words}, {len(wrong):3} wrong, {time.monotonic() - began:.0f} s", flush=True)
    for one in wrong:
        print(f"  {one}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
