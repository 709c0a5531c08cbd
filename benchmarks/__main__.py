"""The command line of `scripts/bench`: which workloads, against whom, how often.

`python -m benchmarks --help`. Exits with 1 when losses differ, never for a time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import growth, machine, matmul
from benchmarks.compete import Outcome, Peak, WorkerError, compete, note
from benchmarks.entrant import PEERS
from benchmarks.fresh_runs import FRESH, MNIST_CNN, compete_fresh
from benchmarks.job import ROOT
from benchmarks.ours import WAYS, chosen_way
from benchmarks.report import (
    all_agree,
    heading,
    loss_lines,
    memory_table,
    peer_table,
    ratio_table,
    write_results,
)
from benchmarks.workloads import WORKLOADS, quick

# More than this many processes want a core: times tell about them as well.
QUIET = 0.3
# What runs only when it is named, since it takes long or is about something else.
GROWTH, MATMUL = "growth", "matmul"
OTHERS = {
    GROWTH: "time over batch, width, depth and threads, as a picture",
    MATMUL: "matrix products on one thread beside NumPy's",
}
NAMED = [MNIST_CNN]
# Less than a measurement of a step: the product that tells the peak takes some hundredths.
PEAK_SECONDS = 0.15


def read_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Return what is wanted."""
    known = [*WORKLOADS, *FRESH, *OTHERS]
    parser = argparse.ArgumentParser(
        "scripts/bench",
        description="Times misstep beside other libraries, pair by pair. docs/benchmarks.md says "
        "how to read it.",
        epilog="names: " + ", ".join(known) + "; without a name: all but those that take long",
    )
    parser.add_argument("names", nargs="*", metavar="name", help="what to run")
    parser.add_argument("--pairs", type=int, help="measurements of each pair (15; quick: 3)")
    parser.add_argument("--threads", type=int, help="threads of everybody (2, or the cores)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (0.5; quick: 0.1)")
    parser.add_argument("--quick", action="store_true", help="fewer rows and pairs: does it work?")
    parser.add_argument("--peers", default=",".join(PEERS), help="only these, with commas between")
    parser.add_argument("--ours", choices=list(WAYS), help="how misstep runs its programs")
    parser.add_argument("--check", action="store_true", help="compare losses and time nothing")
    parser.add_argument("--list", action="store_true", help="show names and stop")
    found = parser.parse_args(words)
    found.peers = [name for name in found.peers.split(",") if name]
    for given, allowed in ((found.names, known), (found.peers, PEERS)):
        for name in given:
            if name not in allowed:
                parser.error(f"no {name!r}; there are {', '.join(allowed)}")
    found.pairs = found.pairs or (3 if found.quick else 15)
    found.threads = found.threads or min(2, len(machine.usable_cores()))
    found.seconds = found.seconds or (0.1 if found.quick else 0.5)
    if found.pairs < 1 or found.seconds <= 0:
        parser.error("pairs and seconds must be above 0")
    if not 1 <= found.threads <= len(machine.usable_cores()):
        parser.error(f"threads: 1 to {len(machine.usable_cores())}, the cores of this process")
    return found


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


def machine_facts(wanted: argparse.Namespace) -> dict[str, Any]:
    """Return what a reader of the results must know of this run."""
    versions: dict[str, str | None] = {}
    for package in ("misstep", "numpy", "torch", "jax", "jaxlib", "scikit-learn", "llvmlite"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        commit = ""
    return {
        "processor": machine.processor(),
        "cores": len(machine.usable_cores()),
        "threads": wanted.threads,
        "pairs": wanted.pairs,
        "seconds": wanted.seconds,
        "quick": wanted.quick,
        "ours": chosen_way(),
        "commit": commit,
        "python": sys.version.split()[0],
        "versions": versions,
        "load_before": machine.load(),
    }


def run_table(
    wanted: argparse.Namespace, names: Sequence[str], facts: dict[str, Any], slug: str
) -> bool:
    """Run workloads, print and keep the tables; return whether all losses agree."""
    slug = "-".join([slug, *names])
    done = Done(facts, slug)
    try:
        run_workloads(wanted, names or default_names(), done)
    except KeyboardInterrupt:
        done.stopped = True
    if done.outcomes and not wanted.check:
        say(f"\n{done.text()}")
        say(f"\nkept as {done.keep()}.json and .md")
    if done.failed:
        say(f"FAILED: misstep itself could not do {', '.join(done.failed)}")
    if done.stopped:
        raise KeyboardInterrupt
    return all_agree(done.outcomes, say) and not done.failed


def default_names() -> list[str]:
    """Return what runs where nothing is named."""
    return [name for name in [*WORKLOADS, *FRESH] if name not in NAMED]


@dataclass
class Done:
    """What a run has done so far. `failed`: where misstep could not."""

    facts: dict[str, Any]
    slug: str
    outcomes: list[Outcome] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    stopped: bool = False

    def text(self) -> str:
        """Return the tables."""
        tables = [ratio_table, peer_table, memory_table]
        facts = self.facts | {"stopped": self.stopped}
        return "\n\n".join([heading(facts), *[table(self.outcomes) for table in tables]])

    def keep(self) -> Path:
        """Write everything so far; return where, without its ending."""
        facts = self.facts | {
            "load_after": machine.load(),
            "failed": self.failed,
            "stopped": self.stopped,
        }
        return write_results("workloads", facts, self.outcomes, self.text(), self.slug)


def run_workloads(wanted: argparse.Namespace, names: Sequence[str], done: Done) -> None:
    """Run workloads one after the other; what is done is written at once, so nothing gets lost."""
    with ExitStack() as stack:
        peak = Peak(stack, wanted.threads, min(wanted.seconds, PEAK_SECONDS), say)
        done.facts["peaks"] = peak.found
        for place, name in enumerate(names, start=1):
            say(f"\n{name}: {(WORKLOADS | FRESH)[name].words}")
            began = time.perf_counter()
            try:
                outcome = run_one(wanted, name, peak)
            except WorkerError as error:
                say(f"FAILED: {error}")
                done.failed.append(name)
                continue
            for line in loss_lines(outcome):
                say(line)
            note(f"{name}: {time.perf_counter() - began:.0f} s; {place} of {len(names)} done")
            done.outcomes.append(outcome)
            if not wanted.check:
                say(peer_table([outcome]))
                done.keep()


def run_one(wanted: argparse.Namespace, name: str, peak: Peak) -> Outcome:
    """Run one workload against all who can."""
    if name in FRESH:
        return compete_fresh(
            FRESH[name], pairs=wanted.pairs, threads=wanted.threads, say=say, peers=wanted.peers
        )
    return compete(
        quick(WORKLOADS[name]) if wanted.quick else WORKLOADS[name],
        wanted.peers,
        pairs=0 if wanted.check else wanted.pairs,
        threads=wanted.threads,
        seconds=wanted.seconds,
        peak=peak,
        say=say,
    )


def main(words: Sequence[str]) -> int:
    """Run what is wanted; return the exit status."""
    wanted = read_arguments(words)
    if wanted.list:
        words = {name: one.words for name, one in (WORKLOADS | FRESH).items()} | OTHERS
        named = [*NAMED, *OTHERS]
        for name, told in words.items():
            say(f"{name:18} {told}{' (only when named)' if name in named else ''}")
        return 0
    if wanted.ours:
        os.environ["BENCH_OURS"] = wanted.ours
    facts = machine_facts(wanted)
    say(heading(facts))
    if (facts["load_before"] or 0.0) > QUIET:
        say(f"this machine is busy (load {facts['load_before']:.2f}): doubt what follows")
    # A quick look, or a few workloads, must not take the place of a whole run of the same day.
    slug = machine.short_name(facts["processor"]) + ("-quick" if wanted.quick else "")
    others = [name for name in wanted.names if name in (GROWTH, MATMUL)]
    table = [name for name in wanted.names if name not in others]
    try:
        agrees = not (table or not others) or run_table(wanted, table, facts, slug)
        if MATMUL in others:
            agrees &= matmul.run(wanted, facts, slug, say)
        if GROWTH in others:
            agrees &= growth.run(wanted, facts, slug, say)
    except WorkerError as error:
        say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        note("stopped; what was done is kept")
        return 130
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
