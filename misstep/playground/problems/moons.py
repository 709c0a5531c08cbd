"""Two half moons that reach into each other."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import ToyProblem

RADIUS = 1.6


class Moons(ToyProblem):
    """A half circle that opens downward, and one that opens upward, shifted into it."""

    name: ClassVar[str] = "moons"
    title: ClassVar[str] = "two moons"
    sentence: ClassVar[str] = "A line gets most of them; the rest needs a bend or two."
    rank: ClassVar[int] = 12

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points of both half circles, evenly along them."""
        y = draws.classes(rows)
        angle = math.pi * draws.uniform(rows)
        side = np.where(y == 0, 1.0, -1.0)
        x1 = side * (RADIUS * np.cos(angle) - RADIUS / 2)
        x2 = side * (RADIUS * np.sin(angle) - RADIUS / 4)
        x = np.stack([x1, x2], axis=1)
        return x + noise * draws.normal(rows, 2), y.astype("float64")
