"""Windows of a series as rows of numbers: what was known at an instant, and what came after.

A row looks back from one instant, its origin, over the `window` latest steps. The target is
measured from its last value (after a logarithm, where the spread grows with the level), so that
a level never seen before is no new situation. Everything is fitted on the past only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset
from misstep.data.inputs import Inputs
from misstep.data.preprocessing import Preprocessing
from misstep.data.row_parts import BaselineRow
from misstep.data.series.series import Series, SeriesPlan
from misstep.data.series.series_json import series_rows, series_schema
from misstep.data.series.time_steps import SIZES
from misstep.data.series.window_inputs import window_inputs
from misstep.data.standardization import FARTHEST, Standard
from misstep.data.stored_json import check
from misstep.data.table.table import table_or_refuse
from misstep.errors import DataError
from misstep.text.counts import plural

__all__ = ["SeriesWindows", "thinned"]

Floats = NDArray[np.float64]

# exp(700) is near the largest float64; beyond it only infinity is left.
LARGEST_EXPONENT = 700.0
# A change so many usual deviations away is a slip or a break, not one of a kind to learn from: the
# largest of a million normal values lies 5 away, daily changes of prices rarely 15.
FAR_OUT = 20.0
# Half of a normal distribution lies within so many deviations.
NORMAL_MEDIAN = 0.6745
# A change may go beyond what was seen, as in a series that grows, but not to where a network knows
# nothing at all.
TIMES_SEEN = 2.0
# Origins from which spreads are measured, and changes from all of them; more change nothing.
MOST_MEASURED, MOST_CHANGES = 20_000, 1_000_000
# A level so many deviations from the mean of the past says no more than that it is far.
FARTHEST_LEVEL = 5.0
# A window of which more than this share was filled in shows the filling, not the series.
MOST_FILLED_IN = 0.2
# Longer windows or horizons than this are no forecast from a table any more.
MOST_STEPS = 100_000


@dataclass(frozen=True)
class SeriesWindows(Preprocessing):
    """What turns a series into rows, and answers of rows into values.

    A row: for each step of the window the target's change up to the last value and the inputs
    there, oldest step first; then a 1 among zeros for each part of the calendar of the origin;
    then, where there is a `reference`, how far the last value lies from the mean of the past.
    `spread`: one deviation of these changes from 0; `answer_spread`: of those that are predicted.
    `bound`, `answer_bound`: changes of more deviations than these count as so many. `reference`:
    mean and deviation of the levels of the past, for a series that comes back to them; or nothing.
    """

    plan: SeriesPlan
    window: int
    horizon: int
    season: int
    log: bool
    calendar: tuple[str, ...]
    spread: float
    answer_spread: float
    bound: float
    answer_bound: float
    scalings: tuple[Standard, ...]
    reference: tuple[float, ...] = ()

    stored_as: ClassVar[str] = "series"

    def __post_init__(self) -> None:
        parts = set(self.calendar)
        sizes = (self.spread, self.answer_spread, self.bound, self.answer_bound)
        check(
            (1 <= self.window <= MOST_STEPS, "a window has 1 or more steps"),
            (1 <= self.horizon <= MOST_STEPS, "a horizon has 1 or more steps"),
            (0 <= self.season <= MOST_STEPS, "a season has 0 or more steps"),
            (len(self.scalings) == len(self.plan.inputs), "each input needs its scaling"),
            (parts <= SIZES.keys() and len(parts) == len(self.calendar), "unknown calendar"),
            (self.plan.date or not self.calendar, "a calendar needs dates"),
            (np.isfinite(sizes).all() and min(sizes) > 0, "spreads and bounds must be above 0"),
            (len(self.reference) in (0, 2), "a reference has a mean and a deviation"),
            (np.isfinite(self.reference).all(), "a reference must be finite"),
            (not self.reference or self.reference[-1] > 0, "its deviation must be above 0"),
        )

    @classmethod
    def fit(
        cls,
        past: Series,
        *,
        window: int,
        horizon: int,
        season: int = 0,
        log: bool = False,
        calendar: tuple[str, ...] = (),
        reference: bool = False,
    ) -> SeriesWindows:
        """Return windows fitted on the series `past`, which holds nothing to be judged on.

        `reference`: whether a row also says how far the last value lies from the mean of the past.
        Raises DataError where it is too short for a single row with its answer.
        """
        if len(past) < window + horizon:
            raise DataError(
                past.name,
                needed=f"at least {window + horizon} rows: {window} to look back on "
                f"and {horizon} to predict",
                got=f"{len(past)}",
                try_="a shorter horizon",
            )
        scalings = tuple(
            Standard.fit(column, np.ones(len(column)))[0] for column in past.values.T[1:]
        )
        plain = cls(past.plan, window, horizon, season, log, calendar, *(1.0,) * 4, scalings)
        level = plain.level(past.target)
        if reference:
            measured = level[past.measured]
            plain = replace(plain, reference=(float(measured.mean()), float(measured.std()) or 1.0))
        most = min(MOST_MEASURED, MOST_CHANGES // max(window, horizon) + 1)
        origins = thinned(plain.origins(past, answered=True), most)
        spread, bound = _spread_and_bound(plain._changes(level, origins))
        answers = _spread_and_bound(plain._ahead(level, origins))
        return replace(
            plain, spread=spread, bound=bound, answer_spread=answers[0], answer_bound=answers[1]
        )

    def refitted(self, past: Series) -> SeriesWindows:
        """Return windows of the same kind fitted on another past. Raises DataError."""
        return SeriesWindows.fit(
            past,
            window=self.window,
            horizon=self.horizon,
            season=self.season,
            log=self.log,
            calendar=self.calendar,
            reference=bool(self.reference),
        )

    def shortened(self, window: int) -> SeriesWindows:
        """Return the same with a shorter window; its rows are the ends of these rows."""
        return replace(self, window=window)

    def origins(self, series: Series, *, answered: bool = False) -> NDArray[np.int64]:
        """Return the rows from which can be looked back a whole window, (origins,).

        `answered`: only those whose horizon lies within the series too.
        """
        end = len(series) - (self.horizon if answered else 0)
        return np.arange(self.window - 1, max(end, self.window - 1), dtype=np.int64)

    def measured_origins(
        self, series: Series, origins: NDArray[np.int64], fewest: int = 1
    ) -> NDArray[np.int64]:
        """Return those origins whose answers were all measured, if there are `fewest` of them.

        Where gaps leave too few, those with the fewest filled answers are returned.
        """
        ahead = np.lib.stride_tricks.sliding_window_view(~series.measured, self.horizon)
        filled = ahead[origins + 1].sum(axis=1)
        if not filled.any():
            return origins
        most = 0
        while (filled <= most).sum() < min(fewest, len(origins)):
            most += 1
        return origins[filled <= most]

    def clear_origins(
        self, series: Series, origins: NDArray[np.int64], fewest: int = 1
    ) -> NDArray[np.int64]:
        """Return those origins whose windows were mostly measured, if there are `fewest`."""
        if series.measured.all():
            return origins
        filled = np.concatenate([[0], np.cumsum(~series.measured)])
        seen = filled[origins + 1] - filled[origins + 1 - self.window]
        clear = origins[seen <= MOST_FILLED_IN * self.window]
        return clear if len(clear) >= fewest else origins

    def encode(self, data: Any, target: str = "") -> tuple[NDArray[np.float32], list[str]]:
        """Return the rows of all origins of a `Series`. Raises DataError."""
        return self.transform(data), []

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        return table_or_refuse(dataset, source, self.plan.columns)

    def transform(
        self, series: object, origins: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return the rows of `origins` (all by default), (origins, features), of a `Series`.

        Raises DataError where a logarithm is needed and a value is 0 or less.
        """
        if not isinstance(series, Series):
            raise DataError("the data", needed="a series", got=f"a {type(series).__name__}")
        at = self.origins(series) if origins is None else origins
        steps, channels = self.window, 1 + len(self.scalings)
        whole = np.empty((len(at), self.number_of_features), np.float32)
        rows = whole[:, : steps * channels].reshape(len(at), steps, channels)
        level = self.level(series.target, series.name)
        changes = self._changes(level, at) / self.spread
        rows[:, :, 0] = np.clip(changes, -self.bound, self.bound)
        indices = at[:, None] + np.arange(1 - steps, 1)
        for column, scaling in enumerate(self.scalings, start=1):
            rows[:, :, column] = scaling.apply(series.values[:, column])[indices]
        start = steps * channels
        for part in self.calendar:
            dates = series.local
            assert dates is not None
            values = series.plan.step.calendar_of(dates[at], part)
            whole[:, start : start + SIZES[part]] = values[:, None] == np.arange(SIZES[part])
            start += SIZES[part]
        if self.reference:
            mean, deviation = self.reference
            away = (level[at] - mean) / deviation
            whole[:, start] = np.clip(away, -FARTHEST_LEVEL, FARTHEST_LEVEL)
        return whole

    def row_schema(self) -> dict[str, Any]:
        return series_schema(self.plan)

    def rows_of_json(self, rows: Sequence[Any]) -> dict[str, list[Any]]:
        return series_rows(rows, self.plan)

    def answers(self, series: Series, origins: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what came after each origin, as it is learned, (origins, horizon)."""
        level = self.level(series.target, series.name)
        ahead = self._ahead(level, origins) / self.answer_spread
        return np.clip(ahead, -self.answer_bound, self.answer_bound).astype(np.float32)

    def decode(self, outputs: Any, series: Series, origins: NDArray[np.int64]) -> Floats:
        """Return predictions in the target's unit, (origins, horizon), for outputs of a network.

        outputs: (origins, horizon), as they are learned.
        """
        last = self.level(series.target[origins], series.name)[:, None]
        return self.value(last + np.asarray(outputs, np.float64) * self.answer_spread)

    def level(self, values: Floats, name: str = "the series") -> Floats:
        """Return values as they are looked at: their logarithms, or themselves."""
        if not self.log:
            return values
        if len(values) and values.min() <= 0:
            raise DataError(
                f"{self.plan.target} of {name}",
                needed="values above 0, as those learned from, since logarithms are taken",
                got=f"{values.min():g} at row {int(values.argmin()) + 1}",
            )
        return np.log(values)

    def value(self, level: Floats) -> Floats:
        """Return the values that have these levels."""
        return np.exp(np.minimum(level, LARGEST_EXPONENT)) if self.log else level

    def _changes(self, level: Floats, origins: NDArray[np.int64]) -> Floats:
        windows = np.lib.stride_tricks.sliding_window_view(level, self.window)
        return windows[origins - self.window + 1] - level[origins][:, None]

    def _ahead(self, level: Floats, origins: NDArray[np.int64]) -> Floats:
        ahead = np.lib.stride_tricks.sliding_window_view(level, self.horizon)
        return ahead[origins + 1] - level[origins][:, None]

    def inputs(self, baseline_row: BaselineRow | None) -> tuple[Inputs, ...]:
        """Return the columns and the calendar, each as a whole, and the columns step by step."""
        return window_inputs(self)

    @property
    def feature_names(self) -> list[str]:
        """A name for each feature, such as `Passengers 11 steps back` or `month=1`."""
        names = [
            f"{column} {back} {plural(back, 'step')} back"
            for back in range(self.window - 1, -1, -1)
            for column in self.plan.columns
        ]
        names += [f"{part}={value}" for part in self.calendar for value in range(SIZES[part])]
        if self.reference:
            names.append(f"{self.plan.target} from its mean")
        return names

    @property
    def number_of_features(self) -> int:
        calendar = sum(SIZES[part] for part in self.calendar)
        return self.window * (1 + len(self.scalings)) + calendar + bool(self.reference)


def thinned(indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most `most` of the indices, drawn from all of them, in their order.

    Always the same ones. Every k-th would meet the same hours of a day again and again.
    """
    if len(indices) <= most:
        return indices
    return np.sort(np.random.default_rng(0).choice(indices, most, replace=False))


def _spread_and_bound(changes: Floats) -> tuple[float, float]:
    """Return one deviation of changes, and how many of them a change may count at most."""
    # Around 0, not around their mean: a series that rises evenly has changes of one size.
    spread = float(np.sqrt(np.mean(changes**2)))
    if not (np.isfinite(spread) and spread > 0):
        # A series that never changes is predicted exactly whatever it is divided by.
        return 1.0, FARTHEST
    usual = float(np.median(np.abs(changes))) / NORMAL_MEDIAN
    largest = float(np.abs(changes).max())
    if usual > 0 and largest > FAR_OUT * usual:
        return usual, FAR_OUT
    return spread, float(min(TIMES_SEEN * largest / spread, FARTHEST))
