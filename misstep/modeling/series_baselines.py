"""What a forecast must be compared with: last value, season before, line on lags, the mean.

They are judged at the same origins as the network, on what was measured, and learn from the same
past. The line sees all that the network sees: as many steps back, the other columns, the calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from misstep.data import Series, SeriesWindows, thinned
from misstep.data.series.time_steps import SIZES
from misstep.ir import Array, one_blas_thread
from misstep.modeling.baselines import Baseline
from misstep.modeling.forecast import BackTest
from misstep.modeling.metrics import Scores
from misstep.modeling.ridge import Ridge
from misstep.modeling.window_choice import Shape

# It looks back a day of hours, two years of months, or one season that is longer, where the network
# looks back less.
LAGS = 24
# Rows from which it learns at most, and those of the past on which its form is chosen.
MOST_ROWS, CHOOSING = 50_000, 0.2
# From one that takes what is there nearly as it is to one that asks for clear effects.
PENALTIES = (1.0, 100.0)


def series_baselines(
    series: Series, past: int, shape: Shape, season: int, test: BackTest
) -> list[Baseline]:
    """Return the baselines for the origins of `test`; the first `past` rows may be learned from.

    `shape`: of the network's rows. `season`: in steps; 0 where there is none, and then no baseline
    for it.
    """
    windows = shape.windows
    horizon = windows.horizon
    steps = np.arange(1, horizon + 1)
    baselines = [
        Baseline(
            "last_value",
            "the last value",
            "said for each step ahead",
            lambda: test.scores_of(np.repeat(test.last[:, None], horizon, axis=1)),
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
                lambda: test.scores_of(series.target[before]),
            )
        )
    lags = max(windows.window, min(max(LAGS, season), past // 4))
    seen = f"the last {lags} values"
    if series.plan.inputs:
        seen += " of each column"
    if windows.calendar:
        seen += f" and {', '.join(windows.calendar)}"
    baselines.append(
        Baseline(
            "linear",
            "a linear model on lags",
            f"ridge regression on {seen}",
            lambda: _ridge_scores(series, past, windows, lags, test),
        )
    )
    mean = float(series.target[:past][series.measured[:past]].mean())
    baselines.append(
        Baseline(
            "baseline",
            "a guess",
            f"always the mean of the first {past:,} rows",
            lambda: test.scores_of(np.full((len(test.origins), horizon), mean)),
        )
    )
    return baselines


# On several threads the bits would depend on how many.
@one_blas_thread()
def _ridge_scores(
    series: Series, past: int, windows: SeriesWindows, lags: int, test: BackTest
) -> Scores | None:
    """Return the scores of the line that does best on the newest rows of the past.

    It is tried on values as they stand, standardized, as people would set it up, and on changes
    from the last one, as the network has them.
    """
    windows = windows.shortened(lags)
    whole = windows.origins(series.first(past), answered=True)
    whole = windows.measured_origins(series.first(past), whole, len(whole) // 2)
    if len(whole) < 2 or series.target[:past].std() == 0:
        return None
    cut = max(round(past * (1 - CHOOSING)), whole[0] + windows.horizon + 2)
    older, newer = whole[whole + windows.horizon < cut], whole[whole + 1 >= cut]
    forms: tuple[Callable[..., list[Array]], ...] = (_on_values, _on_changes)
    ways = [(form, penalty) for form in forms for penalty in PENALTIES]
    best = ways[0]
    if len(older) >= 2 and len(newer):
        errors = [
            _error(series, windows, newer, predicted)
            for form in forms
            for predicted in form(series, cut, windows, older, newer, PENALTIES)
        ]
        best = ways[int(np.argmin(errors))]
    form, penalty = best
    (predicted,) = form(series, past, windows, whole, test.origins, (penalty,))
    return test.scores_of(predicted)


def _error(series: Series, windows: SeriesWindows, origins: Array, predicted: Array) -> float:
    ahead = origins[:, None] + np.arange(1, windows.horizon + 1)
    known = series.measured[ahead]
    return float(np.abs(predicted - series.target[ahead])[known].mean())


def _on_changes(
    series: Series,
    past: int,
    chosen: SeriesWindows,
    learned: Array,
    origins: Array,
    penalties: Sequence[float],
) -> list[Array]:
    """Return forecasts by lines on the network's own rows, (origins, horizon) for each penalty."""
    windows = chosen.refitted(series.first(past))
    learned = thinned(learned, MOST_ROWS)
    ridge = Ridge(windows.transform(series, learned), windows.answers(series, learned))
    rows = windows.transform(series, origins)
    return [
        windows.decode(ridge.path(penalty).predict(rows), series, origins) for penalty in penalties
    ]


def _on_values(
    series: Series,
    past: int,
    windows: SeriesWindows,
    learned: Array,
    origins: Array,
    penalties: Sequence[float],
) -> list[Array]:
    """Return forecasts by lines on standardized values and the calendar, for each penalty."""
    values = series.values
    mean, deviation = values[:past].mean(axis=0), values[:past].std(axis=0)
    z = (values - mean) / np.where(deviation > 0, deviation, 1.0)
    ahead = np.lib.stride_tricks.sliding_window_view(z[:, 0], windows.horizon)
    learned = thinned(learned, MOST_ROWS)

    def rows(at: Array) -> Array:
        back = z[at[:, None] + np.arange(1 - windows.window, 1)]
        parts = [back.reshape(len(at), -1)]
        dates = series.local
        for part in windows.calendar:
            assert dates is not None
            step = series.plan.step
            parts.append(step.calendar_of(dates[at], part)[:, None] == np.arange(SIZES[part]))
        return np.hstack(parts)

    ridge, asked = Ridge(rows(learned), ahead[learned + 1]), rows(origins)
    return [ridge.path(penalty).predict(asked) * deviation[0] + mean[0] for penalty in penalties]
