"""A sine curve: a number to be predicted from another."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import Kind, ToyProblem


class Sine(ToyProblem):
    """The curve sin(2 x)."""

    name: ClassVar[str] = "sine"
    title: ClassVar[str] = "a sine curve"
    sentence: ClassVar[str] = "Each unit bends the line once; watch them share out the bends."
    kind: ClassVar[Kind] = Kind.CURVE
    features: ClassVar[tuple[str, ...]] = ("x",)
    classes: ClassVar[tuple[str, ...]] = ()
    window: ClassVar[tuple[tuple[float, float], ...]] = ((-3.0, 3.0), (-2.0, 2.0))
    rank: ClassVar[int] = 20

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return points of the curve, moved up and down by noise."""
        x = 5.0 * draws.uniform(rows) - 2.5
        return x[:, None], np.sin(2.0 * x) + noise * draws.normal(rows)
