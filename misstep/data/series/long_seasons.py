"""A long season found in the values themselves: a year in days, eleven years in months.

Knows numbers in their order. Changes from step to step hide a long season behind their noise, so
levels are compared here: values one season apart differ less than those half a season less or more
apart. In a walk or a trend differences only grow with the distance, and there is no such dip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from misstep.data.series.time_steps import DAY, LONGEST_SEASON, Step

__all__ = ["LongSeason", "find_long_season"]

# So many seasons must have gone by for a length that nobody named, and for one of the calendar.
FEWEST_ROUNDS, FEWEST_YEARS = 6, 3
# Mean squared differences over one season, as a share of those over half a season less and more, in
# the whole past and in each half of it. Of 2,700 walks, noises, means of 30 and autoregressions up
# to .98 with 300, 1000 and 3000 values, one had such a dip anywhere; yearly temperatures by the day
# have .28, sunspots by the month .40.
DEEPEST, DEEPEST_OF_HALVES = 0.5, 0.65
# One length of the calendar has one try instead of hundreds.
DEEPEST_YEAR = 0.75
# Shorter ones show in the changes from step to step.
SHORTEST = 20
# What is left of the values once trend and season are out; less is their rounding.
LEAST_LEFT = 1e-6
# Whole multiples of a season repeat as it does: a longer one must stand out from its neighbors.
DEEPEST_MULTIPLE = 0.75
# Lengths this near one another can't be told apart: the middle of those that do about as well.
NEARLY = 0.05
A_YEAR = 365


@dataclass(frozen=True)
class LongSeason:
    """A season in steps; `dip`: mean squared differences over it, as a share of those beside it."""

    length: int
    dip: float
    name: str = ""

    @property
    def reason(self) -> str:
        """Return why it is one, in words."""
        said = f"{self.name} has {self.length} steps, and " if self.name else ""
        return (
            f"{said}values {self.length} steps apart differ less than those half of that nearer "
            f"or farther ({self.dip:.2f} of their mean squared difference), early and late in the "
            "past"
        )


def find_long_season(
    values: NDArray[np.float64], measured: NDArray[np.bool_], step: Step, shorter: int = 0
) -> LongSeason | None:
    """Return the long season of `values`, or None.

    values: (rows,), of the past only; measured: (rows,), false where they were filled in. shorter:
    a season in steps that is known already, 0 for none; whole multiples of it are not found again.
    """
    if measured.sum() < FEWEST_ROUNDS * SHORTEST:
        return None
    level = _without_trend(values, measured)
    if shorter:
        level = _without_season(level, measured, shorter)
    if level[measured].std() <= LEAST_LEFT * values[measured].std():
        return None
    if step.unit == "second" and step.count == DAY:
        year = _year(level, measured)
        if year is not None:
            return year
    longest = min(LONGEST_SEASON, len(level) // FEWEST_ROUNDS)
    shortest = max(SHORTEST, 2 * shorter)
    if longest < shortest:
        return None
    differences = _differences(level, measured, longest + longest // 2 + 1)
    lengths = np.arange(shortest, longest + 1)
    dips = _dips(differences, lengths)
    best = int(dips.argmin())
    # One at the end of all lengths tried may only be on the way to a longer one.
    if dips[best] > DEEPEST or best in (0, len(lengths) - 1):
        return None
    near = lengths[(dips <= dips[best] + NEARLY) & (np.abs(lengths / lengths[best] - 1) <= NEARLY)]
    length = round(float(near.mean()))
    if shorter and length % shorter == 0:
        nearest = (differences[length - shorter] + differences[length + shorter]) / 2
        if differences[length] > DEEPEST_MULTIPLE * nearest:
            return None
    if not _in_both_halves(level, measured, length, DEEPEST_OF_HALVES):
        return None
    return LongSeason(length, float(dips[length - shortest]))


def _year(level: NDArray[np.float64], measured: NDArray[np.bool_]) -> LongSeason | None:
    if len(level) < FEWEST_YEARS * A_YEAR:
        return None
    differences = _differences(level, measured, A_YEAR + A_YEAR // 2 + 1)
    (dip,) = _dips(differences, np.array([A_YEAR]))
    if dip > DEEPEST_YEAR or not _in_both_halves(level, measured, A_YEAR, 1.0):
        return None
    return LongSeason(A_YEAR, float(dip), "a year")


def _in_both_halves(
    level: NDArray[np.float64], measured: NDArray[np.bool_], length: int, deepest: float
) -> bool:
    """Tell whether both halves of the past have the dip."""
    # A year of the calendar may fill a half only once and a half.
    middle = len(level) // 2
    most = length + length // 2 + 1
    for part in (slice(0, middle), slice(middle, None)):
        if len(level[part]) <= most:
            part = slice(0, most + 1) if part.start == 0 else slice(len(level) - most - 1, None)
        if not measured[part].any():
            return False
        (dip,) = _dips(_differences(level[part], measured[part], most), np.array([length]))
        if dip > deepest:
            return False
    return True


def _dips(differences: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean squared difference over each length, as a share of those beside it."""
    beside = (differences[lengths // 2] + differences[lengths + lengths // 2]) / 2
    shares = np.ones(len(lengths))
    return np.divide(differences[lengths], beside, out=shares, where=beside > 0)


def _differences(
    level: NDArray[np.float64], measured: NDArray[np.bool_], most: int
) -> NDArray[np.float64]:
    """Return the mean squared difference of values that lie 0 to `most` steps apart.

    Of those that were measured, by the theorem of Wiener and Khinchin: sums of products over all
    distances are one product of transforms.
    """
    size = 1 << int(np.ceil(np.log2(len(level) + most + 1)))
    known = measured.astype(np.float64)
    centered = np.where(measured, level - level[measured].mean(), 0.0)
    there, value = np.fft.rfft(known, size), np.fft.rfft(centered, size)
    square = np.fft.rfft(centered**2, size)

    def sums(products: NDArray[np.complex128]) -> NDArray[np.float64]:
        return np.fft.irfft(products, size)[: most + 1]

    pairs = np.maximum(sums(there * there.conj()), 1.0)
    squares = sums(square * there.conj()) + sums(there * square.conj())
    return np.maximum((squares - 2 * sums(value * value.conj())) / pairs, 0.0)


def _without_trend(values: NDArray[np.float64], measured: NDArray[np.bool_]) -> NDArray[np.float64]:
    times = np.linspace(-1.0, 1.0, len(values))
    slope, level = np.polyfit(times[measured], values[measured], 1)
    return np.asarray(values - slope * times - level)


def _without_season(
    level: NDArray[np.float64], measured: NDArray[np.bool_], season: int
) -> NDArray[np.float64]:
    """Return values less the mean of their place in the season."""
    place = np.arange(len(level)) % season
    counts = np.maximum(np.bincount(place[measured], minlength=season), 1)
    means = np.bincount(place[measured], level[measured], season) / counts
    return np.asarray(level - means[place])
