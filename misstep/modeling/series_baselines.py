"""What a forecast must be compared with: the last value, the season before, and a line on lags.

They are judged at the same origins as the network, and learn from the same past.
"""

from __future__ import annotations

import numpy as np

from misstep.data import Series, thinned
from misstep.ir import Array
from misstep.modeling.baselines import Baseline
from misstep.modeling.forecast import BackTest
from misstep.modeling.metrics import Scores, number_scores

# The linear model looks back a day of hours, two years of months, or one season that is longer.
LAGS = 24
# Rows from which it learns at most.
MOST_ROWS = 50_000


def series_baselines(
    series: Series, past: int, horizon: int, season: int, test: BackTest
) -> list[Baseline]:
    """Return the baselines for the origins of `test`; the first `past` rows may be learned from.

    `season`: in steps; 0 where there is none, and then no baseline for it.
    """
    steps = np.arange(1, horizon + 1)
    baselines = [
        Baseline(
            "last_value",
            "the last value",
            "said for each step ahead",
            lambda: number_scores(np.repeat(test.last[:, None], horizon, axis=1), test.truth),
        )
    ]
    if season:
        # Of the latest season that is known at the origin.
        before = test.origins[:, None] + steps - -(-steps // season) * season
        baselines.append(
            Baseline(
                "seasonal",
                "the season before",
                f"the value {season} steps before",
                lambda: number_scores(series.target[before], test.truth),
            )
        )
    lags = min(max(LAGS, season), past // 4)
    baselines.append(
        Baseline(
            "linear",
            "a linear model on lags",
            f"ridge regression on the last {lags} values",
            lambda: _ridge_scores(series.target, past, lags, horizon, test),
        )
    )
    return baselines


def _ridge_scores(
    values: Array, past: int, lags: int, horizon: int, test: BackTest
) -> Scores | None:
    """Return the scores of ridge regression on standardized values, as people would set it up."""
    from sklearn.linear_model import Ridge

    mean, deviation = values[:past].mean(), values[:past].std()
    if not lags or deviation == 0:
        return None
    z = (values - mean) / deviation
    windows = np.lib.stride_tricks.sliding_window_view(z, lags)
    ahead = np.lib.stride_tricks.sliding_window_view(z, horizon)
    origins = np.arange(lags - 1, past - horizon)
    if len(origins) < 2:
        return None
    origins = thinned(origins, MOST_ROWS)
    model = Ridge(1.0).fit(windows[origins - lags + 1], ahead[origins + 1])
    predicted = model.predict(windows[test.origins - lags + 1])
    predicted = predicted.reshape(len(test.origins), horizon)
    return number_scores(predicted * deviation + mean, test.truth)
