"""misstep as an entrant, through its public names: `Trainer.fit` and `Trainer.predict`, all in.

A time is that of a whole `fit` call: its checks of the data, its order of the rows, its loop. The
one place that knows how misstep is asked to run (`WAYS`); BENCH_OURS chooses.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.entrant import Entrant, product_numbers
from benchmarks.job import CHECKED_EPOCHS, CHECKED_PREDICTIONS, SEED, Array, Job
from benchmarks.workloads import Workload
from misstep.compiler import NativeProgram
from misstep.ir import Graph, Interpreter, make_input
from misstep.ops import matmul

# How misstep runs its programs: more arguments for the Trainer. "default" is what a person gets
# who asks for nothing: machine code where it can be had.
WAYS: dict[str, dict[str, Any]] = {"default": {}, "interpreter": {"compiling": False}}


def chosen_way() -> str:
    """Return the way that BENCH_OURS names."""
    return os.environ.get("BENCH_OURS", "default")


def make_network(workload: Workload, weights: dict[str, Array]) -> ms.Network:
    """Return the network of a workload with the given first weights."""
    family = workload.network
    assert family is not None
    network = ms.Network(
        family.ours(), input_shape=family.input_shape, dtype=workload.dtype, seed=SEED
    )
    names = places_of(network, weights)
    given = {names[name]: array for name, array in weights.items()}
    network.load(network.arrays() | given)
    return network


def places_of(network: ms.Network, weights: Mapping[str, Array]) -> dict[str, str]:
    """Return for each of a family's weights what misstep's network calls it.

    Layers stand in the same order in both; in a layer, the same name counts, else the place.
    Raises ValueError where they can't be matched.
    """
    found: dict[str, str] = {}
    theirs, ours = by_layer(weights), by_layer(network.arrays(network.parameters))
    if len(theirs) != len(ours):
        raise ValueError(f"needed layers such as {list(theirs)}, got {list(ours)}")
    for (layer, wanted), (path, there) in zip(theirs.items(), ours.items(), strict=True):
        if len(wanted) != len(there):
            raise ValueError(f"{layer} has {wanted}, but {path} has {there}")
        rest = [name for name in there if name not in wanted]
        for name in wanted:
            found[f"{layer}.{name}"] = f"{path}.{name if name in there else rest.pop(0)}"
    return found


def by_layer(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the last parts of names with dots, by what stands before."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layer, _, last = name.rpartition(".")
        layers.setdefault(layer, []).append(last)
    return layers


def make_trainer(workload: Workload, network: ms.Network, threads: int) -> ms.Trainer:
    """Return the Trainer of a workload."""
    update = workload.update
    optimizer: ms.optim.Optimizer
    if update.kind == "sgd":
        optimizer = ms.SGD(update.rate, momentum=update.momentum)
    elif update.kind == "adamw":
        optimizer = ms.AdamW(update.rate, weight_decay=update.weight_decay)
    else:
        optimizer = ms.Adam(update.rate)
    return ms.Trainer(
        network,
        loss=ms.SquaredError() if workload.loss == "squared-error" else ms.CrossEntropy(),
        optimizer=optimizer,
        clipping=() if workload.clip is None else ms.optim.ClipNorm(workload.clip),
        batch_size=workload.batch,
        seed=SEED,
        threads=threads,
        **WAYS[chosen_way()],
    )


def make_product(job: Job) -> Callable[[int], Array]:
    """Return what multiplies a job's two matrices so many times, in one call of a program."""
    side, dtype = job.workload.side, job.workload.dtype
    a, b = (make_input(name, (side, side), dtype) for name in "ab")
    graph = Graph({"product": matmul(a, b)}, [a, b], "product")
    feeds = {"a": job.x, "b": job.y}
    if chosen_way() == "interpreter":
        interpreter = Interpreter(graph)
        return lambda times: [interpreter.run(feeds)["product"] for _ in range(times)][-1]
    program = NativeProgram(graph, threads=job.threads)
    into = {"product": np.empty((side, side), dtype)}
    return lambda times: program.run(feeds, times, into=into)[0]["product"]


class Ours(Entrant):
    """misstep."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        kind = self.workload.kind
        if kind == "product":
            self._product = make_product(job)
            return
        self._trainer = self._fresh()
        self.unit = self.workload.batches if kind == "train" else 1
        self._next = 0

    def _fresh(self) -> ms.Trainer:
        network = make_network(self.workload, self.job.weights)
        return make_trainer(self.workload, network, self.job.threads)

    def run(self, units: int) -> None:
        """Train that many epochs in one fit, or predict that many times."""
        job, batch = self.job, self.workload.batch
        if self.workload.kind == "train":
            self._trainer.fit(job.x, job.y, epochs=units)
        elif self.workload.kind == "predict":
            for _ in range(units):
                self._trainer.predict(job.x[self._next : self._next + batch])
                self._next = (self._next + batch) % self.workload.rows
        else:
            self._product(units)

    def verify(self) -> dict[str, Any]:
        """Return losses, predictions or a product to compare."""
        job, rows = self.job, self.job.checked_rows
        parts = job.checked_parts
        if self.workload.kind == "product":
            return {"numbers": product_numbers(self._product(1))}
        trainer = self._fresh()
        if self.workload.kind == "predict":
            predicted = trainer.predict(job.x[:CHECKED_PREDICTIONS])
            return {"numbers": np.asarray(predicted, "float64").reshape(-1).tolist()}
        run = trainer.fit(job.x[:rows], job.y[:rows], epochs=CHECKED_EPOCHS)
        final = [trainer.evaluate(job.x[part], job.y[part])["loss"] for part in parts]
        return {"epochs": [float(loss) for loss in run.losses], "final": float(np.mean(final))}
