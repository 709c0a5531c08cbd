"""NumPy as an entrant for matrix products: the measured peak, and the measure for our kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.entrant import Entrant, product_numbers
from benchmarks.job import Job


class NumpyProduct(Entrant):
    """`numpy.matmul` into a result that is there."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._result = np.empty_like(job.x)

    def run(self, units: int) -> None:
        """Multiply that many times."""
        x, y, result = self.job.x, self.job.y, self._result
        for _ in range(units):
            np.matmul(x, y, out=result)

    def verify(self) -> dict[str, Any]:
        """Return the product."""
        return {"numbers": product_numbers(self.job.x @ self.job.y)}
