"""How far predicted numbers are from the true ones, in the target's own unit.

Knows numbers; which of thousands of rows are worth a dot in a drawing is said here as well, so that
every drawing of the same rows has the same dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Target
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling.held_out import HeldOut

__all__ = ["Residuals", "residuals_of", "spread_out"]

# Dots that a drawing can take and that a page can hold.
MOST_SHOWN = 800
# A quarter of these are the largest residuals, which an even choice would miss.
SHARE_OF_LARGEST = 0.25
LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Residuals:
    """Predicted numbers beside true ones, (rows,) each, in the target's unit.

    `rows`: which of the held-out rows these are, (rows,): all, or those with finite numbers;
    `left_out`: how many are not. `shown`: positions among them that are worth a dot, rising: those
    with the largest residuals, and others evenly over the predictions. `logarithm`: whether the
    logarithm of the target was learned, so that what counts is by which factor one errs.
    """

    name: str
    predicted: Array
    truth: Array
    rows: Array
    shown: Array
    logarithm: bool = False
    left_out: int = 0

    @property
    def residuals(self) -> Array:
        """Return the truth less what was predicted, (rows,)."""
        return np.asarray(self.truth - self.predicted)

    @property
    def quantiles(self) -> dict[float, float]:
        """Return the quantiles of the residuals by `LEVELS`, from the least to the greatest."""
        if not len(self.truth):
            return {}
        numbers = np.quantile(self.residuals, LEVELS)
        return dict(zip(LEVELS, map(float, numbers), strict=True))

    @property
    def ratio_quantiles(self) -> dict[float, float]:
        """Return the quantiles of truth over prediction; empty unless all are above 0."""
        if not len(self.truth) or min(self.truth.min(), self.predicted.min()) <= 0:
            return {}
        numbers = np.quantile(self.truth / self.predicted, LEVELS)
        return dict(zip(LEVELS, map(float, numbers), strict=True))

    def plain(self) -> dict[str, Any]:
        """Return the quantiles and the rows shown as plain JSON."""
        return {
            "target": self.name,
            "rows": len(self.truth),
            "left_out": self.left_out,
            "quantiles": {f"{level:g}": number for level, number in self.quantiles.items()},
            "shown": [
                {"predicted": float(self.predicted[at]), "true": float(self.truth[at])}
                for at in self.shown
            ],
        }


def residuals_of(held_out: HeldOut, target: Target, *, most_shown: int = MOST_SHOWN) -> Residuals:
    """Return how far predicted numbers are from the true ones.

    most_shown: how many rows at most are marked to be shown. Raises ArgumentError where classes are
    predicted.
    """
    if not target.is_number:
        raise ArgumentError("residuals", needed="a number", got=f"{target.name}, {target.task}")
    predicted = np.asarray(target.decode_outputs(held_out.outputs.reshape(-1)), np.float64)
    truth = np.asarray(target.decode(held_out.answers.reshape(-1)), np.float64)
    finite = np.isfinite(predicted) & np.isfinite(truth)
    rows = np.flatnonzero(finite)
    predicted, truth = predicted[rows], truth[rows]
    return Residuals(
        target.name,
        predicted,
        truth,
        rows,
        spread_out(predicted, truth - predicted, most_shown),
        target.logarithm is not None,
        int((~finite).sum()),
    )


def spread_out(places: Array, sizes: Array, most: int) -> Array:
    """Return positions of at most `most` of (rows,), rising: the largest, and others evenly.

    `sizes`: whose largest absolute ones are kept; `places`: over which the others are spread, by
    rank. The same numbers give the same rows.
    """
    count = len(places)
    if count <= most:
        return np.arange(count)
    largest = np.argsort(-np.abs(sizes), kind="stable")[: int(most * SHARE_OF_LARGEST)]
    others = np.setdiff1d(np.arange(count), largest)
    order = others[np.argsort(places[others], kind="stable")]
    even = np.linspace(0, len(order) - 1, most - len(largest)).round().astype(np.int64)
    return np.union1d(largest, order[np.unique(even)])
