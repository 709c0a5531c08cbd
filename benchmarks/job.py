"""The arrays of a workload, made once and written to a folder that every worker reads.

All entrants get the same rows, targets, first weights and index order. Real rows are MNIST's, from
the folder that BENCH_MNIST names or `shared/data/mnist` beside the repository; where there are
none, random ones of the same shape. misstep is imported where the arrays are made and not above,
so that the workers of other libraries, which read them, do not carry it in their memory.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Target, Update, Workload

Array = NDArray[Any]

SEED = 7
# Passes over the rows for which an order is written; entrants go through them again and again.
ORDERED_EPOCHS = 2
# Passes over the checked batches by which losses are compared, and the rows that must be in them.
CHECKED_EPOCHS, CHECKED_ROWS = 2, 640
# Rows whose predictions are compared.
CHECKED_PREDICTIONS = 256

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Job:
    """A workload with its arrays.

    x: (rows, inputs); y: (rows,) class positions or (rows, outputs); weights: (inputs, outputs)
    and biases (outputs,) of each layer; order: (steps, batch) row numbers; checked: the same for
    the first rows only, (epochs, steps, batch). A product has the factors `x` and `y`.
    """

    workload: Workload
    threads: int
    x: Array
    y: Array
    weights: list[tuple[Array, Array]]
    order: Array
    checked: Array

    @property
    def checked_rows(self) -> int:
        """Return how many rows the training takes that compares losses."""
        return checked_batches(self.workload) * self.workload.batch


def checked_batches(workload: Workload) -> int:
    """Return the steps in an epoch of the training that compares losses."""
    wanted = max(workload.checked, -(-CHECKED_ROWS // workload.batch))
    return min(wanted, workload.batches)


def epoch_orders(rows: int, batch: int, epochs: int) -> Array:
    """Return the row numbers of each step as misstep takes them: (epochs, steps, batch)."""
    from misstep.train.ordering import epoch_order

    orders = [epoch_order(rows, SEED, epoch) for epoch in range(epochs)]
    return np.stack(orders).reshape(epochs, rows // batch, batch)


def first_weights(workload: Workload) -> list[tuple[Array, Array]]:
    """Return weights of He's spread before ReLU, of Glorot's before sigmoid; biases are 0."""
    random = np.random.default_rng(SEED)
    made = []
    for inputs, outputs in workload.layers:
        fans = inputs if workload.activation == "relu" else (inputs + outputs) / 2
        spread = np.sqrt((2.0 if workload.activation == "relu" else 1.0) / fans)
        weight = random.normal(0.0, spread, (inputs, outputs)).astype(workload.dtype)
        made.append((weight, np.zeros(outputs, workload.dtype)))
    return made


def make_rows(workload: Workload) -> tuple[Array, Array, str]:
    """Return x, y and where they come from."""
    random = np.random.default_rng(SEED)
    if workload.kind == "product":
        side = workload.sizes[0]
        factors = random.normal(size=(2, side, side)).astype(workload.dtype)
        return factors[0].copy(), factors[1].copy(), "random"
    rows, inputs, outputs = workload.rows, workload.sizes[0], workload.sizes[-1]
    folder = mnist_folder()
    if workload.data == "mnist" and folder is not None:
        from misstep.data import read_pictures

        pictures = read_pictures(folder)
        flat = pictures.train_pictures.reshape(-1, inputs)
        places = np.arange(rows) % len(flat)
        x = flat[places].astype(workload.dtype) / np.asarray(255, workload.dtype)
        return x, pictures.train_labels[places].astype("int64"), "mnist"
    x = random.normal(size=(rows, inputs)).astype(workload.dtype)
    # Something that can be learned, so that losses fall and a wrong step shows.
    signal = np.tanh(x @ random.normal(size=(inputs, outputs)) / np.sqrt(inputs)) * 2
    if workload.loss == "squared-error":
        return x, signal.astype(workload.dtype), "random"
    return x, signal.argmax(axis=1).astype("int64"), "random"


def mnist_folder() -> Path | None:
    """Return the folder with MNIST's files, if there is one."""
    named = os.environ.get("BENCH_MNIST")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "mnist"
    return folder if folder.is_dir() else None


def write_job(workload: Workload, threads: int, folder: Path) -> str:
    """Write the arrays of a workload to `folder`; return where its rows come from."""
    x, y, source = make_rows(workload)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    for place, (weight, bias) in enumerate(first_weights(workload)):
        np.save(folder / f"weight{place}.npy", weight)
        np.save(folder / f"bias{place}.npy", bias)
    if workload.kind == "train":
        order = epoch_orders(workload.rows, workload.batch, ORDERED_EPOCHS)
        np.save(folder / "order.npy", order.reshape(-1, workload.batch))
        rows = checked_batches(workload) * workload.batch
        np.save(folder / "checked.npy", epoch_orders(rows, workload.batch, CHECKED_EPOCHS))
    text = json.dumps({"threads": threads, "workload": asdict(workload)}, indent=1)
    (folder / "job.json").write_text(text, encoding="utf-8")
    return source


def read_job(folder: Path) -> Job:
    """Read what `write_job` wrote."""
    told = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    plain = told["workload"]
    workload = replace(
        Workload(**plain | {"update": Update(**plain["update"]), "target": Target()}),
        sizes=tuple(plain["sizes"]),
    )
    nothing = np.zeros((0, workload.batch), "int64")
    trains = workload.kind == "train"
    return Job(
        workload,
        told["threads"],
        np.load(folder / "x.npy"),
        np.load(folder / "y.npy"),
        [
            (np.load(folder / f"weight{place}.npy"), np.load(folder / f"bias{place}.npy"))
            for place in range(len(workload.layers))
        ],
        np.load(folder / "order.npy") if trains else nothing,
        np.load(folder / "checked.npy") if trains else nothing[np.newaxis],
    )
