"""Three clouds of points: classes that a straight line parts."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import ToyProblem

DISTANCE = 1.7
# The deviation of a cloud without noise, and what noise of 1 adds to it.
DEVIATION, SPREAD = 0.35, 1.5


class Blobs(ToyProblem):
    """Three clouds around the corners of a triangle."""

    name: ClassVar[str] = "blobs"
    title: ClassVar[str] = "three clouds"
    sentence: ClassVar[str] = "Three classes, an output each; no hidden layer is needed."
    classes: ClassVar[tuple[str, ...]] = ("orange", "blue", "green")
    rank: ClassVar[int] = 13

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points around three middles."""
        y = draws.classes(rows, 3)
        angle = 2.0 * math.pi * y / 3.0 + math.pi / 2.0
        middle = DISTANCE * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return middle + (DEVIATION + SPREAD * noise) * draws.normal(rows, 2), y.astype("float64")
