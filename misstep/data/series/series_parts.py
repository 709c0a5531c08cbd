"""The window of a series taken apart into its steps, each of the target and of every input.

A step of the target is replaced by the mean of the target over this very window, so that the level
that the series has by now stays; one of an input by the middle of what was learned from.
The calendar of the origin is a part too: without it, all of its values count alike. Windows are put
together in the series' own values and encoded anew, since every step is measured from the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.row_parts import Floats, Part, RowParts
from misstep.data.series.series import Series
from misstep.data.series.time_steps import SIZES
from misstep.data.standardization import Standard

if TYPE_CHECKING:
    from misstep.data.series.windows import SeriesWindows

__all__ = ["WindowParts"]

# A window of more steps and columns is taken apart into spans of steps.
MOST_PARTS = 200


class WindowParts(RowParts):
    """The parts of the window that ends at row `origin` of `series`, counted from 0."""

    def __init__(self, windows: SeriesWindows, series: Series, origin: int) -> None:
        self._windows, self._series, self._origin = windows, series, origin
        first = origin + 1 - windows.window
        self.values = series.values[first : origin + 1]
        target = np.full(1, self.values[:, 0].mean())
        inputs = [_center(scaling) for scaling in windows.scalings]
        self.replaced = np.concatenate([target, inputs])
        steps, columns = self.values.shape
        size = -(-steps * columns // MOST_PARTS)
        self._numbers = np.zeros((steps, columns), np.int64)
        parts: list[Part] = []
        for column, name in enumerate(windows.plan.columns):
            # The newest step first: it is what people look for.
            for stop in range(steps, 0, -size):
                start = max(0, stop - size)
                self._numbers[start:stop, column] = len(parts)
                mean = float(self.values[start:stop, column].mean())
                title = f"{name}{_back(steps - stop, steps - 1 - start)}"
                parts.append(Part(title, mean, float(self.replaced[column])))
        self._calendar = len(parts)
        for part in windows.calendar:
            # The clock on the wall, as rows have it.
            dates = series.first(origin + 1).local
            assert dates is not None
            value = series.plan.step.calendar_of(dates[[origin]], part)[0]
            parts.append(Part(f"the {part}", _calendar_words(part, int(value)), "any"))
        self.parts = parts
        self.noun = "step"
        words = [f"{windows.plan.target} at its mean over this window at each step"]
        if windows.scalings:
            words.append("inputs at the middle of what was learned from")
        if windows.calendar:
            words.append("every date of the calendar alike")
        self.baseline = "; ".join(words)

    def mixed(self, kept: NDArray[np.bool_]) -> Floats:
        """Return encoded windows, (rows, features)."""
        series, origins = self.windows_of(kept)
        features = self._windows.transform(series, origins)
        start = self.values.size
        for number, part in enumerate(self._windows.calendar, start=self._calendar):
            block = slice(start, start + SIZES[part])
            features[~kept[:, number], block] = 1 / SIZES[part]
            start += SIZES[part]
        return features

    def windows_of(self, kept: NDArray[np.bool_]) -> tuple[Series, NDArray[np.int64]]:
        """Return the windows one after the other as a series, and the last row of each."""
        steps = len(self.values)
        values = np.where(kept[:, self._numbers], self.values, self.replaced)
        dates = self._series.dates
        if dates is not None:
            first = self._origin + 1 - steps
            dates = np.tile(dates[first : self._origin + 1], len(kept))
        together = Series(self._series.plan, values.reshape(-1, values.shape[2]), dates)
        return together, np.arange(1, len(kept) + 1) * steps - 1


def _center(scaling: Standard) -> Any:
    """Return the value that is 0 once it is scaled."""
    center = scaling.center
    return np.copysign(np.expm1(abs(center)), center) if scaling.log else center


def _calendar_words(part: str, value: int) -> str:
    import calendar

    if part == "month":
        return calendar.month_name[value + 1]
    return calendar.day_name[value] if part == "weekday" else f"{value:02}:00"


def _back(first: int, last: int) -> str:
    """Return how many steps back from the origin."""
    if first == last == 0:
        return ", the last step"
    if first == last:
        return f", {first} {'step' if first == 1 else 'steps'} back"
    return f", {first} to {last} steps back"
