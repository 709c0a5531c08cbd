"""A ring around a disc."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import ToyProblem

# Radii of the disc and of the ring, and how far noise of 1 moves a point.
DISC, RING_FROM, RING_TO = 1.1, 1.7, 2.5
SPREAD = 1.0


class Circles(ToyProblem):
    """A disc of one class inside of a ring of the other."""

    name: ClassVar[str] = "circles"
    title: ClassVar[str] = "a ring around a disc"
    sentence: ClassVar[str] = "No straight line parts them; three units around the disc do."
    rank: ClassVar[int] = 10

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points of the disc (class 0) and of the ring (class 1), evenly by area."""
        y = draws.classes(rows)
        share, angle = draws.uniform(rows), 2.0 * math.pi * draws.uniform(rows)
        disc = DISC * np.sqrt(share)
        ring = np.sqrt(RING_FROM**2 + share * (RING_TO**2 - RING_FROM**2))
        radius = np.where(y == 0, disc, ring)
        x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return x + noise * SPREAD * draws.normal(rows, 2), y.astype("float64")
