"""`Frame`: two axes on a canvas, from numbers to pixels; and the legend beside.

Knows numbers and where they lie; what they mean, who draws knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from misstep.drawing.axis_ticks import round_ticks, tick_words
from misstep.drawing.svg import Canvas, shortened, text_width
from misstep.text.figures import power_of_ten

__all__ = ["Axis", "Frame", "Key", "axis_label", "draw_legend", "legend_height", "span"]

# In pixels: between lines of a legend, of its samples, and between its entries.
LEGEND_LINE, SAMPLE, GAP = 18, 22, 16
# Powers of ten that are marked on a logarithmic axis at most.
MOST_POWERS = 7

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """What is along one side.

    `low`, `high`: the numbers at its ends. `label`: what is counted, with the unit. `whole`:
    whether only whole numbers are marked. `logarithmic`: both ends are above 0 then. `marks`: where
    words stand instead of numbers.
    """

    low: float
    high: float
    label: str = ""
    whole: bool = False
    logarithmic: bool = False
    marks: Sequence[tuple[float, str]] | None = None

    def share(self, numbers: ArrayLike) -> Array:
        """Return how far along numbers lie, 0 at `low`, 1 at `high`."""
        given, low, high = np.asarray(numbers, "float64"), self.low, self.high
        if self.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                given, low, high = np.log10(given), math.log10(low), math.log10(high)
        return np.asarray((given - low) / ((high - low) or 1.0), "float64")

    def ticks(self) -> list[tuple[float, str]]:
        """Return what is marked, each with its words."""
        if self.marks is not None:
            return [(at, words) for at, words in self.marks]
        if self.logarithmic:
            first = math.ceil(math.log10(self.low) - 1e-9)
            last = math.floor(math.log10(self.high) + 1e-9)
            step = max(1, -(-(last - first + 1) // MOST_POWERS))
            powers = range(first, last + 1, step)
            if last - first >= 1:
                return [(10.0**one, power_of_ten(one)) for one in powers]
        ticks = round_ticks(self.low, self.high, whole=self.whole)
        return list(zip(ticks, tick_words(ticks), strict=True))


@dataclass(frozen=True)
class Frame:
    """A rectangle of a canvas with an axis at the bottom and one at the left.

    `left`, `top`, `right`, `bottom`: its sides, in pixels.
    """

    canvas: Canvas
    left: float
    top: float
    right: float
    bottom: float
    across: Axis
    up: Axis

    def x(self, numbers: ArrayLike) -> Array:
        """Return how far to the right numbers lie, in pixels."""
        return self.left + (self.right - self.left) * self.across.share(numbers)

    def y(self, numbers: ArrayLike) -> Array:
        """Return how far down numbers lie, in pixels; what is beyond the frame at its edge."""
        shares = np.clip(self.up.share(numbers), 0.0, 1.0)
        return self.bottom - (self.bottom - self.top) * shares

    def grid(self, *, across: bool = False) -> None:
        """Draw lines at the marks of the axis at the left, and the words of both.

        `across`: whether the axis at the bottom has lines as well.
        """
        canvas = self.canvas
        for number, words in self.up.ticks():
            y = float(self.y(number))
            canvas.line(self.left, y, self.right, y, "grid")
            canvas.text(self.left - 6, y + 4, words, "quiet", "small", anchor="end")
        taken = -math.inf
        for number, words in self.across.ticks():
            x, half = float(self.x(number)), text_width(words, 11) / 2
            if across:
                canvas.line(x, self.top, x, self.bottom, "grid")
            canvas.line(x, self.bottom, x, self.bottom + 4, "axis")
            middle = min(max(x, half), canvas.width - half)
            # Words that would run into those before are left out; their mark stays.
            if middle - half > taken:
                canvas.text(middle, self.bottom + 16, words, "quiet", "small", anchor="middle")
                taken = middle + half + 4
        canvas.line(self.left, self.bottom, self.right, self.bottom, "axis")
        if self.across.label:
            axis_label(canvas, self.across.label, (self.left + self.right) / 2, self.bottom + 33)
        if self.up.label:
            words = shortened(self.up.label, canvas.width - self.left + 6, 11)
            canvas.text(
                self.left - 6,
                self.top - 9,
                words,
                "quiet",
                "small",
                anchor="start" if text_width(words, 11) > self.left else "end",
                title=None if words == self.up.label else self.up.label,
            )

    def curve(self, xs: ArrayLike, ys: ArrayLike, *classes: str, title: str | None = None) -> None:
        """Draw a line through points, (points,) each, broken where a number is not finite."""
        for points in self._stretches(xs, ys):
            if len(points) == 1:
                self.canvas.circle(*points[0], 2.5, "fill", *classes, title=title)
            else:
                self.canvas.polyline(points, "line", *classes, title=title)

    def area(self, xs: ArrayLike, low: ArrayLike, high: ArrayLike, *classes: str) -> None:
        """Fill what is between two curves, (points,) each."""
        across, below, above = (np.asarray(each, "float64") for each in (xs, low, high))
        finite = np.isfinite(across) & np.isfinite(below) & np.isfinite(above)
        x = self.x(across[finite])
        forth = zip(x.tolist(), self.y(above[finite]).tolist(), strict=True)
        back = zip(x[::-1].tolist(), self.y(below[finite])[::-1].tolist(), strict=True)
        self.canvas.polygon([*forth, *back], "area", *classes)

    def points(
        self, xs: ArrayLike, ys: ArrayLike, *classes: str, radius: float = 2.5, opacity: float = 0.6
    ) -> None:
        """Draw a dot at each point, (points,) each; none where a number is not finite."""
        for stretch in self._stretches(xs, ys):
            for x, y in stretch:
                self.canvas.circle(x, y, radius, "fill", *classes, opacity=opacity)

    def upright(self, number: float, words: str = "", *classes: str) -> None:
        """Draw a dashed line from bottom to top, with words at its head."""
        x = float(self.x(number))
        self.canvas.line(x, self.top, x, self.bottom, *(classes or ("mark",)))
        if words:
            left = x + text_width(words, 11) + 6 > self.canvas.width
            anchor = "end" if left else "start"
            self.canvas.text(
                x + (-4 if left else 4), self.top + 9, words, "quiet", "small", anchor=anchor
            )

    def level(self, number: float, words: str = "", *classes: str) -> None:
        """Draw a dashed line from left to right, with words at its end."""
        y = float(self.y(number))
        self.canvas.line(self.left, y, self.right, y, *(classes or ("mark",)))
        if words:
            self.canvas.text(self.right - 4, y - 4, words, "quiet", "small", anchor="end")

    def _stretches(self, xs: ArrayLike, ys: ArrayLike) -> Iterator[list[tuple[float, float]]]:
        """Yield runs of points, in pixels, without one that is not finite."""
        across, up = np.asarray(xs, "float64"), np.asarray(ys, "float64")
        x, y = self.x(across), self.y(up)
        finite = np.isfinite(x) & np.isfinite(up)
        places = np.flatnonzero(finite)
        if not len(places):
            return
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            yield list(zip(x[run].tolist(), y[run].tolist(), strict=True))


def axis_label(canvas: Canvas, label: str, middle: float, y: float) -> None:
    """Write what an axis counts around `middle`, moved and cut so that it stays on the canvas."""
    words = shortened(label, canvas.width)
    half = text_width(words) / 2
    middle = min(max(middle, half), canvas.width - half)
    title = None if words == label else label
    canvas.text(middle, y, words, "quiet", anchor="middle", title=title)


@dataclass(frozen=True)
class Key:
    """An entry of a legend: its words, and the classes of what they stand for.

    `sample`: "line", "dot", "hollow" (a dot that is not filled) or "area".
    """

    words: str
    classes: tuple[str, ...] = field(default=())
    sample: str = "line"


def legend_height(keys: Sequence[Key], width: float) -> float:
    """Return how high a legend is that is `width` pixels wide."""
    lines = [line for line, _, _ in _places(keys, width)]
    return (max(lines) + 1) * LEGEND_LINE if lines else 0.0


def draw_legend(canvas: Canvas, keys: Sequence[Key], x: float, y: float, width: float) -> None:
    """Write a legend whose upper left corner is at (x, y); it breaks where its width ends."""
    for line, across, key in _places(keys, width):
        left, middle = x + across, y + line * LEGEND_LINE + LEGEND_LINE / 2
        if key.sample == "line":
            canvas.line(left, middle, left + SAMPLE, middle, "line", *key.classes)
        elif key.sample == "area":
            canvas.rectangle(left, middle - 5, SAMPLE, 10, "area", *key.classes)
        else:
            shape = "hollow" if key.sample == "hollow" else "fill"
            canvas.circle(left + SAMPLE / 2, middle, 4, shape, *key.classes)
        words = shortened(key.words, width - SAMPLE - 6)
        canvas.text(left + SAMPLE + 6, middle + 4, words)


def _places(keys: Sequence[Key], width: float) -> Iterator[tuple[int, float, Key]]:
    """Yield the line and the place in it of each entry."""
    line, across = 0, 0.0
    for key in keys:
        needed = SAMPLE + 6 + text_width(key.words)
        if across and across + needed > width:
            line, across = line + 1, 0.0
        yield line, across, key
        across += needed + GAP


def span(
    numbers: Iterable[float] | Array, *, room: float = 0.05, zero: bool = False
) -> tuple[float, float]:
    """Return the ends of an axis for numbers: the finite ones, with some room on both sides.

    `zero`: whether the axis begins at 0 where no number is below. Without a number 0 and 1.
    """
    given = np.asarray(list(numbers) if not isinstance(numbers, np.ndarray) else numbers, "float64")
    finite = given[np.isfinite(given)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if zero and low >= 0:
        return 0.0, high * (1 + room) or 1.0
    # Halved, since the difference of the two largest numbers would overflow.
    beyond = 2 * room * (high / 2 - low / 2) or room * abs(high) or 1.0
    return low - beyond, high + beyond
