"""The contract of an entrant, a library that runs a workload alone in its process, and their list.

What can be said without loading a library stands in its `Entry`; the rest is a class in a file of
its own (`ours.py`, `peers/`), which only its worker process imports.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.job import Job
from benchmarks.workloads import Workload

OURS = "ours"
COMPILERS = ("g++", "clang++", "c++")


class Entrant:
    """A library that runs one job.

    `unit`: how many steps the smallest thing that it can run has: 1, or as many as an epoch has
    where the library only trains whole epochs.
    """

    unit: int = 1

    def __init__(self, job: Job) -> None:
        self.job = job
        self.workload = job.workload

    def run(self, units: int) -> None:
        """Run that many units, and return when their numbers are there."""
        raise NotImplementedError

    def verify(self) -> dict[str, Any]:
        """Return what others must return as well, from the first weights and in the job's order.

        train: `epochs`, the mean loss of each epoch over the checked rows, and `final`, the loss
        on them afterwards. predict: `numbers`, the first predictions. product: `numbers`.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Entry:
    """What is known of an entrant beforehand.

    `home`: module and class. `package`: what must be installed. `refuses`: why it can't do a
    workload, or None. `compiles`: whether it needs a C++ compiler.
    """

    home: str
    package: str
    refuses: Callable[[Workload], str | None] = lambda workload: None
    compiles: bool = False

    def lacks(self) -> str | None:
        """Return what is not there on this machine, or None."""
        if importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed"
        if self.compiles and not any(shutil.which(name) for name in COMPILERS):
            return f"it needs a C++ compiler ({', '.join(COMPILERS)}), and none is on PATH"
        return None

    def load(self) -> type[Entrant]:
        """Return the class; imports the library."""
        module, _, kind = self.home.partition(":")
        found: type[Entrant] = getattr(importlib.import_module(module), kind)
        return found


def _no_product(workload: Workload) -> str | None:
    return "it has no other product than its parent" if workload.kind == "product" else None


def _training_only(workload: Workload) -> str | None:
    if workload.kind != "train" or workload.network is None:
        return "a scan goes over training steps"
    if workload.network.convolves:
        # Inside a loop XLA does not call the library that convolves outside of one.
        return "XLA's convolutions inside a loop are many times slower than step by step on a CPU"
    return None


def _plain_only(workload: Workload) -> str | None:
    if workload.network is None:
        return "it has no matrix product of its own"
    if workload.network.kind != "dense" or workload.network.normalized:
        return "it has dense layers only, without normalization"
    if workload.network.dropout or workload.clip is not None:
        return "it has no dropout and no clipping"
    return "it has no AdamW" if workload.update.kind == "adamw" else None


def _products_only(workload: Workload) -> str | None:
    return None if workload.kind == "product" else "it multiplies and trains nothing"


# The order is that of the table.
ENTRIES = {
    OURS: Entry("benchmarks.ours:Ours", "misstep"),
    "torch": Entry("benchmarks.peers.torch_eager:TorchEager", "torch"),
    "torch-compiled": Entry(
        "benchmarks.peers.torch_compiled:TorchCompiled", "torch", _no_product, compiles=True
    ),
    "jax": Entry("benchmarks.peers.jax_programs:JaxStep", "jax"),
    "jax-scan": Entry("benchmarks.peers.jax_programs:JaxScan", "jax", _training_only),
    "scikit-learn": Entry("benchmarks.peers.scikit_learn:ScikitLearn", "sklearn", _plain_only),
    "numpy": Entry("benchmarks.peers.numpy_product:NumpyProduct", "numpy", _products_only),
}
# NumPy takes part in products only, where it is named.
PEERS = [name for name in ENTRIES if name not in (OURS, "numpy")]


def product_numbers(result: Any) -> list[float]:
    """Return some numbers of a product by which two can be compared."""
    flat = result.reshape(-1)
    return [float(one) for one in flat[:: max(len(flat) // 97, 1)]]
