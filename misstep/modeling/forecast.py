"""`ForecastModel`: a trained network that says how a series goes on, and how far it may be off.

Its rows are windows of a series, its outputs the next steps. What it needs beside the network,
errors by step and the end of what it learned from, is its `ForecastInterval`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import Series, SeriesWindows, Table, Target, read_series, read_table
from misstep.data.stored_json import Stored, from_plain, to_plain
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling.metrics import Scores, number_scores
from misstep.modeling.model import TrainedModel, finite_answers
from misstep.modeling.model_summary import summary_text
from misstep.modeling.options import is_count
from misstep.nn import Network
from misstep.nn.losses import Loss
from misstep.text.counts import counted

if TYPE_CHECKING:
    import pandas

    from misstep.modeling.forecast_attribution import ForecastAttribution

# An interval that is right eight times in ten needs ten errors on each side to rest on.
SHARE = 0.8
FEWEST_ERRORS = 20
# The normal distribution has a tenth of itself beyond so many deviations.
NORMAL_DEVIATIONS = 1.2816


@dataclass(frozen=True)
class ForecastInterval(Stored):
    """Errors by step of the horizon, and the end of the series that was learned from.

    `lower`, `upper`: (horizon,), what is added to a prediction, on the level of `SeriesWindows`, so
    that the truth lies between in a share of `share`. `tail`: the last rows, of the columns of the
    windows; `seconds`: their dates since 1970, or nothing; `microseconds`: of these beyond whole
    seconds, or nothing. `rows`: learned from, in all.
    """

    share: float
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    tail: tuple[tuple[float, ...], ...]
    seconds: tuple[int, ...]
    rows: int
    microseconds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.rows < 1 or not self.tail:
            raise ValueError("a share, rows and the end of the series are needed")
        if len(self.lower) != len(self.upper) or not self.lower:
            raise ValueError("errors below and above are needed for each step")
        if len({len(row) for row in self.tail}) != 1:
            raise ValueError("rows of one length are needed")
        if len(self.seconds) not in (0, len(self.tail)):
            raise ValueError("a date for each row is needed, or none")
        # Years 1 to 9999, as dates are written.
        if any(not -62_135_596_800 <= second <= 253_402_300_799 for second in self.seconds):
            raise ValueError("dates are needed that can be written")
        if len(self.microseconds) not in (0, len(self.seconds)):
            raise ValueError("microseconds are needed for each date, or none")
        if any(not 0 <= micro < 1_000_000 for micro in self.microseconds):
            raise ValueError("microseconds are less than a second")

    @property
    def dates(self) -> Array | None:
        """Return the dates of the last rows, (rows,), or None."""
        if not self.seconds:
            return None
        dates = np.array(self.seconds, np.int64).astype("datetime64[s]")
        if self.microseconds:
            dates = dates + np.array(self.microseconds, np.int64).astype("timedelta64[us]")
        return dates

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON; floats survive bit for bit."""
        return to_plain(self)

    @classmethod
    def from_json(cls, plain: object) -> ForecastInterval:
        """Rebuild what `to_json` gave. Raises FileFormatError for anything else."""
        return from_plain(cls, plain, "the stored end of a series")


@dataclass(frozen=True)
class BackTest:
    """Forecasts from each origin of a stretch of the past, beside what came.

    `origins`: rows, (origins,); `predicted`, `truth`: (origins, horizon) in the target's unit;
    `last`: the last value at each origin, (origins,). `known`: which truths were measured, not
    filled from the value before, (origins, horizon): only they are judged on. `unseen`: how many
    origins were left out because their windows lie in a gap.
    """

    origins: Array
    predicted: Array
    truth: Array
    last: Array
    known: Array
    unseen: int = 0

    @property
    def scores(self) -> Scores:
        """Return RMSE, R² and MAE over all origins and steps."""
        return self.scores_of(self.predicted)

    def scores_of(self, predicted: Array) -> Scores:
        """Return the scores of others, (origins, horizon), on the same truths."""
        return number_scores(predicted[self.known], self.truth[self.known])

    def by_step(self) -> Array:
        """Return the mean absolute error of each step, (horizon,); NaN where none was measured."""
        return self._means(np.abs(self.predicted - self.truth))

    def by_origin(self) -> Array:
        """Return the mean absolute error of each forecast of which something was measured, (…,)."""
        counts = self.known.sum(axis=1)
        sums = np.where(self.known, np.abs(self.predicted - self.truth), 0.0).sum(axis=1)
        return np.asarray(sums[counts > 0] / counts[counts > 0])

    def last_value_by_step(self) -> Array:
        """Return the mean absolute error of saying the last value again, (horizon,)."""
        return self._means(np.abs(self.last[:, np.newaxis] - self.truth))

    def _means(self, errors: Array) -> Array:
        counts = self.known.sum(axis=0)
        sums = np.where(self.known, errors, 0.0).sum(axis=0)
        means: Array = np.where(counts, sums / np.maximum(counts, 1), np.nan)
        return means


class ForecastModel(TrainedModel):
    """A trained network that forecasts a series; made by `misstep train` or `ms.Forecaster`.

    `preprocessing`: the windows. `interval`: errors by step, and the end of what was learned from.

    >>> import misstep as ms
    >>> import numpy as np
    >>> walk = np.random.default_rng(0).normal(size=80).cumsum()
    >>> ms.Forecaster(horizon=2, epochs=1).fit(walk).save("walk.misstep")
    >>> ms.load_model("walk.misstep").forecast(steps=2)["step"].tolist()
    [1, 2]
    """

    preprocessing: SeriesWindows

    def __init__(
        self,
        network: Network,
        loss: Loss,
        preprocessing: SeriesWindows,
        target: Target,
        facts: dict[str, Any],
        interval: ForecastInterval | None = None,
    ) -> None:
        super().__init__(network, loss, preprocessing, target, facts)
        self.interval = interval

    @property
    def purpose(self) -> str:
        """Return "forecast"."""
        return "forecast"

    @property
    def horizon(self) -> int:
        """Return how many steps are predicted."""
        return self.preprocessing.horizon

    def read(self, data: Any) -> Series:
        """Return data as the series that was learned from goes on; notes are in `notes`.

        data: a path, table or frame with the columns of training. Raises DataError in words.
        """
        if isinstance(data, Series):
            return data
        table = data if isinstance(data, Table) else read_table(data)
        series = read_series(table, self.preprocessing.plan)
        self.notes = list(series.notes)
        if len(series) < self.preprocessing.window:
            raise DataError(
                series.name,
                needed=f"at least {self.preprocessing.window} rows to look back on",
                got=f"{len(series)}",
                try_="the rows before them as well",
            )
        return series

    def learned_from(self) -> Series:
        """Return the end of the series that was learned from, long enough for a forecast.

        Raises ArgumentError for a model that has kept none.
        """
        if self.interval is None:
            raise ArgumentError(
                "the forecast",
                needed="a series to go on from",
                got="none, and the model has kept none",
                try_="giving its last rows",
            )
        tail = np.array(self.interval.tail)
        return Series(self.preprocessing.plan, tail, self.interval.dates)

    def encode(self, data: Any) -> Array:
        """Return a row for each origin that has a whole window before it, (origins, features)."""
        return self.preprocessing.transform(self.read(data))

    @with_own_float_errors
    def predict(self, data: Any) -> Array:
        """Return the next steps from each origin, (origins, horizon), in the target's unit."""
        series = self.read(data)
        return finite_answers(self._predict(series, self.preprocessing.origins(series)))

    @with_own_float_errors
    def evaluate(self, data: Any) -> Scores:
        """Return the scores over all origins of `data` whose next steps are known."""
        return self.back_test(self.read(data)).scores

    def forecast(self, data: Any = None, steps: int | None = None) -> pandas.DataFrame:
        """Return the next steps after the end of `data`, or after what was learned from.

        `steps`: None: the horizon; beyond it, it goes on from its own forecasts as if they had
        come, which is for a series without further columns. Columns: step, date (where there are
        dates), prediction, and lower and upper, between which the truth lies in a share of
        `interval.share`; beyond the horizon they are NaN, since nobody measured how far it is off
        there, and `notes` say so. Raises ArgumentError or DataError.
        """

        if is_count(steps) and int(steps or 0) > self.horizon:
            return self._far(data, int(steps or 0))
        steps = self._checked(steps)
        if data is None and self.interval is None:
            raise ArgumentError("the forecast", needed="a series to go on from", got="none")
        series = self.learned_from() if data is None else self.read(data)
        return self.forecast_of(series, steps)

    def forecast_of(self, series: Series, steps: int) -> pandas.DataFrame:
        """Return what `forecast` does, of a series that was read; steps: at most the horizon."""
        import pandas

        origin = np.array([len(series) - 1])
        features = self.preprocessing.transform(series, origin)
        outputs = np.asarray(self.answers_of(features), np.float64)[:, :steps]
        columns: dict[str, Any] = {"step": np.arange(1, steps + 1)}
        dates = series.following(steps)
        if dates is not None:
            columns["date"] = series.stamped(dates)
        decode = self.preprocessing.decode
        columns["prediction"] = finite_answers(decode(outputs, series, origin))[0]
        if self.interval is not None:
            spread = self.preprocessing.answer_spread
            for name in ("lower", "upper"):
                moved = outputs + np.array(getattr(self.interval, name))[:steps] / spread
                columns[name] = finite_answers(decode(moved, series, origin))[0]
        return pandas.DataFrame(columns)

    def _far(self, data: Any, steps: int) -> pandas.DataFrame:
        """Return more steps than the horizon, each stretch from the forecasts of the one before."""
        import pandas

        plan = self.preprocessing.plan
        if plan.inputs:
            raise ArgumentError(
                "the steps of a forecast",
                needed=f"at most {self.horizon}, the horizon, since what comes of the columns "
                f"{', '.join(plan.inputs)} is not known beyond",
                got=repr(steps),
                try_="a longer horizon in training",
            )
        if data is None and self.interval is None:
            raise ArgumentError("the forecast", needed="a series to go on from", got="none")
        series = self.learned_from() if data is None else self.read(data)
        parts, done = [], 0
        while done < steps:
            part = self.forecast_of(series, min(self.horizon, steps - done))
            part["step"] += done
            if done:
                for name in ("lower", "upper"):
                    if name in part:
                        part[name] = np.nan
            parts.append(part)
            done += len(part)
            series = series.gone_on(part["prediction"].to_numpy())
        note = (
            f"beyond the {counted(self.horizon, 'step')} it was trained for it goes on from its "
            "own forecasts, and how far it may be off there is not known"
        )
        self.notes = [*(each for each in self.notes if each != note), note]
        return pandas.concat(parts, ignore_index=True)

    @with_own_float_errors
    def explain(
        self, data: Any = None, row: int | None = None, step: int = 1
    ) -> ForecastAttribution:
        """Return a forecast, and what each step that it looks back on did to it.

        data: as for `forecast`; row: the last row that is looked at, counted from 0, from the end
        if below 0; None: the last one there is. step: which step ahead, counted from 1. Raises
        ArgumentError or DataError.

        >>> import misstep as ms
        >>> import numpy as np
        >>> walk = np.random.default_rng(0).normal(size=80).cumsum()
        >>> ms.Forecaster(horizon=2, epochs=1).fit(walk).save("walk.misstep")
        >>> found = ms.load_model("walk.misstep").explain(step=2)
        >>> found.step, found.completeness_error < 0.01
        (2, True)
        """
        # Attributions know models; a model is only where people look for them.
        from misstep.modeling.forecast_attribution import attribute_forecast

        series = self.learned_from() if data is None else self.read(data)
        if row is not None and -len(series) <= row < 0:
            row += len(series)
        learned = data is None and row is None
        return attribute_forecast(self, series, row, step, first=0, learned=learned)

    @with_own_float_errors
    def back_test(self, series: Series, since: int = 0) -> BackTest:
        """Forecast from each origin and compare; only steps from row `since` on are predicted.

        Raises DataError where no origin has both a whole window and its horizon.
        """
        origins = self.preprocessing.origins(series, answered=True)
        origins = origins[origins >= since - 1]
        ahead = origins[:, None] + np.arange(1, self.horizon + 1)
        known = series.measured[ahead]
        judged = known.any(axis=1)
        origins, ahead, known = origins[judged], ahead[judged], known[judged]
        if not len(origins):
            raise DataError(
                series.name, needed=f"{self.horizon} rows to compare a forecast with", got="fewer"
            )
        clear = np.isin(origins, self.preprocessing.clear_origins(series, origins))
        origins, ahead, known = origins[clear], ahead[clear], known[clear]
        predicted = self._predict(series, origins)
        truth, last = series.target[ahead], series.target[origins]
        return BackTest(origins, predicted, truth, last, known, int((~clear).sum()))

    def summary(self) -> str:
        """Return what is forecast from what, the layers and how training went, as text."""
        windows = self.preprocessing
        steps = f"the next {self.horizon} steps" if self.horizon > 1 else "the next step"
        named = ", ".join(windows.plan.columns)
        season = f", a season of {windows.season}" if windows.season else ""
        unit = f" of {windows.plan.step.one}" if windows.plan.step.unit != "row" else ""
        heading = [
            f"forecasts {self.target.name}: {steps}{unit}",
            f"looks back on {windows.window} steps of {named}{season}",
        ]
        names = {"rows": "windows to learn from", "test_rows": "forecasts to be judged on"}
        return summary_text(heading, self.network, self.feature_names, self.facts, names)

    def learned_rows(self, series: Series) -> int | None:
        """Return how many of the first rows of `series` were learned from; None: not to be told."""
        if self.interval is None:
            return None
        dates = self.interval.dates
        if dates is not None and series.dates is not None:
            end = dates[-1]
            return int(np.searchsorted(series.dates, end, side="right"))
        rows, tail = self.interval.rows, np.array(self.interval.tail)
        same = len(series) >= rows and np.array_equal(series.values[rows - len(tail) : rows], tail)
        return rows if same else None

    def newer_rows(self, series: Series) -> int | None:
        """Return how many rows of `series` came after what was learned from; None: not to be told.

        That is so where it does not begin with what was learned from.
        """
        learned = self.learned_rows(series)
        return None if learned is None else len(series) - learned

    def back_test_newer(self, series: Series) -> BackTest | None:
        """Forecast what came after what was learned from; None where that is too short."""
        newer = self.newer_rows(series)
        if newer is None or newer < self.horizon:
            return None
        return self.back_test(series, len(series) - newer)

    def _predict(self, series: Series, origins: Array) -> Array:
        outputs = self.outputs_of(self.preprocessing.transform(series, origins))
        return self.preprocessing.decode(outputs, series, origins)

    def _checked(self, steps: int | None) -> int:
        if steps is None:
            return self.horizon
        whole = isinstance(steps, int | np.integer) and not isinstance(steps, bool)
        if not whole or not 1 <= steps <= self.horizon:
            raise ArgumentError(
                "the steps of a forecast",
                needed=f"1 or more; it was trained for 1 to {self.horizon}",
                got=repr(steps),
                try_="training with a longer horizon",
            )
        return int(steps)


def forecast_interval(
    windows: SeriesWindows, back_test: BackTest | None, whole: Series
) -> tuple[ForecastInterval, str]:
    """Return the errors of a back-test by step and the end of `whole`, and what the errors are."""
    if back_test is None:
        lower = upper = np.zeros(windows.horizon)
        reason = "nothing was set apart to measure errors on, so there is no interval"
    else:
        errors = windows.level(back_test.truth) - windows.level(back_test.predicted)
        # What was filled in was not wrong or right.
        errors = np.where(back_test.known, errors, np.nan)
        counts = back_test.known.sum(axis=0)
        count = int(counts.max())
        if counts.min() >= FEWEST_ERRORS:
            lower, upper = np.array([_reach(column[~np.isnan(column)]) for column in errors.T]).T
            reason = f"the errors of {count:,} forecasts of the test part, step by step"
        else:
            squares = np.where(back_test.known, errors, 0.0) ** 2
            # A step that was never measured has the errors of all.
            means = squares.sum(axis=0) / np.maximum(counts, 1)
            means = np.where(counts, means, squares.sum() / max(counts.sum(), 1))
            deviation = np.sqrt(means) * NORMAL_DEVIATIONS
            lower, upper = -deviation, deviation
            reason = f"only {count} forecasts of the test part, whose errors are taken as normal"
    rows = min(len(whole), windows.window)
    seconds, micro = np.empty(0, np.int64), np.empty(0, np.int64)
    if whole.dates is not None:
        moments = whole.dates[-rows:].astype("datetime64[us]").astype(np.int64)
        seconds, micro = np.divmod(moments, 1_000_000)
    interval = ForecastInterval(
        SHARE,
        tuple(lower.tolist()),
        tuple(upper.tolist()),
        tuple(map(tuple, whole.values[-rows:].tolist())),
        tuple(seconds.tolist()),
        len(whole),
        tuple(micro.tolist()) if micro.any() else (),
    )
    return interval, reason


def _reach(errors: Array) -> tuple[float, float]:
    """Return the two errors of one step, (forecasts,), between which the middle share lies."""
    tail, count = (1 - SHARE) / 2, len(errors)
    # One rank further out than a plain quantile, so that new errors lie within as often as is said
    # (Vovk and others, 2005).
    reach = min(1.0, np.ceil((count + 1) * (1 - tail)) / count)
    lower, upper = np.quantile(errors, [1 - reach, reach])
    return float(lower), float(upper)
