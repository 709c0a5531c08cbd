"""The contract of an entrant: a library that runs a workload, alone in its worker process.

Knows no library; each has a file of its own (`ours.py`, `peers/`), loaded by name when needed.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, ClassVar

from benchmarks.job import Job
from benchmarks.workloads import Workload

OURS = "ours"
# Name and where the class stands. The order is that of the table.
ENTRANTS = {
    OURS: "benchmarks.ours:Ours",
    "torch": "benchmarks.peers.torch_eager:TorchEager",
    "torch-compiled": "benchmarks.peers.torch_compiled:TorchCompiled",
    "jax": "benchmarks.peers.jax_programs:JaxStep",
    "jax-scan": "benchmarks.peers.jax_programs:JaxScan",
    "scikit-learn": "benchmarks.peers.scikit_learn:ScikitLearn",
    "numpy": "benchmarks.peers.numpy_product:NumpyProduct",
}
# NumPy multiplies matrices and trains nothing.
PEERS = [name for name in ENTRANTS if name not in (OURS, "numpy")]


class Entrant:
    """A library that runs one job.

    `package`: what must be installed. `unit`: how many steps the smallest thing that it can run
    has: 1, or an epoch where the library only trains whole epochs.
    """

    package: ClassVar[str] = ""
    unit: int = 1

    def __init__(self, job: Job) -> None:
        self.job = job
        self.workload = job.workload

    @classmethod
    def refuses(cls, workload: Workload) -> str | None:
        """Return why it can't do this workload, or None. Loads no library."""
        return None

    @classmethod
    def missing(cls) -> str | None:
        """Return what it lacks on this machine, or None."""
        if cls.package and importlib.util.find_spec(cls.package) is None:
            return f"{cls.package} is not installed"
        return None

    def version(self) -> str:
        """Return the library's version."""
        return str(getattr(importlib.import_module(self.package), "__version__", "?"))

    def run(self, units: int) -> None:
        """Run that many units, and return when their numbers are there."""
        raise NotImplementedError

    def verify(self) -> dict[str, Any]:
        """Return what others must return as well, from the first weights and in the job's order.

        train: `epochs`, the mean loss of each epoch over the checked rows, and `final`, the loss
        on them afterwards. predict: `numbers`, the first predictions. product: `numbers`.
        """
        raise NotImplementedError


def find_entrant(name: str) -> type[Entrant]:
    """Return the class of an entrant; loads its file, not its library."""
    module, _, kind = ENTRANTS[name].partition(":")
    found: type[Entrant] = getattr(importlib.import_module(module), kind)
    return found


def product_numbers(result: Any) -> list[float]:
    """Return some numbers of a product by which two can be compared."""
    flat = result.reshape(-1)
    return [float(one) for one in flat[:: max(len(flat) // 97, 1)]]
