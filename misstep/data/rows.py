"""`Rows`: rows as arrays that a network and its loss take, whatever they were to people before.

The one container of such rows. Knows arrays only; what encodes people's data makes them, training
and evaluation take them.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.ir import Array
from misstep.storage import some_rows


@dataclass(frozen=True)
class Rows:
    """Inputs `x` (rows, …), targets `y` (rows, …) and `weights` (rows,), or None where all are 1.

    >>> import numpy as np
    >>> rows = Rows(np.array([[0.5], [1.5], [2.5]]), np.array([0, 1, 0]))
    >>> rows.take(np.array([2, 0])).x.tolist()
    [[2.5], [0.5]]
    """

    x: Array
    y: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, indices: Array) -> Rows:
        """Return the rows at `indices`, in their order."""
        weights = None if self.weights is None else self.weights[indices]
        return Rows(some_rows(self.x, indices), self.y[indices], weights)
