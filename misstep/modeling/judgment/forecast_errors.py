"""How far a forecast errs at each step ahead, and whether its interval holds what it says.

The interval of a model is made from all errors of its back-test, so those can't judge it. What is
judged here is how it is made: from the errors that were known when the later half of the back-test
began, on that later half. Knows back-tests, no drawings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Series, SeriesWindows
from misstep.ir import Array
from misstep.modeling.forecast import SHARE, BackTest, forecast_interval

__all__ = ["ForecastErrors", "forecast_errors_of"]

# Forecasts in each half, below which a share within the interval says nothing.
FEWEST = 10


@dataclass(frozen=True)
class ForecastErrors:
    """Errors of a back-test by step ahead, (horizon,) each.

    `errors`: mean absolute error in the target's unit, NaN where nothing was measured;
    `last_value`: that of saying the last value again; `counts`: of how many forecasts. `within`:
    the share of truths of the later half that lay in an interval made from the earlier half, which
    should be `share`; `judged`: of how many. None where there are too few forecasts.
    """

    name: str
    errors: Array
    last_value: Array
    counts: Array
    share: float
    within: Array | None
    judged: Array | None

    @property
    def within_of_all(self) -> float | None:
        """Return the share within the interval over all steps; None where nothing was judged."""
        if self.within is None or self.judged is None or not self.judged.any():
            return None
        known = self.judged > 0
        return float((self.within[known] * self.judged[known]).sum() / self.judged.sum())

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "target": self.name,
            "errors": self.errors.tolist(),
            "last_value": self.last_value.tolist(),
            "counts": self.counts.tolist(),
            "share": self.share,
            "within": None if self.within is None else self.within.tolist(),
            "judged": None if self.judged is None else self.judged.tolist(),
        }


def forecast_errors_of(
    back_test: BackTest, windows: SeriesWindows, series: Series
) -> ForecastErrors:
    """Return the errors of a back-test of `series` by step; windows: of the model."""
    within = judged = None
    horizon = back_test.predicted.shape[1]
    middle = len(back_test.origins) // 2
    later = np.arange(len(back_test.origins)) >= middle
    # Only what was known when the later half began.
    earlier = back_test.origins + horizon <= back_test.origins[middle]
    if min(int(earlier.sum()), int(later.sum())) >= FEWEST:
        interval, _ = forecast_interval(windows, _part(back_test, earlier), series)
        part = _part(back_test, later)
        errors = windows.level(part.truth) - windows.level(part.predicted)
        inside = (errors >= np.array(interval.lower)) & (errors <= np.array(interval.upper))
        judged = part.known.sum(axis=0)
        counts = (inside & part.known).sum(axis=0)
        within = np.where(judged > 0, counts / np.maximum(judged, 1), np.nan)
    return ForecastErrors(
        windows.plan.target,
        back_test.by_step(),
        back_test.last_value_by_step(),
        back_test.known.sum(axis=0),
        SHARE,
        within,
        judged,
    )


def _part(back_test: BackTest, chosen: Array) -> BackTest:
    return BackTest(
        back_test.origins[chosen],
        back_test.predicted[chosen],
        back_test.truth[chosen],
        back_test.last[chosen],
        back_test.known[chosen],
    )
