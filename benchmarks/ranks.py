"""What ranks cost and bring: steps of one process and of several, in turn, and what messages take.

    python -m benchmarks.ranks            pairs: none and one rank, two threads and two ranks
    python -m benchmarks.ranks messages   under mpiexec: sums of arrays of several sizes
    python -m benchmarks.ranks worker …   what the launcher starts

Prints seconds for each step, the median of a run's epochs, run beside run; needs the extra `mpi`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms
from misstep.exchange import world

# On a machine where others are at work: measures before all of them; needs root.
FIRST = "MISSTEP_MEASURES_FIRST"
ROUNDS = 3
BATCH = 64
BATCHES = 8
EPOCHS = 9
SETTLED = 3  # the first ones make programs


def network(kind: str) -> tuple[ms.nn.Module, tuple[int, ...]]:
    if kind == "cnn":
        layers = ms.Sequential(
            *(ms.Conv2D(16, 3), ms.BatchNorm(), ms.ReLU(), ms.MaxPool2D(2)),
            *(ms.Conv2D(32, 3), ms.ReLU(), ms.MaxPool2D(2), ms.Flatten(), ms.Dense(10)),
        )
        return layers, (28, 28, 1)
    if kind == "lstm":
        return ms.Sequential(ms.LSTM(64), ms.Dense(10)), (30, 8)
    return ms.Sequential(ms.Dense(256), ms.ReLU(), ms.Dense(256), ms.ReLU(), ms.Dense(10)), (784,)


def worker(kind: str, threads: int, shards: int) -> None:
    layers, shape = network(kind)
    random = np.random.default_rng(0)
    x = random.normal(size=(BATCH * BATCHES, *shape)).astype("float32")
    y = random.integers(0, 10, len(x))
    trainer = ms.Trainer(
        layers, loss=ms.CrossEntropy(), batch_size=BATCH, threads=threads, shards=shards
    )
    trainer.fit(x, y, epochs=SETTLED, watch=False)
    if os.environ.get(FIRST):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    run = trainer.fit(x, y, epochs=EPOCHS, watch=False)
    if world().is_first:
        seconds = [epoch["seconds"] / BATCHES for epoch in run.history[SETTLED + 1 :]]
        print(json.dumps({"median": statistics.median(seconds), "least": min(seconds)}))


def messages() -> None:
    ranks = world()
    if os.environ.get(FIRST):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    for entries in (16, 1024, 16384, 262144, 2097152):
        array = np.ones(entries, "float32")
        seconds = []
        for _ in range(max(7, min(300, 2_000_000 // entries))):
            began = time.perf_counter()
            ranks.add_up(array)
            seconds.append(time.perf_counter() - began)
            array[:] = 1
        if ranks.is_first:
            least = sorted(seconds)[len(seconds) // 10]
            print(f"{4 * entries:>9} bytes  {1e6 * least:9.1f} µs", flush=True)


def step_seconds(kind: str, ranks: int | None, threads: int, shards: int = 8) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.ranks", "worker", kind, str(threads), str(shards)]
    if ranks is not None:
        launcher = Path(sys.executable).with_name("mpiexec")
        words = [str(launcher), "--bind-to", "none", "-n", str(ranks), *words]
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(
        words, env=os.environ | root, capture_output=True, text=True, check=True, timeout=600
    )
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


PAIRS: dict[str, tuple[tuple[int | None, int, int], tuple[int | None, int, int]]] = {
    "one rank under MPI against none": ((None, 1, 8), (1, 1, 8)),
    "2 ranks × 1 thread against 1 process × 2 threads": ((None, 2, 8), (2, 1, 8)),
    "8 shards against whole batches, one process, 1 thread": ((None, 1, 1), (None, 1, 8)),
}


def main() -> None:
    for kind in sys.argv[1:] or ["cnn", "mlp", "lstm"]:
        for name, (first, second) in PAIRS.items():
            ratios: dict[str, list[float]] = {"median": [], "least": []}
            best: dict[str, float] = {"first": float("inf"), "second": float("inf")}
            for _ in range(ROUNDS):
                one, other = step_seconds(kind, *first), step_seconds(kind, *second)
                for which, found in ratios.items():
                    found.append(one[which] / other[which])
                best["first"] = min(best["first"], one["least"])
                best["second"] = min(best["second"], other["least"])
            print(
                f"{kind}: {name}: speed {statistics.median(ratios['median']):.3f} by medians, "
                f"{statistics.median(ratios['least']):.3f} by least, "
                f"{best['first'] / best['second']:.3f} by the least of all; "
                f"{1e3 * best['first']:.2f} and {1e3 * best['second']:.2f} ms a step",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["messages"]:
        messages()
    else:
        main()
