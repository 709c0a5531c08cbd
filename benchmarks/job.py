"""The arrays of a workload, made once and written to a folder that every worker reads.

All entrants get the same rows (`rows.py`), targets, first weights and index order. misstep is
imported where the arrays are made and not above, so that the workers of other libraries, which read
them, do not carry it in their memory.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.networks import read_family
from benchmarks.rows import ROOT, SEED, Array, make_rows
from benchmarks.workloads import Target, Update, Workload

__all__ = ["ROOT", "SEED", "Array", "Job", "make_rows", "read_job", "write_job"]

# Passes over the rows for which an order is written; entrants go through them again and again.
ORDERED_EPOCHS = 2
# Passes over the checked batches by which losses are compared, and the rows that must be in them.
CHECKED_EPOCHS, CHECKED_ROWS = 2, 640
# Rows whose predictions are compared.
CHECKED_PREDICTIONS = 256


@dataclass(frozen=True)
class Job:
    """A workload with its arrays.

    x: (rows, …); y: (rows,) class positions or (rows, outputs); weights: the network's first, by
    name; order: (steps, batch) row numbers; checked: the same for the first rows only, (epochs,
    steps, batch). A product has the factors `x` and `y`.
    """

    workload: Workload
    threads: int
    x: Array
    y: Array
    weights: dict[str, Array]
    order: Array
    checked: Array

    @property
    def checked_rows(self) -> int:
        """Return how many rows the training takes that compares losses."""
        return checked_batches(self.workload) * self.workload.batch

    @property
    def checked_parts(self) -> list[slice]:
        """Return these rows a batch at a time, so that judging takes no more memory than a step."""
        batch = self.workload.batch
        return [slice(start, start + batch) for start in range(0, self.checked_rows, batch)]


def checked_batches(workload: Workload) -> int:
    """Return the steps in an epoch of the training that compares losses."""
    wanted = max(workload.checked, -(-CHECKED_ROWS // workload.batch))
    return min(wanted, workload.batches)


def epoch_orders(rows: int, batch: int, epochs: int) -> Array:
    """Return the row numbers of each step as misstep takes them: (epochs, steps, batch)."""
    from misstep.train.ordering import epoch_order

    orders = [epoch_order(rows, SEED, epoch) for epoch in range(epochs)]
    return np.stack(orders).reshape(epochs, rows // batch, batch)


def first_weights(workload: Workload) -> dict[str, Array]:
    """Return the first weights of a workload's network, by name."""
    if workload.network is None:
        return {}
    return workload.network.weights(np.random.default_rng(SEED), workload.dtype)


def write_job(workload: Workload, threads: int, folder: Path) -> str:
    """Write the arrays of a workload to `folder`; return where its rows come from."""
    x, y, source = make_rows(workload)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    np.savez(folder / "weights.npz", **first_weights(workload))
    if workload.kind == "train":
        order = epoch_orders(workload.rows, workload.batch, ORDERED_EPOCHS)
        np.save(folder / "order.npy", order.reshape(-1, workload.batch))
        rows = checked_batches(workload) * workload.batch
        np.save(folder / "checked.npy", epoch_orders(rows, workload.batch, CHECKED_EPOCHS))
    text = json.dumps({"threads": threads, "workload": plain_workload(workload)}, indent=1)
    (folder / "job.json").write_text(text, encoding="utf-8")
    return source


def plain_workload(workload: Workload) -> dict[str, Any]:
    """Return a workload as plain JSON."""
    network = workload.network
    return asdict(workload) | {"network": None if network is None else network.settings()}


def read_job(folder: Path) -> Job:
    """Read what `write_job` wrote."""
    told = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    plain = told["workload"]
    network = None if plain["network"] is None else read_family(plain["network"])
    workload = Workload(
        **plain | {"network": network, "update": Update(**plain["update"]), "target": Target()}
    )
    nothing = np.zeros((0, workload.batch), "int64")
    trains = workload.kind == "train"
    with np.load(folder / "weights.npz") as found:
        weights = {name: found[name] for name in found.files}
    return Job(
        workload,
        told["threads"],
        np.load(folder / "x.npy"),
        np.load(folder / "y.npy"),
        weights,
        np.load(folder / "order.npy") if trains else nothing,
        np.load(folder / "checked.npy") if trains else nothing[np.newaxis],
    )
