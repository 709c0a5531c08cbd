"""`python -m tests.fuzz`: tries broken files for a while, and says what was wrong."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from misstep.errors import MisstepError
from tests.fuzz.campaign import Count, a_round, quiet, working_in
from tests.fuzz.pool import Pool
from tests.fuzz.targets import Target

# In memory, where there is such a disk: most of the time would go into files otherwise.
MEMORY_DISK = Path("/dev/shm")
INTERRUPTED = 130
# Seconds between two writings of the table.
WRITTEN = 5.0


def main() -> int:
    """Return 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long; by default two minutes")
    parser.add_argument(
        "--tries", type=int, help="how many, of each slow target; of others twice as many"
    )
    parser.add_argument("--first", type=int, default=0, help="the number of the first try")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--targets", default=",".join(Target.registry), metavar="A,B,…")
    parser.add_argument("--kept", type=Path, help="where to keep files that are wrong")
    parser.add_argument("--table", type=Path, help="where to write the table as it grows")
    parser.add_argument("--again", type=Path, help="a file that was kept: try it once more")
    asked = parser.parse_args()
    names = asked.targets.split(",")
    unknown = [name for name in names if name not in Target.registry]
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(Target.registry)}")
    if asked.seconds is None and asked.tries is None:
        asked.seconds = 120.0
    # Who ends it by a signal gets the table, too, and no folder stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Nothing here is worth more than one thread.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    place = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="misstep-fuzz-", dir=place) as scratch:
        if asked.again:
            return again(asked.again, Path(scratch))
        return campaign(asked, names, Path(scratch))


def campaign(asked: argparse.Namespace, names: list[str], scratch: Path) -> int:
    """Try, and say what came of it."""
    kept = asked.kept or Path(tempfile.mkdtemp(prefix="misstep-fuzz-"))
    kept.mkdir(parents=True, exist_ok=True)
    written = [0.0]

    def changed(pool: Pool) -> None:
        if asked.table and time.monotonic() - written[0] > WRITTEN:
            written[0] = time.monotonic()
            asked.table.write_text(table(pool))

    pool = Pool(
        *(scratch / "made", scratch / "tried", kept, names, asked.seed),
        jobs=asked.jobs,
        changed=changed,
    )
    interrupted = False
    try:
        pool.prepare()
        turns = a_round(names)
        tries = None if asked.tries is None else asked.tries * turns
        pool.run(asked.first * turns, tries, asked.seconds)
    except KeyboardInterrupt:
        interrupted = True
    words = table(pool)
    if asked.table:
        asked.table.write_text(words)
    print(words)
    if not any(kept.iterdir()) and not asked.kept:
        shutil.rmtree(kept)
    if pool.faults:
        return 1
    return INTERRUPTED if interrupted else 0


def table(pool: Pool) -> str:
    """Return what came of it: a line for each target, and the faults."""
    seconds = time.monotonic() - pool.began
    heads = ("target", "tries", "opened", "read", "refused", "faults", "a CPU s", "slowest", "most")
    lines = [f"{heads[0]:15}" + "".join(f"{head:>10}" for head in heads[1:])]
    whole = Count()
    for name in pool.names:
        count = pool.counts.get(name, Count())
        whole.add(count)
        lines.append(_line(name, count))
    lines.append(_line("all", whole))
    lines.append(
        f"seed {pool.seed}, {seconds:,.0f} s, {whole.tries / max(seconds, 1e-9):,.0f} tries a "
        f"second in {pool.jobs} processes"
    )
    shown: dict[tuple[str, str], int] = {}
    for fault in pool.faults:
        shown[fault.kind] = shown.get(fault.kind, 0) + 1
        if shown[fault.kind] == 1:
            lines.append(f"\n{fault.target} {fault.number}: {fault.file}\n{fault.words.rstrip()}")
    lines += [f"  {times} files kept: {' '.join(kind)}" for kind, times in shown.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, count: Count) -> str:
    refused = count.tries - count.read - count.faults
    share = 100 / max(count.tries, 1)
    return (
        f"{name:15}{count.tries:10,}{count.opened * share:9.0f}%{count.read * share:9.0f}%"
        f"{refused:10,}{count.faults:10,}{count.tries / max(count.seconds, 1e-9):10,.0f}"
        f"{1000 * count.slowest:7,.0f} ms{count.largest / 2**20:7,.0f} MB"
    )


def again(path: Path, scratch: Path) -> int:
    """Try one file that was kept, with the whole error."""
    name = path.name.split(".")[1]
    target = Target.registry[name](scratch / "made" / name)
    content = path.resolve().read_bytes()
    with quiet(), working_in(scratch / "tried" / name):
        target.prepare()
        target.seeds()
        copy = Path.cwd() / f"tried{target.ending}"
        copy.write_bytes(content)
        try:
            target.attempt(copy)
        except MisstepError as error:
            print(f"refused: {error}")
            return 0
    print("read without an error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
