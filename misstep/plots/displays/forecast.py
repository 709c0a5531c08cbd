"""A series, what would have been forecast of it, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from misstep.data import Series
from misstep.data.series.times import local_times
from misstep.errors import ArgumentError
from misstep.modeling import ForecastModel, TrainedModel
from misstep.modeling.forecast import BackTest
from misstep.plots.display import ModelDisplay
from misstep.plots.shown_words import shown_words

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# How much of the past is drawn: so many times the horizon, at least and at most so many steps.
HORIZONS_BACK, FEWEST_STEPS, MOST_STEPS = 10, 60, 500


class ForecastDisplay(ModelDisplay):
    """The end of a series, forecasts of it that were made before, and the forecast after it.

    `series`, `forecast`: as `ForecastModel.forecast` gives it; `back_test`: or None. `past_`,
    `line_`: what was, and the forecast; `tested_`: forecasts before what came was known.
    """

    kind: ClassVar[str] = "forecast"
    past_: Line2D
    line_: Line2D
    tested_: tuple[Line2D, ...]

    def __init__(
        self, series: Series, forecast: pandas.DataFrame, back_test: BackTest | None = None
    ) -> None:
        self.series = series
        self.forecast = forecast
        self.back_test = back_test

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether a series is forecast."""
        return isinstance(model, ForecastModel)

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Forecast what comes after `data`, or after what was learned from, and draw it.

        Of data that go on after what was learned from, the newer part is forecast as well. `steps`:
        at most the horizon; `back_test`: another one, as training made it.
        """
        if not isinstance(model, ForecastModel):
            raise ArgumentError("the model", needed="one that forecasts", got=model.purpose)
        steps = more.pop("steps", None)
        series = model.learned_from() if data is None else model.read(data)
        back_test = more.pop("back_test", None)
        if back_test is None and data is not None:
            back_test = model.back_test_newer(series)
        forecast = model.forecast(None if data is None else series, steps)
        return cls(series, forecast, back_test, **more).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the series and the forecasts over dates, or over rows counted from 1."""
        series, forecast = self.series, self.forecast
        steps = len(forecast)
        shown = int(np.clip(HORIZONS_BACK * steps, FEWEST_STEPS, MOST_STEPS))
        first = max(0, len(series) - shown)
        times = self._times(steps)
        last = len(series) - 1
        past = np.where(series.measured, series.target, np.nan)[first:]
        (self.past_,) = ax.plot(times[first : last + 1], past, label="what was")
        tested: list[Line2D] = []
        for rows, values in self._tested(first):
            words = "forecast before it was known" if not tested else None
            (line,) = ax.plot(times[rows], values, color="C1", linewidth=1, label=words)
            tested.append(line)
        self.tested_ = tuple(tested)
        ahead = times[last : last + 1 + steps]
        start = series.target[-1:]
        numbers = {
            name: np.concatenate([start, forecast[name].to_numpy(np.float64)])
            for name in ("prediction", "lower", "upper")
            if name in forecast
        }
        (self.line_,) = ax.plot(ahead, numbers["prediction"], color="C2", label="forecast")
        if "lower" in numbers:
            ax.fill_between(ahead, numbers["lower"], numbers["upper"], color="C2", alpha=0.2)
        ax.set_xlabel("" if series.local is not None else "row")
        ax.set_ylabel(shown_words(series.plan.target))
        ax.tick_params(axis="x", rotation=30 if series.local is not None else 0)
        ax.legend()

    def _times(self, steps: int) -> Any:
        """Return where rows lie, and the steps after them: dates, or numbers counted from 1."""
        dates, ahead = self.series.local, self.series.following(steps)
        if dates is None or ahead is None:
            return np.arange(1, len(self.series) + steps + 1)
        if self.series.plan.utc:
            ahead = local_times(ahead, self.series.plan.zone)
        return np.concatenate([dates, ahead]).astype("datetime64[us]")

    def _tested(self, first: int) -> list[tuple[Any, Any]]:
        """Return forecasts one behind the other, each from the value that it started at."""
        test = self.back_test
        if test is None:
            return []
        horizon = test.predicted.shape[1]
        found = []
        for place in range(len(test.origins) - 1, -1, -max(horizon, 1)):
            origin = int(test.origins[place])
            if origin >= first:
                values = np.concatenate([test.last[place : place + 1], test.predicted[place]])
                found.append((np.arange(origin, origin + horizon + 1), values))
        return found[::-1]
