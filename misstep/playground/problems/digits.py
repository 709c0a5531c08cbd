"""Handwritten digits of 8 × 8 pixels, which come with scikit-learn (Alpaydin and Kaynak, 1998)."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np

from misstep.ir import Array
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import Kind, ToyProblem

# The largest number of a pixel in the data set.
BRIGHTEST = 16.0
PICTURES = 1797


class Digits(ToyProblem):
    """Ten classes of small pictures; noise is added to pixels."""

    name: ClassVar[str] = "digits"
    title: ClassVar[str] = "handwritten digits"
    sentence: ClassVar[str] = "What a unit looks for is a picture: its weights."
    kind: ClassVar[Kind] = Kind.PICTURES
    features: ClassVar[tuple[str, ...]] = tuple(
        f"pixel {row + 1}, {column + 1}" for row in range(8) for column in range(8)
    )
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    window: ClassVar[tuple[tuple[float, float], ...]] = ()
    shape: ClassVar[tuple[int, int] | None] = (8, 8)
    most_rows: ClassVar[int] = PICTURES
    rank: ClassVar[int] = 30

    def points(self, rows: int, noise: float, draws: Draws) -> tuple[Array, Array]:
        """Return pictures in a random order, pixels from 0 to 1 without noise."""
        pictures, answers = _all_digits()
        order = draws.order(len(pictures))[:rows]
        x = pictures[order] / BRIGHTEST
        return x + noise * draws.normal(*x.shape), answers[order].astype("float64")

    def notes(self, rows: int, held_out: int) -> tuple[str, ...]:
        """Return how many of all pictures are used."""
        if rows + held_out >= PICTURES:
            return ()
        return (f"{rows:,} of {PICTURES:,} pictures are learned from, {held_out:,} held out",)


@cache
def _all_digits() -> tuple[Array, Array]:
    """Return all pictures, (pictures, 64) from 0 to 16, and their answers."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.asarray(found.data, "float64"), np.asarray(found.target)
