"""Two spirals around each other."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import ToyProblem

# How often an arm goes around, and how far out it ends.
TURNS, FARTHEST = 1.5, 2.6
# Noise of 1 moves a point by so much: arms lie about 0.85 apart.
SPREAD = 0.5


class Spirals(ToyProblem):
    """Two arms that wind around each other."""

    name: ClassVar[str] = "spirals"
    title: ClassVar[str] = "two spirals"
    sentence: ClassVar[str] = "The hardest of the toys: a wide or deep network, and patience."
    rank: ClassVar[int] = 14

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points of both arms, evenly along them by their angle."""
        y = draws.classes(rows)
        share = 0.05 + 0.95 * np.sqrt(draws.uniform(rows))
        angle = 2.0 * math.pi * TURNS * share + math.pi * y
        x = FARTHEST * share[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return x + noise * SPREAD * draws.normal(rows, 2), y.astype("float64")
