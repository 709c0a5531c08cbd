"""`Forecaster`: a network that says how a series goes on, with scikit-learn's manners.

Unlike the other estimators it takes no rows and answers, but one series in its order: there is
nothing to shuffle or to cross-validate. Decides nothing about a model; `modeling` does.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import clone

from misstep.data import Table, read_table
from misstep.drawing import Drawing
from misstep.errors import ArgumentError, DataError
from misstep.estimators.base import Estimator
from misstep.ir.float_errors import with_own_float_errors
from misstep.ir.masks import without_mask
from misstep.modeling import (
    Face,
    ForecastAttribution,
    ForecastModel,
    Modality,
    Options,
    TaskName,
    recognize,
)
from misstep.modeling.forecast import BackTest
from misstep.modeling.options import is_count
from misstep.plots import plot_fitted
from misstep.report.forecast import forecast_drawing

if TYPE_CHECKING:
    import pandas

# What the values of a series without a name are called.
VALUES, DATES = "value", "date"


class Forecaster(Estimator):
    """A neural network that forecasts the next steps of a series, and how far it may be off.

    What is None is decided for the data, each decision with its reason in `decisions_`: the horizon
    is then a season, or one step where there is none, and the season is found from dates and
    values. The network may be a line such as "dense32" or "gru32", which stands beside the linear
    path, or an `ms.Module` that is the whole network. {arguments}

    After fit: `scores_` (mean absolute error and more, of the network and of each baseline, on the
    back-test), `decisions_`, `history_`, `n_iter_` (epochs kept), `network_` and `model_`.

    >>> import numpy as np
    >>> import misstep as ms
    >>> months = np.arange(120)
    >>> sales = 100 + months + 20 * np.sin(months * 2 * np.pi / 12)
    >>> forecaster = ms.Forecaster(horizon=3, season=12).fit(sales)
    >>> forecaster.predict()["prediction"].round().tolist()
    [220.0, 231.0, 239.0]
    """

    face: ClassVar[Face] = Face.FORECASTER
    first: ClassVar[str] = "horizon"
    model_: ForecastModel

    @with_own_float_errors
    def fit(self, series: Any, target: str | None = None) -> Forecaster:
        """Learn from a series, the oldest row first or with a date in each row.

        series: numbers (rows,), a pandas Series (its index may hold the dates), or a path, table or
        frame with several columns, of which `target` is forecast; the others may help. Raises
        DataError or ArgumentError.
        """
        table, options = self._series_and_options(self._options(), series, target)
        result = self._walked(table, options, {}, series, None, {})
        self._keep(result)
        forecast = result.forecast
        assert forecast is not None
        self.n_iter_ = forecast.epochs
        self.scores_ = result.scores
        self.notes_ = result.notes
        self._back_test, self._series = forecast.back_test, forecast.series
        return self

    def _series_and_options(
        self, options: Options, series: Any, target: str | None = None
    ) -> tuple[Table, Options]:
        table, name = _table(series, target)
        return table, replace(options, target=name, task=TaskName.FORECAST)

    def _modality(self, options: Options, *data: Any, **named: Any) -> Modality:
        return recognize(*self._series_and_options(options, *data, **named))

    @with_own_float_errors
    def predict(self, steps: int | None = None, series: Any = None) -> pandas.DataFrame:
        """Return the next steps after the end of what was learned from, or of `series`.

        steps: None: the horizon; beyond it, it goes on from its own forecasts. Columns: step, date
        (where there are dates), prediction, lower and upper, between which the truth lies eight
        times in ten; beyond the horizon nobody measured that, and they are NaN. Raises
        NotFittedError, ArgumentError or DataError.
        """
        model = self._forecast_model()
        data = None if series is None else _table(series, model.target.name)[0]
        return model.forecast(data, steps)

    @with_own_float_errors
    def score(self, series: Any = None, y: Any = None) -> float:
        """Return R² of the forecasts of all steps from each origin of a series, at most 1.

        series: as for `back_test`; y: ignored, for scikit-learn's manners. Raises what `back_test`
        raises.
        """
        test = self._tested(series)
        return float(test.scores.get("r2", np.nan))

    @with_own_float_errors
    def cross_validate(
        self, series: Any, target: str | None = None, *, folds: int = 5
    ) -> pandas.DataFrame:
        """Return how well it does in the future of several pasts, a row for each fold.

        The newest part of the series is cut into `folds` stretches of the same length; each is
        forecast by a copy of this estimator that learned from all rows before it, and only those,
        from each of its origins. series, target: as for `fit`, the oldest row first. Columns: fold,
        rows (learned from), forecasts, mae, rmse, r2 and last_value, the mean absolute error of
        saying the last value again. This estimator stays as it is. Raises DataError, ArgumentError
        or what fit raises.
        """
        import pandas

        if not is_count(folds):
            raise ArgumentError("folds", needed="a whole number of 1 or more", got=repr(folds))
        table, name = _table(series, target)
        length = len(table) // (folds + 1)
        found = []
        for fold in range(folds):
            rows = len(table) - (folds - fold) * length
            one = clone(self).set_params(test_fraction=0)
            one.fit(table.take(np.arange(rows)), name)
            model = one._forecast_model()
            past = model.read(table.take(np.arange(rows)))
            known = model.read(table.take(np.arange(rows + length)))
            if not np.array_equal(known.values[: len(past)], past.values, equal_nan=True):
                raise DataError(
                    "cross-validation of a series",
                    needed="rows in the order of time, the oldest first, without filled gaps at "
                    "the cuts",
                    got="others",
                    try_="sorting them by their date",
                )
            test = model.back_test(known, len(past))
            scores = test.scores
            found.append(
                {
                    "fold": fold + 1,
                    "rows": rows,
                    "forecasts": len(test.origins),
                    "mae": scores["mae"],
                    "rmse": scores["rmse"],
                    "r2": scores.get("r2", np.nan),
                    "last_value": float(np.nanmean(test.last_value_by_step())),
                }
            )
        return pandas.DataFrame(found)

    @with_own_float_errors
    def back_test(self, series: Any = None) -> pandas.DataFrame:
        """Return the mean absolute error of each step ahead, beside that of the last value.

        series: one to judge on from each of its origins; None: the newest rows of what was given to
        fit, as they were forecast before they were learned. Columns: step, error, last_value,
        forecasts. Raises NotFittedError or DataError.
        """
        import pandas

        model, test = self._forecast_model(), self._tested(series)
        return pandas.DataFrame(
            {
                "step": np.arange(1, model.horizon + 1),
                "error": test.by_step(),
                "last_value": test.last_value_by_step(),
                "forecasts": len(test.origins),
            }
        )

    def _tested(self, series: Any) -> BackTest:
        """Return forecasts beside what came, of a series or of the rows that fit set apart."""
        model = self._forecast_model()
        test = self._back_test
        if series is not None:
            test = model.back_test(model.read(_table(series, model.target.name)[0]))
        if test is None:
            raise DataError(
                "the back-test",
                needed="rows that were set apart",
                got="test_fraction=0",
                try_="back_test(series) on newer rows",
            )
        return test

    @with_own_float_errors
    def explain(  # type: ignore[override]
        self, series: Any = None, row: int | None = None, step: int = 1
    ) -> ForecastAttribution:
        """Return a forecast, and what each step that it looks back on did to it.

        series: as for `predict`; row: the last row that is looked at, counted from 0; None: the
        last one there is. step: which step ahead, from 1. Raises NotFittedError, ArgumentError or
        DataError.
        """
        model = self._forecast_model()
        data = None if series is None else _table(series, model.target.name)[0]
        return model.explain(data, row, step)

    # A series answers itself: there is no y.
    @with_own_float_errors
    def plot(  # type: ignore[override]
        self, kind: str = "forecast", series: Any = None, *, ax: Any = None, **more: Any
    ) -> Any:
        """Draw the forecast, or how it learned, on matplotlib's axes; return the display.

        kind: "forecast"; "losses", "gradient_flow" or "story" of its training. series: as for
        `predict`. ax: what to draw on, by default a new figure. Raises NotFittedError,
        ArgumentError, DataError, or MisstepError without matplotlib (extra `plot`).
        """
        model = self._forecast_model()
        run = self._run
        if run is not None and kind != "forecast":
            return plot_fitted(model, run, kind, lambda: None, ax, **more)
        if series is not None:
            data = _table(series, model.target.name)[0]
            return plot_fitted(model, None, kind, lambda: data, ax, **more)
        more = {"back_test": self._back_test, **more}
        return plot_fitted(model, None, kind, lambda: self._series, ax, **more)

    def picture(self) -> str:
        """Return a drawing of the back-test and the forecast, as SVG. Raises NotFittedError."""
        return self._drawing().svg(standalone=True)

    def _forecast_model(self) -> ForecastModel:
        model = self._fitted_model()
        assert isinstance(model, ForecastModel)
        return model

    def _repr_html_inner(self) -> str:
        """Return the diagram and, once fitted, the summary and the picture of the forecast."""
        shown = super()._repr_html_inner()
        return shown + self._drawing().picture() if self._is_fitted() else shown

    def _drawing(self) -> Drawing:
        model = self._forecast_model()
        assert model.interval is not None
        assert self._series is not None
        share = model.interval.share
        return forecast_drawing(self._series, self._back_test, model.forecast(), share)


def _table(series: Any, target: str | None) -> tuple[Table, str]:
    """Return what people call a series as a table, and the name of what is forecast."""
    import pandas

    _refuse_levels(getattr(series, "index", None))
    if isinstance(series, pandas.Series):
        name = str(series.name) if series.name is not None else target or VALUES
        series = series.rename(name).to_frame()
        target = target or name
    if isinstance(series, pandas.DataFrame):
        if isinstance(series.index, pandas.DatetimeIndex | pandas.PeriodIndex):
            index = series.index
            dates = index.to_timestamp() if isinstance(index, pandas.PeriodIndex) else index
            title = str(index.name or DATES)
            series = series.reset_index(drop=True)
            if title not in series:
                series.insert(0, title, dates)
    elif not isinstance(series, str | os.PathLike | dict | Table) and np.ndim(series) == 1:
        name = target or VALUES
        series, target = {name: without_mask(series, "the series")}, name
    table = read_table(series, name=None if isinstance(series, str | os.PathLike) else "the series")
    columns = list(map(str, table.frame.columns))
    if target is None and len(columns) == 1:
        target = columns[0]
    if target is None:
        raise ArgumentError(
            "target",
            needed=f"one of the columns {', '.join(columns[:12])}",
            got="none",
            try_=f"fit(series, target={columns[-1]!r})",
        )
    return table, target


def _refuse_levels(index: Any) -> None:
    """Refuse rows that are told apart by more than a date: several series in one."""
    import pandas

    if isinstance(index, pandas.MultiIndex):
        raise DataError(
            "the index of the series",
            needed="one date for each row",
            got=f"{index.nlevels} levels, for example {index[0] if len(index) else '()'}",
            try_="one series at a time, as series.xs(…) takes it out, or reset_index()",
        )
