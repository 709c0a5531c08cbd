"""`fit` on digits in a fresh process, imports and compilation included, beside scikit-learn's.

The time is that of a whole process, from its start to its end: what a person waits who types
`python train.py`. With a cold cache, MISSTEP_CACHE names an empty folder each time; with a warm
one, a folder in which a process before has left what it compiled. What runs in it is `fresh.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.compete import Outcome, Say, Standing, WorkerError
from benchmarks.entrant import OURS
from benchmarks.fresh import BATCH, EPOCHS, HIDDEN
from benchmarks.job import ROOT
from benchmarks.networks import Dense
from benchmarks.ours import WAYS, chosen_way
from benchmarks.workloads import SKLEARN, Target, Workload

_TARGETS = {"digits-cold": Target(1.0), "digits-warm": Target(1.5)}
WORDS = f"fit on digits in a fresh process, 64-{HIDDEN}-10, batch {BATCH}, {EPOCHS} epochs, "
# First weights and the order of rows differ, so the share of right answers must agree roughly.
TOLERANCE = 0.03

FRESH = {
    name: Workload(
        name,
        WORDS + name.removeprefix("digits-") + " cache",
        kind="train",
        network=Dense((64, HIDDEN, 10)),
        batch=BATCH,
        rows=1797,
        tolerance=TOLERANCE,
        target=target,
    )
    for name, target in _TARGETS.items()
}


def write_digits(folder: Path) -> None:
    """Write the rows, which both read in the same way."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    np.save(folder / "x.npy", (bunch.data / 16).astype("float32"))
    np.save(folder / "y.npy", bunch.target.astype("int64"))


def compete_fresh(
    workload: Workload, *, pairs: int, threads: int, say: Say, peers: list[str]
) -> Outcome:
    """Run fresh processes in turn and compare them."""
    ours, theirs = Standing(OURS, steps=1), Standing(SKLEARN, steps=1)
    if SKLEARN not in peers:
        theirs.skipped = "not asked for"
    cold = workload.name == "digits-cold"
    with tempfile.TemporaryDirectory(prefix="misstep-bench-") as place:
        folder = Path(place)
        write_digits(folder)
        warm = folder / "cache"
        warm.mkdir()

        def run(standing: Standing) -> float:
            cache = Path(tempfile.mkdtemp(dir=folder)) if cold and standing is ours else warm
            took, told = _process(standing.name, folder, cache, threads)
            standing.memory = told["peak"]
            standing.losses = {"epochs": [], "final": told["accuracy"]}
            return took

        running = [one for one in (ours, theirs) if not one.skipped]
        for standing in running:
            run(standing)  # so that both find their files in the system's memory
        for turn in range(pairs):
            for standing in running if turn % 2 == 0 else running[::-1]:
                standing.times.append(run(standing))
    theirs.ours = list(ours.times)
    if not theirs.skipped:
        theirs.apart = abs(ours.losses["final"] - theirs.losses["final"])
        theirs.agrees = theirs.apart <= workload.tolerance
        say(
            f"{workload.name}: share of right answers {ours.losses['final']:.3f}, "
            f"{SKLEARN} {theirs.losses['final']:.3f}"
        )
    return Outcome(workload, threads, "digits", ours, [theirs])


def _process(name: str, folder: Path, cache: Path, threads: int) -> tuple[float, dict[str, Any]]:
    environment = machine.worker_environment(threads) | {"MISSTEP_CACHE": str(cache)}
    arguments = json.dumps(WAYS[chosen_way()])
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fresh", name, str(folder), str(threads), arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise WorkerError(f"{name} on digits failed:\n{done.stderr[-3000:]}")
    return took, json.loads(done.stdout.splitlines()[-1])
