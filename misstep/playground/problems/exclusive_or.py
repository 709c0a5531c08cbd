"""Exclusive or: the four quadrants of a square."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import ToyProblem

# Points lie so far from the axes at least, and at most, on each of them.
NEAREST, FARTHEST = 0.3, 2.5


class ExclusiveOr(ToyProblem):
    """One class where both inputs have the same sign, the other where they do not."""

    name: ClassVar[str] = "xor"
    title: ClassVar[str] = "exclusive or"
    sentence: ClassVar[str] = (
        "Neither input alone says anything: what no network without a hidden layer can learn."
    )
    rank: ClassVar[int] = 11

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points of four squares."""
        quadrant = draws.classes(rows, 4)
        size = NEAREST + (FARTHEST - NEAREST) * draws.uniform(rows, 2)
        signs = np.stack([np.where(quadrant % 2, 1.0, -1.0), np.where(quadrant // 2, 1.0, -1.0)])
        x = size * signs.T
        y = (signs[0] != signs[1]).astype("float64")
        return x + noise * draws.normal(rows, 2), y
