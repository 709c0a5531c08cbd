"""Curves as a page draws them: some hundred points for any number of updates, and no peak lost.

Each point stands for a span of updates: the mean, and the lowest and highest number in it. Knows
records and arrays; nothing of pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.record import Record

__all__ = ["POINTS", "Curve", "curves_of", "envelope"]

Array = npt.NDArray[Any]

# As many as a screen that is 1,400 pixels wide shows apart, with two pixels for each.
POINTS = 400
# Beyond that many figures nobody sees a difference, and an answer would be twice as long.
FIGURES = 6
# Numbers of epochs that have a curve of their own, if the record has them.
_OF_EPOCHS = (
    *("training_loss", "validation_loss", "validation_accuracy", "validation_rmse"),
    "rows_per_second",
)


@dataclass(frozen=True)
class Curve:
    """A curve. `steps`, `mean`, `low`, `high`: (points,), the last update of each span, numbers."""

    name: str
    steps: Array
    mean: Array
    low: Array
    high: Array

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON; low and high are left out where they say nothing."""
        told = {"x": self.steps.tolist(), "mean": _short(self.mean)}
        if not np.array_equal(self.low, self.high, equal_nan=True):
            told |= {"low": _short(self.low), "high": _short(self.high)}
        return told


def curves_of(record: Record, points: int = POINTS) -> dict[str, Curve]:
    """Return the curves of a run by their names: loss and learning rate, and those of epochs."""
    steps = record.steps
    curves: dict[str, Curve] = {}
    if len(steps["step"]):
        ends = steps["lowest"], steps["highest"]
        curves["loss"] = envelope("loss", steps["step"], steps["loss"], *ends, points)
        rate = steps["learning_rate"]
        curves["learning_rate"] = envelope("learning_rate", steps["step"], rate, rate, rate, points)
    for name in _OF_EPOCHS:
        at = [epoch for epoch in record.epochs if name in epoch]
        if at:
            places = np.array([int(epoch["step"]) for epoch in at], "int64")
            numbers = np.array([epoch[name] for epoch in at], "float64")
            # Of a resumed run, an epoch may be told twice.
            places, first = np.unique(places, return_index=True)
            numbers = numbers[first]
            curves[name] = envelope(name, places, numbers, numbers, numbers, points)
    return curves


def envelope(
    name: str, steps: Array, mean: Array, low: Array, high: Array, points: int = POINTS
) -> Curve:
    """Return a curve of at most `points` spans, of which each is as many updates long.

    `steps`: (entries,) rising, the last update of each entry, which stands for those since the one
    before; `mean`, `low`, `high`: (entries,). Numbers that are not finite are left out of a span;
    one with nothing else is NaN.
    """
    count = len(steps)
    if count == 0 or count <= points:
        return Curve(name, steps, _finite(mean), _finite(low), _finite(high))
    began = int(steps[0])
    span = max(int(steps[-1]) - began + 1, 1)
    places = (steps - began) * points // span
    first = np.flatnonzero(np.diff(places, prepend=-1))
    # Updates that an entry stands for.
    weights = np.diff(steps, prepend=steps[0] - 1).astype("float64")
    usable = np.isfinite(mean)
    weighted = np.where(usable, mean, 0.0) * weights
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(weighted, first)
        totals = np.add.reduceat(np.where(usable, weights, 0.0), first)
        means = np.where(totals > 0, sums / totals, np.nan)
    ends = np.append(first[1:], count) - 1
    return Curve(
        name,
        steps[ends],
        means,
        np.fmin.reduceat(_finite(low), first),
        np.fmax.reduceat(_finite(high), first),
    )


def _finite(numbers: Array) -> Array:
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _short(numbers: Array) -> list[float | None]:
    """Return numbers with few figures; None where there is none."""
    with np.errstate(all="ignore"):
        size = np.where(numbers == 0, 1.0, np.abs(numbers))
        places = FIGURES - 1 - np.floor(np.log10(size))
        # Of numbers beyond all measure, powers of ten are none.
        scale = 10.0 ** np.clip(places, -300, 300)
        rounded = np.round(numbers * scale) / scale
        usable = np.isfinite(rounded)
        rounded = np.where(usable | ~np.isfinite(numbers), rounded, numbers)
    return [number if number == number else None for number in rounded.tolist()]
