"""`python -m tests.fuzz`: tries broken files for a while, and says what was wrong."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.campaign import TRIES_EACH, work
from tests.fuzz.targets import Target


def main() -> int:
    """Return 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--targets", default=",".join(Target.registry))
    parser.add_argument("--again", type=Path, help="a file that was kept: try it once more")
    asked = parser.parse_args()
    if asked.again:
        return again(asked.again)
    names, began, number = asked.targets.split(","), time.monotonic(), 0
    kept = Path(tempfile.mkdtemp(prefix="misstep-fuzz-"))
    tries: dict[str, int] = {}
    read: dict[str, int] = {}
    faults, crashes = [], 0
    context = multiprocessing.get_context("spawn")
    while (left := asked.seconds - (time.monotonic() - began)) > 0:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(
            target=work, args=(theirs, str(kept), names, asked.seed, number, left)
        )
        worker.start()
        theirs.close()
        try:
            some, well, wrong = ours.recv()
        except EOFError:
            worker.join()
            crashes += 1
            print(f"a worker died with {worker.exitcode}; what it tried lies in {kept}")
            return 1
        worker.join()
        for name, count in some.items():
            tries[name] = tries.get(name, 0) + count
        for name, count in well.items():
            read[name] = read.get(name, 0) + count
        faults += wrong
        number += TRIES_EACH
    for name, count in tries.items():
        print(f"{name:12} {count:8,} tried, {read.get(name, 0):7,} could be read")
    for fault in faults:
        print(f"\n{fault.file}: {fault.words}")
    print(f"seed {asked.seed}: {sum(tries.values()):,} tried, {len(faults)} faults")
    return 1 if faults else 0


def again(path: Path) -> int:
    """Try one file that was kept, with the whole error."""
    name = path.name.split("-")[1]
    target = Target.registry[name]()
    with tempfile.TemporaryDirectory() as folder:
        target.seeds(Path(folder))
        copy = Path(folder) / f"tried{target.ending}"
        copy.write_bytes(path.read_bytes())
        target.attempt(copy)
    print("read without an error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
