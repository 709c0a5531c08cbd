"""How numbers are brought to a common size: one column, or a whole matrix.

Holds `Standard` (one column) and `MatrixScaling`. Columns of tables with texts and gaps are the
matter of `preprocessor.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset, Preprocessing
from misstep.data.decision import Decision
from misstep.data.stored_json import STRICT, from_plain, to_plain
from misstep.data.table.matrices import numbers_of
from misstep.data.table.table import table_or_refuse
from misstep.data.weights import checked_weights, mean_and_deviation, quantile, skewness
from misstep.errors import DataError

__all__ = ["MatrixScaling", "Standard"]

Floats = NDArray[np.float64]

# A million deviations squared still fit float32 a thousand billion billion times; beyond that a
# network only overflows.
FARTHEST = 1e6
# Numbers that are worked on at a time, 256 KiB of them: as much as the second-level cache of common
# processors holds.
IN_CACHE = 2**15
# Prices and areas have skewness 2 or more (an exponential distribution has exactly 2).
SKEWED = 2.0
# The logarithm has to take away at least this share of the skewness to be worth its bend.
LEAST_STRAIGHTENED = 0.5
# Among a million normal values none lies 6 deviations away (chance 2e-9 each).
FAR = 6.0
# Smooth clipping keeps values within 3: Holzmüller et al. 2024, "Better by default".
CLIP = 3.0
# The quartiles of a normal distribution lie this many deviations apart.
NORMAL_QUARTILES = 1.349


@dataclass(frozen=True)
class Standard:
    """Brings one column to mean 0 and deviation 1: z = (x - center) / scale.

    `log`: x is sign(x)·log(1 + |x|) first. `clip`: z becomes z / √(1 + (z/3)²) afterwards.
    """

    center: float
    scale: float
    log: bool = False
    clip: bool = False

    __pydantic_config__: ClassVar[Any] = STRICT

    def __post_init__(self) -> None:
        if not (np.isfinite(self.center) and np.isfinite(self.scale) and self.scale > 0):
            raise ValueError("center must be finite and scale above 0")

    @classmethod
    def fit(cls, values: Floats, weights: Floats) -> tuple[Standard, str]:
        """Choose from the training values (rows,), finite; also return the reason, maybe empty."""
        values, weights = values[weights > 0], weights[weights > 0]
        reasons: list[str] = []
        few = len(np.unique(values[:1000])) <= 2 and len(np.unique(values)) <= 2
        log = False
        if not few and values.min() >= 0:
            before, after = skewness(values, weights), skewness(np.log1p(values), weights)
            log = before > SKEWED and abs(after) <= (1 - LEAST_STRAIGHTENED) * before
            if log:
                values = np.log1p(values)
                reasons.append(
                    f"logarithm because the skewness falls from {before:.1f} to {after:.1f}"
                )
        center, deviation = mean_and_deviation(values, weights)
        scale = deviation or 1.0
        farthest = float(np.abs(values / scale - center / scale).max()) if deviation else 0.0
        clip = not few and farthest > FAR
        if clip:
            low, high = quantile(values, weights, 0.25), quantile(values, weights, 0.75)
            reason = (
                f"clipped smoothly because a value lies {farthest:.0f} deviations from the mean"
            )
            spread = (high - low) / NORMAL_QUARTILES
            if 0 < spread < np.inf:
                center, scale = quantile(values, weights, 0.5), spread
                reason += "; for the same reason measured from the median in quartile distances"
            reasons.append(reason)
        return cls(float(center), float(scale), bool(log), bool(clip)), "; ".join(reasons)

    def apply(self, values: Floats) -> Floats:
        """Return the scaled values; finite for every finite input."""
        if self.log:
            values = np.copysign(np.log1p(np.abs(values)), values)
        with np.errstate(over="ignore"):
            z = np.clip((values - self.center) / self.scale, -FARTHEST, FARTHEST)
        if self.clip:
            z = z / np.sqrt(1 + np.square(z / CLIP))
        return z


@dataclass(frozen=True)
class MatrixScaling(Preprocessing):
    """Standardizes the columns of a purely numeric array; nothing may be missing.

    `transform`: (rows, features) to float32 (rows, features).
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    kind: Literal["matrix"] = "matrix"
    version: Literal[1] = 1

    __pydantic_config__: ClassVar[Any] = STRICT

    def __post_init__(self) -> None:
        check_columns(self.names, self.centers, self.scales)

    @classmethod
    def fit(
        cls, X: object, sample_weight: object = None, names: Sequence[str] | None = None
    ) -> MatrixScaling:
        """Learn mean and deviation of each column of X: (rows, features), weighted if asked.

        Raises DataError: not such an array, values that are NaN or inf, unfit weights.
        """
        matrix = _matrix(X)
        rows, width = matrix.shape
        titles = tuple(str(name) for name in names or (f"column_{i + 1}" for i in range(width)))
        if len(titles) != width:
            raise DataError("the names", needed=f"{width}, one per column", got=str(len(titles)))
        if rows == 0 or width == 0:
            raise DataError("the data", needed="a row and a column", got=f"shape {matrix.shape}")
        _refuse_gaps(matrix, titles)
        weights = checked_weights(sample_weight, rows)
        fitted = [mean_and_deviation(matrix[:, i], weights) for i in range(width)]
        return cls(titles, tuple(m for m, _ in fitted), tuple(d or 1.0 for _, d in fitted))

    def encode(self, data: Any, target: str) -> tuple[NDArray[np.float32], list[str]]:
        """Return an array, or a table by its columns in their order, as `transform` does."""
        return self.transform(numbers_of(data, self.number_of_features, target)), []

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        """Return a table. Raises DataError for anything else."""
        return table_or_refuse(dataset, source, self.names)

    def transform(self, X: object) -> NDArray[np.float32]:
        """Return X: (rows, features) standardized. Raises DataError for another width, NaN, inf."""
        matrix = _matrix(X)
        if matrix.shape[1] != len(self.names):
            raise DataError(
                "the data",
                needed=f"{len(self.names)} columns, as in training",
                got=str(matrix.shape[1]),
            )
        _refuse_gaps(matrix, self.names)
        centers, scales = np.asarray(self.centers), np.asarray(self.scales)
        result = np.empty(matrix.shape, np.float32)
        # A few rows at a time stay in the processor's cache; whole matrices would go to memory and
        # back four times.
        rows = max(1, IN_CACHE // len(self.names))
        for start in range(0, len(matrix), rows):
            with np.errstate(over="ignore"):
                z = (matrix[start : start + rows] - centers) / scales
            result[start : start + rows] = np.clip(z, -FARTHEST, FARTHEST)
        return result

    @property
    def feature_names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.names)

    @property
    def number_of_features(self) -> int:
        """How many columns `transform` returns."""
        return len(self.names)

    @property
    def decisions(self) -> list[Decision]:
        """What was chosen, and why."""
        return [Decision("columns", "each brought to mean 0 and deviation 1", "all are numbers")]

    def to_json(self) -> dict[str, Any]:
        """Return everything fitted as plain JSON."""
        return to_plain(self)

    @classmethod
    def from_json(cls, plain: object) -> MatrixScaling:
        """Rebuild what `to_json` gave. Raises FileFormatError."""
        return from_plain(cls, plain, "the stored scaling of a matrix")


def check_columns(names: Sequence[str], centers: Sequence[float], scales: Sequence[float]) -> None:
    """Raise ValueError unless each name has a finite center and a finite scale above 0."""
    if not len(names) == len(centers) == len(scales) > 0:
        raise ValueError("names, centers and scales must be equally many, at least one")
    if not (np.isfinite(centers).all() and np.isfinite(scales).all()):
        raise ValueError("centers and scales must be finite")
    if not all(scale > 0 for scale in scales):
        raise ValueError("scales must be above 0")


def _matrix(X: object) -> Floats:
    try:
        array = np.asarray(X)
        if array.dtype.kind == "c":
            raise DataError("the data", needed="real numbers", got="complex ones")
        with np.errstate(over="ignore"):
            matrix = array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            "the data",
            needed="an array of numbers (rows, features)",
            got=str(error),
            try_="a table with named columns, which may hold texts",
        ) from error
    if matrix.ndim != 2:
        raise DataError(
            "the data",
            needed="an array (rows, features)",
            got=f"shape {matrix.shape}",
            try_="reshape(-1, 1) for one column",
        )
    return matrix


def _refuse_gaps(matrix: Floats, names: Sequence[str]) -> None:
    finite = np.isfinite(matrix)
    if finite.all():
        return
    row, column = (int(place) for place in np.argwhere(~finite)[0])
    value = "NaN" if np.isnan(matrix[row, column]) else str(matrix[row, column])
    raise DataError(
        f"column {names[column]!r}",
        needed="finite numbers, neither NaN nor inf",
        got=f"{value} at row {row + 1} ({(~finite).sum()} such values in all)",
        try_="filling them, or a table with named columns, where gaps are filled for you",
    )
