"""Mean and deviation of rows, fitted on those to learn from, and rows brought to 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from misstep.ir import Array
from misstep.storage import MappedRows, spaced_rows
from misstep.trials.setting import Judged, NotApplicableError

# Numbers between these deviations, whose mean is within so many of them, are scaled well enough.
LEAST, MOST, OFF_CENTER = 0.3, 3.0, 1.0
# From how many numbers in a row on one scale holds for all at the last axis' place, as of pixels.
WIDE = 3


def some_of(numbers: Array | MappedRows) -> Array:
    """Return rows as they are; of those in a file some, evenly spaced."""
    if not isinstance(numbers, MappedRows):
        return numbers
    return np.asarray(numbers.take(spaced_rows(numbers)))


@dataclass(frozen=True)
class Scaling:
    """Mean and deviation of each column, or of each channel where a row has axes."""

    mean: Array
    deviation: Array

    @property
    def changes_little(self) -> bool:
        """Return whether numbers are about so already."""
        varying = self.deviation > 0
        if not varying.any():
            return True
        mean, deviation = self.mean[varying], self.deviation[varying]
        good = (deviation >= LEAST) & (deviation <= MOST) & (np.abs(mean) <= OFF_CENTER * deviation)
        return bool(good.all())

    def __call__(self, numbers: Array) -> Array:
        """Return numbers as this scaling has them."""
        safe = np.where(self.deviation > 0, self.deviation, 1.0)
        scaled: Array = ((numbers - self.mean) / safe).astype(numbers.dtype)
        return scaled

    def of_inputs(self, rows: Judged) -> Judged:
        """Return rows with scaled inputs. Raises NotApplicableError for rows of a file."""
        if isinstance(rows.x, MappedRows):
            raise NotApplicableError("its rows lie in a file, which has them as they are")
        return replace(rows, x=self(rows.x))

    def of_answers(self, rows: Judged) -> Judged:
        """Return rows with scaled answers."""
        return replace(rows, y=self(rows.y))


def scaling_of(numbers: Array) -> Scaling:
    """Return the scaling of `numbers` (rows, …): of each column, or of each last place."""
    wide = some_of(numbers).astype("float64")
    axes = 0 if wide.ndim < WIDE else tuple(range(wide.ndim - 1))
    return Scaling(np.asarray(wide.mean(axis=axes)), np.asarray(wide.std(axis=axes)))
