"""`Calibration`: how far predicted numbers were off on rows not learned from; honest intervals.

Split conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world",
2005; Lei and others, "Distribution-free predictive inference for regression", 2018): of n rows that
the model did not learn from and one more from where they came, each place in the order of the n + 1
errors is as likely as any other. So the k-th smallest of the n errors is not exceeded by the new
one with a chance of at least k / (n + 1), whatever the model and the distribution are. Errors are
taken on the scale that was learned, so that those of a logarithm are shares. Knows no network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Target
from misstep.errors import ArgumentError, DataError, FileFormatError
from misstep.ir import Array
from misstep.text.counts import counted

__all__ = ["Calibration"]

# Of more rows, so many drawn ones: the place of a quantile is known to 0.3 % by then,
# √(0.9 · 0.1 / 10,000).
MOST_ROWS = 10_000
SEED = 0
# Rounding of shares such as 0.9, which floats do not hold: 0.9 · 10 must be place 9.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Calibration:
    """Errors of predictions on rows not learned from.

    `errors`: answer less prediction as the network has them, (rows, outputs), each column sorted.
    `sizes`: the same without their signs, sorted. `split`: which rows they are of.
    """

    errors: Array
    split: str

    @classmethod
    def of(cls, outputs: Array, answers: Array, target: Target, split: str) -> Calibration | None:
        """Return the errors of `outputs` beside encoded `answers`, both (rows,) or (rows, outputs).

        None where a number is not finite, or there is no row.
        """
        rows = len(answers)
        if not rows:
            return None
        said = np.asarray(target.bounded(outputs), "float64").reshape(rows, -1)
        errors = np.asarray(answers, "float64").reshape(rows, -1) - said
        if not np.isfinite(errors).all():
            return None
        if rows > MOST_ROWS:
            errors = errors[np.random.default_rng(SEED).permutation(rows)[:MOST_ROWS]]
        return cls(np.sort(errors, axis=0), split)

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def sizes(self) -> Array:
        """Return the errors without their signs, (rows, outputs), each column sorted."""
        return np.sort(np.abs(self.errors), axis=0)

    def interval(self, outputs: Array, coverage: float, target: Target) -> Array:
        """Return between what the answers lie, (rows, 2) or (rows, outputs, 2).

        `coverage`: of so many answers in 1, or a little more; above 0, below 1. outputs: (rows,) or
        (rows, outputs), as the network has them. Both ends are as far from the prediction, on the
        scale that was learned: fewer rows say how far than on either side apart. Raises
        ArgumentError where there are too few rows for it.
        """
        _check_share("coverage", coverage)
        rows = len(self)
        place = math.ceil(coverage * (rows + 1) - ROUNDING)
        if place > rows:
            needed = math.ceil(coverage / (1 - coverage) - ROUNDING)
            raise self._too_few(f"an interval that covers {coverage:.4g}", needed)
        centers = self._centers(outputs, target)
        far = self.sizes[place - 1]
        ends = np.stack([centers - far, centers + far], axis=-1)
        return self._decoded(ends, target)

    def quantiles(self, outputs: Array, shares: Sequence[float], target: Target) -> Array:
        """Return what so large a share of answers is not above, (rows, shares) or (…, shares).

        Of a share above a half, at least that share of answers is not above; of one below, at most:
        whoever takes the ends of an interval has it on the safe side. Raises ArgumentError where
        there are too few rows for one of `shares`.
        """
        rows = len(self)
        places = []
        for share in shares:
            _check_share("quantiles", share)
            exact = share * (rows + 1)
            place = math.ceil(exact - ROUNDING) if share >= 0.5 else math.floor(exact + ROUNDING)
            if not 1 <= place <= rows:
                tail = min(share, 1 - share)
                raise self._too_few(f"the quantile {share:.4g}", math.ceil(1 / tail - ROUNDING) - 1)
            places.append(place - 1)
        centers = self._centers(outputs, target)
        return self._decoded(centers[..., np.newaxis] + self.errors[places].T, target)

    def _centers(self, outputs: Array, target: Target) -> Array:
        said = np.asarray(target.bounded(outputs), "float64")
        return said.reshape(len(said), self.errors.shape[1])

    def _decoded(self, ends: Array, target: Target) -> Array:
        """Return encoded ends, (rows, outputs, ends), in the target's unit; one output has none."""
        found = np.asarray(np.moveaxis(target.decode(np.moveaxis(ends, 1, -1)), -1, 1))
        return found[:, 0] if found.shape[1] == 1 else found

    def _too_few(self, what: str, needed: int) -> ArgumentError:
        return ArgumentError(
            what,
            needed=f"{counted(needed, 'row')} that it did not learn from",
            got=f"{len(self)}, of {self.split}",
            try_="calibrate(X, y) with more rows of your own, or a smaller coverage",
        )

    def to_file(self) -> tuple[dict[str, Any], Array]:
        """Return what a model file keeps: plain JSON, and the errors."""
        return {"split": self.split}, self.errors

    @classmethod
    def from_file(cls, plain: Any, errors: Array | None, outputs: int) -> Calibration:
        """Rebuild what `to_file` gave, for so many outputs. Raises FileFormatError."""
        good = (
            isinstance(plain, dict)
            and set(plain) == {"split"}
            and isinstance(plain["split"], str)
            and errors is not None
            and errors.dtype == np.float64
            and errors.ndim == 2
            and errors.shape[1] == outputs
            and 0 < len(errors) <= MOST_ROWS
            and bool(np.isfinite(errors).all())
            and bool((np.diff(errors, axis=0) >= 0).all())
        )
        if not good:
            raise FileFormatError("the calibration", needed="sorted errors of each output")
        assert errors is not None
        return cls(errors, plain["split"])


def without_calibration(what: str) -> DataError:
    """Return the error of who asks a model for intervals that knows no errors."""
    return DataError(
        what,
        needed="rows that it did not learn from, by whose errors it goes",
        got="none were set apart",
        try_="calibrate(X, y) with rows of your own, or fit with validation rows",
    )


def _check_share(what: str, share: Any) -> None:
    number = isinstance(share, int | float | np.number) and not isinstance(share, bool)
    if not number or not 0 < share < 1:
        raise ArgumentError(what, needed="above 0 and below 1, such as 0.9", got=repr(share))
