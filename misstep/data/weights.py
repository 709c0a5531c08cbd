"""Means, deviations and quantiles of weighted rows, exactly as if rows were repeated.

Knows arrays only. Large numbers are scaled before they are squared, so that no finite input gives
an infinite or undefined result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from misstep.errors import DataError
from misstep.ir.masks import refuse_mask

__all__ = ["checked_weights", "mean_and_deviation", "quantile", "skewness"]

Floats = NDArray[np.float64]


def checked_weights(weights: object, rows: int) -> Floats:
    """Return weights (rows,) as floats; None means 1 for each row.

    Raises DataError: wrong number, negative, infinite, not numbers, or all zero.
    """
    if weights is None:
        return np.ones(rows)
    weights = refuse_mask(weights, "sample_weight", "a weight of 0 where a row does not count")
    try:
        given = np.asarray(weights)
        if given.dtype.kind in "cmMV":
            # As floats they would lose a part, or be counts of whatever unit they are stored in.
            raise DataError("sample_weight", needed="real numbers", got=str(given.dtype))
        # A number beyond float64 is infinite, and refused as that.
        with np.errstate(over="ignore"):
            array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError("sample_weight", needed="numbers", got=str(error)) from error
    if array.ndim == 0:
        array = np.full(rows, float(array))
    if array.shape != (rows,):
        raise DataError(
            "sample_weight",
            needed=f"one number per row, shape ({rows},)",
            got=f"shape {array.shape}",
        )
    bad = np.flatnonzero(~np.isfinite(array) | (array < 0))
    if bad.size:
        raise DataError(
            "sample_weight",
            needed="finite numbers of at least 0",
            got=f"{array[bad[0]]} at row {bad[0] + 1}",
        )
    if not array.any():
        raise DataError("sample_weight", needed="at least one weight above 0", got="only zeros")
    return array


def mean_and_deviation(values: Floats, weights: Floats) -> tuple[float, float]:
    """Return the weighted mean and standard deviation (divided by the sum of weights).

    `values`, `weights`: (rows,), finite. A column without spread has deviation 0 exactly.
    """
    values, weights = values[weights > 0], weights[weights > 0]
    lowest, highest = values.min(), values.max()
    if lowest == highest:
        return float(lowest), 0.0
    size = max(abs(lowest), abs(highest))
    shares = weights / weights.max()
    total = shares.sum()
    scaled = values / size
    mean = float((scaled * shares).sum() / total)
    variance = float((np.square(scaled - mean) * shares).sum() / total)
    deviation = float(np.sqrt(variance))
    # Less than a few units in the last place of the values is rounding, not spread.
    if deviation <= 4 * np.finfo(np.float64).eps * abs(mean):
        return float(mean * size), 0.0
    return float(mean * size), float(deviation * size)


def quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the smallest value below or at which at least `share` of the weight lies."""
    values, weights = values[weights > 0], weights[weights > 0]
    order = np.argsort(values, kind="stable")
    running = np.cumsum((weights / weights.max())[order])
    # The tolerance keeps sums of fractions from missing a bound that they reach exactly.
    index = np.searchsorted(running, share * running[-1] * (1 - 1e-12), side="left")
    return float(values[order][min(int(index), len(values) - 1)])


def skewness(values: Floats, weights: Floats) -> float:
    """Return the weighted third standardized moment, 0 for a column without spread."""
    values, weights = values[weights > 0], weights[weights > 0]
    size = float(np.abs(values).max())
    if size == 0:
        return 0.0
    mean, deviation = mean_and_deviation(values / size, weights)
    if deviation == 0:
        return 0.0
    shares = weights / weights.sum()
    with np.errstate(over="ignore", invalid="ignore"):
        result = float((((values / size - mean) / deviation) ** 3 * shares).sum())
    return result if np.isfinite(result) else 0.0
