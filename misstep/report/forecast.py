"""A forecast as a drawing: what was, what would have been forecast, what comes, and how far off.

One string of SVG that needs nothing else: no scripts, no files, every text escaped. Knows a series
and forecasts of it, not networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from misstep.data.series.series import Series
from misstep.data.series.times import local_times
from misstep.drawing.axis_ticks import date_ticks, round_ticks, tick_words
from misstep.ir import Array
from misstep.modeling.forecast import BackTest

if TYPE_CHECKING:
    import pandas

# In pixels: the drawing, and the room around the curves for numbers, dates and the legend.
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 54, 40
# Points of the past that can be told apart, and in how many horizons of it one sees a forecast.
MOST_POINTS, HORIZONS_BACK = 240, 10
FEWEST_POINTS = 60
PAST, TESTED, COMING, BAND = "#1a202c", "#dd6b20", "#2b6cb0", "#bee3f8"


def draw_forecast(
    series: Series, back_test: BackTest | None, forecast: pandas.DataFrame, share: float
) -> str:
    """Return the end of `series`, the back-test over it and the `forecast` after it, as SVG.

    forecast: as `ForecastModel.forecast` gives it; share: how often the interval is right.
    """
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
    frame = _Frame(first, len(series) - 1 + horizon, float(in_sight.min()), float(in_sight.max()))
    parts = [_grid(frame, series)]
    if "lower" in curves:
        around = [
            *frame.points(ahead, curves["upper"]),
            *reversed(frame.points(ahead, curves["lower"])),
        ]
        parts.append(f'<polygon fill="{BAND}" points="{" ".join(around)}"/>')
    for rows in _stretches(np.flatnonzero(series.measured[first:]) + first):
        parts.append(_line(frame.points(rows, series.target[rows]), PAST))
    parts += [_line(frame.points(rows, values), TESTED) for rows, values in tested]
    parts.append(_line(frame.points(ahead, curves["prediction"]), COMING, 2.5))
    legend = [("what was", PAST), ("forecast", COMING)]
    if tested:
        legend.insert(1, ("forecast before it was known", TESTED))
    if "lower" in curves:
        legend.append((f"right {share:.0%} of the time", BAND))
    name = escape(series.plan.target)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'font-size="12">\n<title>{name}: the next {horizon} steps</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold" fill="{PAST}">{name}</text>\n'
        + _legend(legend)
        + "\n".join(parts)
        + "\n</svg>\n"
    )


@dataclass(frozen=True)
class _Frame:
    """From rows and values to pixels."""

    first: int
    last: int
    low: float
    high: float

    def x(self, row: float) -> float:
        """Return how far to the right a row lies."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (row - self.first) / max(self.last - self.first, 1)

    def y(self, value: float) -> float:
        """Return how far down a value lies."""
        whole = (self.high - self.low) or 1.0
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / whole

    def points(self, rows: Array, values: Array) -> list[str]:
        """Return points of a curve."""
        return [
            f"{self.x(row):.1f},{self.y(value):.1f}"
            for row, value in zip(rows.tolist(), values.tolist(), strict=True)
        ]


def _stretches(rows: Array) -> list[Array]:
    """Return runs of rows without a gap, so that nothing is drawn where nothing was measured."""
    return np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)


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


def _grid(frame: _Frame, series: Series) -> str:
    parts = []
    ticks = round_ticks(frame.low, frame.high)
    for value, words in zip(ticks, tick_words(ticks), strict=True):
        y = frame.y(value)
        parts.append(
            f'<path d="M{LEFT} {y:.1f} H{WIDTH - RIGHT}" stroke="#e2e8f0"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#4a5568">'
            f"{words}</text>"
        )
    end = len(series) - 1
    for row, words in _row_ticks(frame, series):
        x = frame.x(row)
        # A label near the edge would be cut off.
        reach = 4 * len(words)
        anchor = "end" if x + reach > WIDTH else "start" if x - reach < 0 else "middle"
        parts.append(
            f'<path d="M{x:.1f} {HEIGHT - BOTTOM} V{HEIGHT - BOTTOM + 6}" stroke="#a0aec0"/>'
            f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="{anchor}" '
            f'fill="#4a5568">{escape(words)}</text>'
        )
    parts.append(
        f'<path d="M{frame.x(end):.1f} {TOP} V{HEIGHT - BOTTOM}" stroke="#a0aec0" '
        'stroke-dasharray="4 4"/>'
    )
    return "\n".join(parts)


def _row_ticks(frame: _Frame, series: Series) -> list[tuple[float, str]]:
    """Return where marks of time lie, in rows, and their words."""
    dates, ahead = series.local, series.following(frame.last - len(series) + 1)
    if dates is None or ahead is None:
        ticks = round_ticks(frame.first + 1, frame.last + 1, whole=True)
        return [(tick - 1, f"row {tick:,.0f}") for tick in ticks]
    if series.plan.utc:
        ahead = local_times(ahead, series.plan.zone)
    dates = np.concatenate([dates[frame.first :], ahead]).astype("datetime64[us]")
    rows = np.arange(frame.first, frame.last + 1)
    marks = date_ticks(dates)
    moments = np.array([mark for mark, _ in marks]).astype("datetime64[us]").astype(np.float64)
    places = np.interp(moments, dates.astype(np.float64), rows)
    return [(float(place), words) for place, (_, words) in zip(places, marks, strict=True)]


def _legend(entries: list[tuple[str, str]]) -> str:
    parts, x = [], LEFT
    for words, color in entries:
        parts.append(
            f'<rect x="{x}" y="32" width="22" height="6" fill="{color}"/>'
            f'<text x="{x + 28}" y="39" fill="#1a202c">{escape(words)}</text>'
        )
        x += 48 + 7 * len(words)
    return "\n".join(parts) + "\n"


def _line(points: list[str], color: str, width: float = 1.5) -> str:
    return (
        f'<polyline fill="none" stroke="{color}" stroke-width="{width:g}" '
        f'stroke-linejoin="round" points="{" ".join(points)}"/>'
    )
