"""What watching costs: the same training with and without it, turn by turn, in one process.

Times of a machine change within seconds, so both are measured right after one another, in an order
that turns around, and it is the ratio of each pair that counts. It is time of the processor, on one
thread, which others who want the machine disturb less than time of the clock. `python -m
benchmarks.doctor.watching_cost`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.doctor.page import keep_watching
from benchmarks.doctor.setups import Array

PAIRS = 9
# Each of the two trains about so long: a short training. What is done once in a fit, above all the
# look at all rows, weighs the less the longer one takes; it is told by itself.
SECONDS = 3.0


def _dense() -> tuple[ms.Trainer, Array, Array]:
    random = np.random.default_rng(0)
    layers = ms.Sequential(ms.Dense(128), ms.ReLU(), ms.Dense(10))
    trainer = ms.Trainer(layers, loss=ms.CrossEntropy(), batch_size=128, threads=1)
    x = random.random((12_800, 784), np.float32)
    return trainer, x, random.integers(0, 10, len(x))


def _table() -> tuple[ms.Trainer, Array, Array]:
    random = np.random.default_rng(0)
    layers = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dense(32), ms.ReLU(), ms.Dense(1))
    trainer = ms.Trainer(layers, loss=ms.SquaredError(), batch_size=32, threads=1)
    x = random.normal(size=(16_384, 13)).astype("float32")
    return trainer, x, x[:, :1] * x[:, 1:2] + random.normal(0.0, 0.1, (len(x), 1))


def _images() -> tuple[ms.Trainer, Array, Array]:
    random = np.random.default_rng(0)
    layers = ms.Sequential(
        *(ms.Conv2D(16, 3), ms.ReLU(), ms.MaxPool2D(2), ms.Conv2D(32, 3), ms.ReLU()),
        *(ms.MaxPool2D(2), ms.Flatten(), ms.Dense(10)),
    )
    trainer = ms.Trainer(layers, loss=ms.CrossEntropy(), batch_size=64, threads=1)
    x = random.random((2_048, 28, 28, 1), np.float32)
    return trainer, x, random.integers(0, 10, len(x))


NETWORKS: dict[str, Callable[[], tuple[ms.Trainer, Array, Array]]] = {
    "784-128-10, batch 128": _dense,
    "13-64-32-1, batch 32": _table,
    "CNN 28×28, batch 64": _images,
}


def cost(make: Callable[[], tuple[ms.Trainer, Array, Array]], pairs: int) -> dict[str, Any]:
    """Return the median ratio of times, its tenth and ninetieth percentile, and the epochs."""
    trainer, x, y = make()

    def seconds(epochs: int, watch: bool) -> float:
        began = time.process_time()
        trainer.fit(x, y, epochs=epochs, watch=watch)
        return time.process_time() - began

    # Compiles everything, and finds out how many epochs last as long as is wanted.
    seconds(1, True)
    seconds(1, False)
    watched, one = (min(seconds(1, watch) for _ in range(3)) for watch in (True, False))
    epochs = max(2, round(SECONDS / one))
    ratios, plain = [], []
    for pair in range(pairs):
        order = (True, False) if pair % 2 else (False, True)
        taken = {watch: seconds(epochs, watch) for watch in order}
        ratios.append(taken[True] / taken[False])
        plain.append(taken[False])
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    return {
        "ratio": float(middle),
        "low": float(low),
        "high": float(high),
        "pairs": pairs,
        "epochs": epochs,
        "seconds": float(np.median(plain)),
        "once": watched - one,
    }


def main() -> None:
    """Measure all and print a line for each."""
    parser = argparse.ArgumentParser(prog="benchmarks.doctor.watching_cost", description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--keep", action="store_true", help="write them into docs")
    given = parser.parse_args()
    found = {}
    for name, make in NETWORKS.items():
        found[name] = one = cost(make, given.pairs)
        print(
            f"{name}: {100 * (one['ratio'] - 1):+.1f} % ({100 * (one['low'] - 1):+.1f} to "
            f"{100 * (one['high'] - 1):+.1f}), {one['epochs']} epochs in {one['seconds']:.1f} s; "
            f"a training of one epoch takes {1000 * one['once']:.0f} ms more",
            flush=True,
        )
    if given.keep:
        keep_watching(found)


if __name__ == "__main__":
    main()
