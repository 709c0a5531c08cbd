"""`Inputs`: which features of rows go together, so that they can be taken from many rows at once.

A column of a table with all features that it makes, a region of images, a channel of sequences.
Beside it what one input may become while all others stay (`Sweep`). Knows rows, no network; what is
done with an input is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Inputs", "Sweep", "SweepKind"]

Floats = NDArray[np.float32]
SweepKind = Literal["number", "category", "date"]


@dataclass(frozen=True)
class Inputs:
    """The inputs of encoded rows.

    `noun`: what one of them is called. `names`: as people know them. `members`: (features,) the
    number of the input that each feature belongs to; −1: none. `replaced`: (features,) what stands
    in a row where nothing is to be seen, such as the average image; None: an input is best taken
    from another row. `replacement`: that in words. `places`: line and column of each on a map with
    the headings `lines` and `columns`, or nothing. `alike`: whether the features of an input are
    the same thing at several places, so that they may be added up.
    """

    noun: str
    names: Sequence[str]
    members: NDArray[np.int64]
    replaced: Floats | None = None
    replacement: str = ""
    places: Sequence[tuple[int, int]] = ()
    lines: Sequence[str] = ()
    columns: Sequence[str] = ()
    alike: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def features_of(self, number: int) -> NDArray[np.int64]:
        """Return which features an input has."""
        return np.flatnonzero(self.members == number)


@dataclass(frozen=True)
class Sweep:
    """The values that one input goes through while all others stay.

    `kind`: of the values; `values`: as people know them, numbers rising, categories with the most
    frequent one first, dates as texts. `numbers`: the same as numbers, for an axis; of categories
    0, 1, 2 … `features`: which features those are; `blocks`: (values, features) what they become.
    `counts`: how many of the rows have the category, or lie nearest to the number.
    """

    name: str
    kind: SweepKind
    values: tuple[Any, ...]
    numbers: tuple[float, ...]
    features: NDArray[np.int64]
    blocks: Floats
    counts: tuple[int, ...]


def nearest_counts(points: NDArray[np.float64], cells: NDArray[np.float64]) -> tuple[int, ...]:
    """Return how many of the cells lie nearest to each of the points, which rise."""
    between = (points[1:] + points[:-1]) / 2
    places = np.searchsorted(between, cells, side="left")
    return tuple(np.bincount(places, minlength=len(points)).tolist())


def grid_of(cells: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    """Return at most `points` numbers that rise, quantiles from 2 to 98 % of the cells.

    Beyond these there are too few rows for what a network says of them to be more than a guess.
    Where there are few different cells, they are those.
    """
    different = np.unique(cells)
    if len(different) <= points:
        return different
    return np.unique(np.quantile(cells, np.linspace(0.02, 0.98, points)))
