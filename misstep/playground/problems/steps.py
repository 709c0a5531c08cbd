"""A staircase: a number that jumps."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import Kind, ToyProblem

# Where the number jumps, and what it is before, between and behind.
EDGES = (-1.5, -0.5, 0.4, 1.6)
LEVELS = (-1.0, 0.3, -0.4, 1.2, 0.6)


class Steps(ToyProblem):
    """Five levels, with jumps between them."""

    name: ClassVar[str] = "steps"
    title: ClassVar[str] = "a staircase"
    sentence: ClassVar[str] = "Jumps ask for large weights: smooth units come as near as they can."
    kind: ClassVar[Kind] = Kind.CURVE
    features: ClassVar[tuple[str, ...]] = ("x",)
    classes: ClassVar[tuple[str, ...]] = ()
    window: ClassVar[tuple[tuple[float, float], ...]] = ((-3.0, 3.0), (-2.0, 2.0))
    rank: ClassVar[int] = 21

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points of the staircase, moved up and down by noise."""
        x = 5.0 * draws.uniform(rows) - 2.5
        level = np.asarray(LEVELS)[np.searchsorted(EDGES, x)]
        return x[:, None], level + noise * draws.normal(rows)
