"""A whole `fit` in a fresh process, imports and compilation included, beside the same elsewhere.

The time is that of a whole process, from its start to its end: what a person waits who types
`python train.py`. Digits are scikit-learn's, beside which misstep trains with a cold or a warm
cache; MNIST is for the small CNN, beside PyTorch's, with a cold cache. With a cold cache,
MISSTEP_CACHE names an empty folder each time; with a warm one, a folder in which a process before
has left what it compiled. What runs in the process is `fresh.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.compete import Outcome, Say, Standing, WorkerError, note
from benchmarks.entrant import ENTRIES, OURS
from benchmarks.fresh import BATCH, CNN_BATCH, CNN_EPOCHS, EPOCHS, HIDDEN
from benchmarks.job import ROOT
from benchmarks.networks import Dense, SmallCNN
from benchmarks.ours import WAYS, chosen_way
from benchmarks.rows import mnist_folder
from benchmarks.workloads import SKLEARN, TORCH, Target, Workload

MNIST_CNN = "mnist-cnn"
_TARGETS = {"digits-cold": Target(1.0), "digits-warm": Target(1.5)}
WORDS = f"fit on digits in a fresh process, 64-{HIDDEN}-10, batch {BATCH}, {EPOCHS} epochs, "
# First weights and the order of rows differ, so the share of right answers must agree roughly.
TOLERANCE = 0.03
CNN_TOLERANCE = 0.01
# Fits of the CNN take most of a minute each, so a few must do.
MOST_CNN_PAIRS = 3

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
} | {
    MNIST_CNN: Workload(
        MNIST_CNN,
        f"fit on MNIST in a fresh process, the CNN of cnn-adam, batch {CNN_BATCH}, "
        f"{CNN_EPOCHS} epochs, cold cache",
        network=SmallCNN(),
        batch=CNN_BATCH,
        rows=60_000,
        tolerance=CNN_TOLERANCE,
        target=Target(1.0),
    )
}


def write_digits(folder: Path) -> None:
    """Write the rows, which both read in the same way, and on which both are judged as well."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    for part in ("", "_test"):
        np.save(folder / f"x{part}.npy", (bunch.data / 16).astype("float32"))
        np.save(folder / f"y{part}.npy", bunch.target.astype("int64"))


def write_mnist(folder: Path) -> None:
    """Write MNIST's rows for training and for the test. Raises WorkerError where there are none."""
    place = mnist_folder()
    if place is None:
        raise WorkerError("MNIST's files are not there; BENCH_MNIST names their folder")
    from misstep.data import read_images

    found = read_images(place)
    for part, images, labels in (
        ("", found.train_images, found.train_labels),
        ("_test", found.test_images, found.test_labels),
    ):
        np.save(folder / f"x{part}.npy", (images[..., None] / np.float32(255)).astype("float32"))
        np.save(folder / f"y{part}.npy", labels.astype("int64"))


def compete_fresh(
    workload: Workload, *, pairs: int, threads: int, say: Say, peers: list[str]
) -> Outcome:
    """Run fresh processes in turn and compare them."""
    cnn = workload.name == MNIST_CNN
    ours, theirs = Standing(OURS, steps=1), Standing(TORCH if cnn else SKLEARN, steps=1)
    if theirs.name not in peers:
        theirs.skipped = "not asked for"
    else:
        theirs.skipped = ENTRIES[theirs.name].lacks() or ""
    pairs = min(pairs, MOST_CNN_PAIRS) if cnn else pairs
    cold = workload.name != "digits-warm"
    with tempfile.TemporaryDirectory(prefix="misstep-bench-") as place:
        folder = Path(place)
        (write_mnist if cnn else write_digits)(folder)
        warm = folder / "cache"
        warm.mkdir()

        def run(standing: Standing) -> float:
            cache = Path(tempfile.mkdtemp(dir=folder)) if cold and standing is ours else warm
            task = "cnn" if cnn else "digits"
            took, told = _process(task, standing.name, folder, cache, threads)
            standing.memory = told["peak"]
            standing.losses = {"epochs": [], "final": told["accuracy"]}
            note(f"{workload.name}: {standing.name} {took:.2f} s, right {told['accuracy']:.4f}")
            return took

        running = [one for one in (ours, theirs) if not one.skipped]
        if not cnn:
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
            f"{workload.name}: share of right answers {ours.losses['final']:.4f}, "
            f"{theirs.name} {theirs.losses['final']:.4f}; "
            f"{median(ours.times):.2f} s, {theirs.name} {median(theirs.times):.2f} s"
        )
    source = "mnist" if cnn else "digits"
    return Outcome(workload, threads, source, ours, [theirs])


def _process(
    task: str, name: str, folder: Path, cache: Path, threads: int
) -> tuple[float, dict[str, Any]]:
    environment = machine.worker_environment(threads) | {"MISSTEP_CACHE": str(cache)}
    arguments = json.dumps(WAYS[chosen_way()])
    began = time.perf_counter()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.fresh", task, name),
            *(str(folder), str(threads), arguments),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise WorkerError(f"{name} on {task} failed:\n{done.stderr[-3000:]}")
    return took, json.loads(done.stdout.splitlines()[-1])
