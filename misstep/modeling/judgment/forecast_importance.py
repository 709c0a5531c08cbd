"""Which inputs and which steps back a forecast goes by, measured over the origins of a back-test.

An input, or a step of it, is taken from the windows of other origins: of the target its course, as
seen from the last value, so that the level stays. By how much forecasts are farther off then is
told in the target's own unit. Knows a forecast model, a series and its back-test.
"""

from __future__ import annotations

import numpy as np

from misstep.data import Series
from misstep.ir import Array
from misstep.modeling.forecast import BackTest, ForecastModel
from misstep.modeling.judgment.importance import WORK, Importance, Measure, importance_of
from misstep.modeling.metrics import Metric, number_scores

__all__ = ["forecast_importances_of"]


def forecast_importances_of(
    model: ForecastModel, series: Series, back_test: BackTest, *, work: int = WORK
) -> tuple[Importance, ...]:
    """Return how important inputs are as a whole, and step by step; nothing without an origin.

    model: that the back-test is of (`ForecastResult.judged`). A row is an origin; its loss is the
    mean absolute error over the steps ahead that were measured, the score the RMSE. `work`: about
    how many multiply-adds it may take.
    """
    judged = np.flatnonzero(back_test.known.any(axis=1))
    if not len(judged):
        return ()
    origins = back_test.origins[judged]
    x = model.preprocessing.transform(series, origins)
    outputs = np.asarray(model.outputs_of(x))

    def measure(at: Array) -> Measure:
        return _ForecastMeasure(model, series, back_test, judged[at], outputs[at])

    groups = model.preprocessing.inputs(None)
    return tuple(
        importance_of(model, inputs, x, outputs, measure, work // len(groups)) for inputs in groups
    )


class _ForecastMeasure(Measure):
    """The mean absolute error of each origin, and the RMSE, in the target's unit."""

    def __init__(
        self, model: ForecastModel, series: Series, back_test: BackTest, at: Array, outputs: Array
    ) -> None:
        self._windows, self._series = model.preprocessing, series
        self._origins = back_test.origins[at]
        self._truth, self._known = back_test.truth[at], back_test.known[at]
        super().__init__(outputs, Metric.registry["rmse"], "mean absolute error")

    def losses_of(self, outputs: Array) -> Array:
        misses = np.where(self._known, np.abs(self._decoded(outputs) - self._truth), 0.0)
        return np.asarray(misses.sum(axis=1) / self._known.sum(axis=1))

    def score_of(self, outputs: Array) -> float:
        predicted = self._decoded(outputs)[self._known]
        return number_scores(predicted, self._truth[self._known])["rmse"]

    def _decoded(self, outputs: Array) -> Array:
        return self._windows.decode(outputs, self._series, self._origins)
