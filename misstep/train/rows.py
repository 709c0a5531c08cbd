"""Rows to learn from or to be judged by, as arrays that fit the network and its loss."""

from __future__ import annotations

from dataclasses import dataclass

from misstep.ir import Array


@dataclass(frozen=True)
class Rows:
    """Rows to learn from or to be judged by: x (rows, …), y (rows, …), weights (rows,) or None."""

    x: Array
    y: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.x)
