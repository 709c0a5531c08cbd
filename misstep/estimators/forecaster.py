"""`Forecaster`: a network that says how a series goes on, with scikit-learn's manners.

Unlike the other estimators it takes no rows and answers, but one series in its order: there is
nothing to shuffle or to cross-validate. Decides nothing about a model; `modeling` does.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import Table, read_table
from misstep.errors import ArgumentError, DataError
from misstep.estimators.base import Estimator
from misstep.modeling import ForecastModel, Settings, train_series
from misstep.report import draw_forecast

if TYPE_CHECKING:
    import pandas

# What the values of a series without a name are called.
VALUES, DATES = "value", "date"


class Forecaster(Estimator):
    """A neural network that forecasts the next steps of a series, and how far it may be off.

    `horizon`: how many steps; None: a season, or one step where there is none. `season`: after how
    many steps the series repeats, 0 for never; None: found from dates and values. What is None is
    chosen for the data, each choice with its because in `choices_`. `network`: the layers beside
    the linear path in one line, such as "dense32" or "gru32", or an `ms.Module` that is the whole
    network. `test_fraction`: share of the newest rows that the back-test judges on, before all rows
    are learned; 0: none, and then no interval. The others are those of `ms.Regressor`.

    After fit: `scores_` (mean absolute error and more, of the network and of each baseline, on the
    back-test), `choices_`, `history_`, `n_iter_` (epochs kept), `network_` and `model_`.

    >>> import numpy as np
    >>> import misstep as ms
    >>> months = np.arange(120)
    >>> sales = 100 + months + 20 * np.sin(months * 2 * np.pi / 12)
    >>> forecaster = ms.Forecaster(horizon=3, season=12).fit(sales)
    >>> forecaster.predict()["prediction"].round().tolist()
    [220.0, 231.0, 239.0]
    """

    def __init__(
        self,
        horizon: int | None = None,
        *,
        season: int | None = None,
        network: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        test_fraction: float = 0.2,
        validation_fraction: float | None = Settings.validation_fraction,
        patience: int | None = None,
        random_state: Any = 0,
        threads: int | None = None,
        progress: Any = False,
    ) -> None:
        self.horizon = horizon
        self.season = season
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.test_fraction = test_fraction
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.threads = threads
        self.progress = progress

    def fit(self, series: Any, target: str | None = None) -> Forecaster:
        """Learn from a series, the oldest row first or with a date in each row.

        series: numbers (rows,), a pandas Series (its index may hold the dates), or a path, table or
        frame with several columns, of which `target` is forecast; the others may help. Raises
        DataError or ArgumentError.
        """
        settings = self._settings()
        table, name = _table(series, target)
        trained = train_series(
            table,
            name,
            horizon=self.horizon,
            season=self.season,
            test_fraction=self.test_fraction,
            settings=settings,
        )
        self._keep(trained)
        self.n_iter_ = trained.epochs
        self.scores_ = trained.metrics
        self.notes_ = trained.notes
        self._back_test, self._series = trained.back_test, trained.series
        return self

    def predict(self, steps: int | None = None, series: Any = None) -> pandas.DataFrame:
        """Return the next steps after the end of what was learned from, or of `series`.

        steps: at most the horizon; None: all of it. Columns: step, date (where there are dates),
        prediction, lower and upper, between which the truth lies eight times in ten. Raises
        NotFittedError, ArgumentError or DataError.
        """
        model = self._forecast_model()
        data = None if series is None else _table(series, model.target.name)[0]
        return model.forecast(data, steps)

    def back_test(self, series: Any = None) -> pandas.DataFrame:
        """Return the mean absolute error of each step ahead, beside that of the last value.

        series: one to judge on from each of its origins; None: the newest rows of what was given to
        fit, as they were forecast before they were learned. Columns: step, error, last_value,
        forecasts. Raises NotFittedError or DataError.
        """
        import pandas

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
        by_last = np.abs(test.last[:, None] - test.truth).mean(axis=0)
        return pandas.DataFrame(
            {
                "step": np.arange(1, model.horizon + 1),
                "error": test.by_step(),
                "last_value": by_last,
                "forecasts": len(test.origins),
            }
        )

    def picture(self) -> str:
        """Return a drawing of the back-test and the forecast, as SVG. Raises NotFittedError."""
        model = self._forecast_model()
        assert model.outlook is not None
        assert self._series is not None
        return draw_forecast(self._series, self._back_test, model.forecast(), model.outlook.share)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file that `misstep.load_model` and the command line read.

        The file holds the windows, the network and the end of the series, no code. Raises
        StorageError, or NotFittedError before fit.
        """
        super().save(path)

    def _forecast_model(self) -> ForecastModel:
        model = self._fitted_model()
        assert isinstance(model, ForecastModel)
        return model

    def _repr_html_inner(self) -> str:
        """Return the diagram and, once fitted, the summary and the picture of the forecast."""
        shown = super()._repr_html_inner()
        return shown + self.picture() if self._is_fitted() else shown


def _table(series: Any, target: str | None) -> tuple[Table, str]:
    """Return what people call a series as a table, and the name of what is forecast."""
    import pandas

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
        series, target = {name: np.asarray(series)}, name
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
