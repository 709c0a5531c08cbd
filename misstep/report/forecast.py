"""A forecast as a drawing: what was, what would have been forecast, what comes, and how far off.

Knows a series and forecasts of it, not networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from misstep.data.series.series import Series
from misstep.data.series.times import local_times
from misstep.drawing import Axis, Canvas, Drawing, Frame, Key, draw_legend, shortened
from misstep.drawing.axis_ticks import date_ticks, round_ticks
from misstep.ir import Array
from misstep.modeling.forecast import BackTest
from misstep.text.figures import four_figures

if TYPE_CHECKING:
    import pandas

__all__ = ["draw_forecast", "forecast_drawing"]

# In pixels: the drawing, and the room around the curves for numbers, dates and the legend.
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 58, 40
# Points of the past that can be told apart, and in how many horizons of it one sees a forecast.
MOST_POINTS, HORIZONS_BACK = 240, 10
FEWEST_POINTS = 60
PAST, TESTED, COMING = ("solid",), ("negative",), ("accent", "thick")


def draw_forecast(
    series: Series, back_test: BackTest | None, forecast: pandas.DataFrame, share: float
) -> str:
    """Return the end of `series`, the back-test over it and the `forecast` after it, as SVG.

    forecast: as `ForecastModel.forecast` gives it; share: how often the interval is right.
    """
    return forecast_drawing(series, back_test, forecast, share).svg(standalone=True)


def forecast_drawing(
    series: Series, back_test: BackTest | None, forecast: pandas.DataFrame, share: float
) -> Drawing:
    """Return the same as a drawing of a page."""
    horizon = len(forecast)
    shown = int(np.clip(HORIZONS_BACK * horizon, FEWEST_POINTS, MOST_POINTS))
    first = max(0, len(series) - shown)
    past = series.target[first:]
    ahead = np.arange(len(series) - 1, len(series) + horizon)
    curves = {
        name: np.concatenate([past[-1:], forecast[name].to_numpy(float)])
        for name in ("prediction", "lower", "upper")
        if name in forecast
    }
    tested = [] if back_test is None else _tested(back_test, first, horizon)
    in_sight = np.concatenate([past, *curves.values(), *(values for _, values in tested)])
    low, high = float(in_sight.min()), float(in_sight.max())
    last = len(series) - 1 + horizon
    canvas = Canvas(WIDTH, HEIGHT)
    name = series.plan.target
    canvas.text(LEFT, 20, shortened(name, WIDTH - LEFT - RIGHT, 14), "heading")
    keys = [Key("what was", PAST), Key("forecast", COMING)]
    if tested:
        keys.insert(1, Key("forecast before it was known", TESTED))
    if "lower" in curves:
        keys.append(Key(f"right {share:.0%} of the time", ("accent",), "area"))
    draw_legend(canvas, keys, LEFT, 28, WIDTH - LEFT - RIGHT)
    frame = Frame(
        *(canvas, LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM),
        Axis(first, max(last, first + 1), marks=_row_ticks(first, last, series)),
        Axis(low, high if high > low else low + 1.0),
    )
    frame.grid()
    frame.upright(len(series) - 1)
    if "lower" in curves:
        frame.area(ahead, curves["lower"], curves["upper"], "accent")
    # Nothing is drawn where nothing was measured.
    frame.curve(
        np.arange(first, len(series)), np.where(series.measured[first:], past, np.nan), *PAST
    )
    for rows, values in tested:
        frame.curve(rows, values, *TESTED)
    frame.curve(ahead, curves["prediction"], *COMING)
    final = four_figures(float(curves["prediction"][-1]))
    steps = "the next step" if horizon == 1 else f"the next {horizon} steps"
    return canvas.drawing(
        f"{name}: {steps}",
        f"after {four_figures(float(past[-1]))} at the end, {final} at the last of them",
        wide=True,
    )


def _tested(back_test: BackTest, first: int, horizon: int) -> list[tuple[Array, Array]]:
    """Return forecasts that stand one behind the other, each from the value it started at."""
    step = max(horizon, 1)
    places = range(len(back_test.origins) - 1, -1, -step)
    kept = [place for place in places if back_test.origins[place] >= first]
    if horizon == 1:
        # Single steps make one curve.
        kept = sorted(kept)
        rows = back_test.origins[kept] + 1
        return [(rows, back_test.predicted[kept, 0])] if len(kept) > 1 else []
    return [
        (
            np.arange(back_test.origins[place], back_test.origins[place] + horizon + 1),
            np.concatenate([back_test.last[place : place + 1], back_test.predicted[place]]),
        )
        for place in kept
    ]


def _row_ticks(first: int, last: int, series: Series) -> list[tuple[float, str]]:
    """Return where marks of time lie, in rows, and their words."""
    dates, ahead = series.local, series.following(last - len(series) + 1)
    if dates is None or ahead is None:
        ticks = round_ticks(first + 1, last + 1, whole=True)
        return [(tick - 1, f"row {tick:,.0f}") for tick in ticks]
    if series.plan.utc:
        ahead = local_times(ahead, series.plan.zone)
    dates = np.concatenate([dates[first:], ahead]).astype("datetime64[us]")
    rows = np.arange(first, last + 1)
    marks = date_ticks(dates)
    moments = np.array([mark for mark, _ in marks]).astype("datetime64[us]").astype(np.float64)
    places = np.interp(moments, dates.astype(np.float64), rows)
    return [(float(place), words) for place, (_, words) in zip(places, marks, strict=True)]
