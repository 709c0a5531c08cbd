"""Which season a series has: what its step suggests, confirmed by the values, or found from them.

Knows numbers in their order. A season counts only where the changes from step to step resemble
those of one season before: levels resemble each other in every series that moves slowly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from misstep.data.series.time_steps import LONGEST_SEASON, Step
from misstep.text.figures import true_minus

__all__ = ["find_season"]

# Two whole seasons are the least from which repetition can be seen at all.
FEWEST_SEASONS = 2
# The autocorrelation of n values without any is about normal with deviation 1/√n (Bartlett, 1946):
# 3 of them come by chance once in 700 tries.
DEVIATIONS = 3.0
# A weaker resemblance, though it may be certain in a long series, helps no forecast.
LEAST_CORRELATION = 0.08
# Without a calendar many lengths are tried, so that chance has many more tries.
LEAST_WITHOUT_CALENDAR = 0.3
# Whole multiples of a season repeat as well as it does: a longer one has to repeat clearly better.
NEARLY_AS_GOOD = 0.8


def find_season(values: NDArray[np.float64], step: Step) -> tuple[int, str]:
    """Return the length of the season in steps, 0 for none, and why.

    values: (rows,), of the past only. Of several that repeat about equally well the shortest
    is returned.
    """
    changes = np.diff(values)
    repeating: list[tuple[float, int, str]] = []
    shares: list[str] = []
    for length, name in step.seasons:
        if len(values) < FEWEST_SEASONS * length:
            continue
        share = _correlation(changes, length)
        shares.append(f"{_figure(share)} for {name}")
        if share >= _least(len(changes), LEAST_CORRELATION):
            repeating.append((share, length, name))
    if repeating:
        least = NEARLY_AS_GOOD * max(repeating)[0]
        share, length, name = next(season for season in repeating if season[0] >= least)
        return length, (
            f"{name} has {length} steps, and the changes resemble those {length} steps before "
            f"(correlation {_figure(share)})"
        )
    if shares:
        return 0, f"changes do not repeat (correlation {', '.join(shares)})"
    if step.unit != "row":
        return 0, f"a step of {step.one} has no season that {len(values):,} rows could show"
    return _without_calendar(changes, len(values))


def _without_calendar(changes: NDArray[np.float64], rows: int) -> tuple[int, str]:
    """Return the length after which changes repeat best, where that stands out from its sides."""
    longest = min(rows // 3, LONGEST_SEASON)
    shares = {length: _correlation(changes, length) for length in range(2, longest + 2)}
    peaks = [
        (shares[length], length)
        for length in range(longest, 2, -1)
        if shares[length] > max(shares[length - 1], shares[length + 1])
        and shares[length] >= _least(rows, LEAST_WITHOUT_CALENDAR)
    ]
    if not peaks:
        return 0, "the changes do not repeat after any number of steps"
    least = NEARLY_AS_GOOD * max(peaks)[0]
    share, length = next(peak for peak in reversed(peaks) if peak[0] >= least)
    return length, f"the changes repeat after {length} steps (correlation {_figure(share)})"


def _least(changes: int, least: float) -> float:
    return max(DEVIATIONS / np.sqrt(max(changes, 1)), least)


def _correlation(changes: NDArray[np.float64], length: int) -> float:
    """Return the autocorrelation of `changes` at the distance `length`."""
    if len(changes) <= length:
        return 0.0
    around = changes - changes.mean()
    whole = float(around @ around)
    return float(around[length:] @ around[:-length]) / whole if whole > 0 else 0.0


def _figure(share: float) -> str:
    return true_minus(f"{share:.2f}")
