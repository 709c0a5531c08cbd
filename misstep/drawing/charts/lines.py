"""Curves over one axis: losses over epochs, norms over updates, a reliability curve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from misstep.drawing.frame import Axis, Frame, Key, draw_legend, legend_height, span
from misstep.drawing.svg import Canvas, Drawing
from misstep.drawing.theme import series_class

__all__ = ["Band", "Line", "line_chart"]

# In pixels: room around the frame; by default the whole.
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 30, 42
WIDTH, HEIGHT = 460, 270
# Points of a curve; more would fall within one pixel.
MOST_POINTS = 500
# A logarithmic axis shows how far things differ, where they differ by more than so many times.
DECADES_APART = 50.0


@dataclass(frozen=True)
class Line:
    """A curve. x, y: (points,). `classes`: how it looks, by default as the series it is.

    `low`, `high`: (points,) of an area around it, or None. `dots`: whether points are marked.
    """

    words: str
    x: ArrayLike
    y: ArrayLike
    classes: tuple[str, ...] = ()
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    dots: bool = False


@dataclass(frozen=True)
class Band:
    """What is said of a stretch of the axis at the left, such as where numbers are healthy."""

    low: float
    high: float
    words: str
    classes: tuple[str, ...] = ("good",)


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    description: str,
    across: str = "",
    up: str = "",
    marks: Sequence[tuple[float, str]] = (),
    bands: Sequence[Band] = (),
    whole: bool = False,
    zero: bool = False,
    logarithmic: bool | None = False,
    across_logarithmic: bool = False,
    limits: tuple[float, float] | None = None,
    across_marks: Sequence[tuple[float, str]] | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Drawing:
    """Return curves in one frame, with a legend where there are several.

    `across`, `up`: what the axes count. `marks`: upright lines, each with words. `whole`: whether
    the axis at the bottom counts whole things. `zero`: whether the other begins at 0.
    `logarithmic`: of the axis at the left; None: where numbers are far apart and all above 0.
    `limits`: the ends of that axis. `across_marks`: words that stand at the other one for numbers.
    """
    lines = [_thinned(line) for line in lines]
    everything = [np.asarray(line.y, "float64") for line in lines]
    everything += [
        np.asarray(end, "float64")
        for line in lines
        for end in (line.low, line.high)
        if end is not None
    ]
    everything += [np.array([band.low, band.high]) for band in bands]
    ys = np.concatenate([np.empty(0), *everything])
    finite = ys[np.isfinite(ys)]
    above = finite[finite > 0]
    if logarithmic is None:
        logarithmic = bool(
            len(above) == len(finite) > 0 and finite.max() > DECADES_APART * finite.min()
        )
    logarithmic = logarithmic and len(above) > 0
    if limits is not None:
        low, high = limits
    elif logarithmic:
        low, high = float(above.min()) / 1.3, float(above.max()) * 1.3
    else:
        low, high = span(ys, zero=zero)
    xs = np.concatenate([np.empty(0), *(np.asarray(line.x, "float64") for line in lines)])
    xs = xs[np.isfinite(xs)]
    across_logarithmic = across_logarithmic and bool(len(xs)) and float(xs.min()) > 0
    first, last = (float(xs.min()), float(xs.max())) if len(xs) else (0.0, 1.0)
    keys = [Key(line.words, _classes(line, number)) for number, line in enumerate(lines)]
    keys += [Key(band.words, band.classes, "area") for band in bands]
    keys = keys if len(keys) > 1 else []
    top = TOP + legend_height(keys, width - LEFT - RIGHT)
    canvas = Canvas(width, height + top - TOP)
    frame = Frame(
        canvas,
        LEFT,
        top,
        width - RIGHT,
        height + top - TOP - BOTTOM,
        Axis(
            first,
            last,
            across,
            whole=whole,
            logarithmic=across_logarithmic and last > first,
            marks=across_marks,
        ),
        Axis(low, high, up, logarithmic=logarithmic),
    )
    draw_legend(canvas, keys, LEFT, 2, width - LEFT - RIGHT)
    for band in bands:
        y = frame.y([max(band.low, low), min(band.high, high)])
        canvas.rectangle(
            frame.left,
            float(y[1]),
            frame.right - frame.left,
            float(y[0] - y[1]),
            *("area", *band.classes),
        )
    frame.grid()
    for number, line in enumerate(lines):
        classes = _classes(line, number)
        if line.low is not None and line.high is not None:
            frame.area(line.x, line.low, line.high, *classes)
    for number, line in reversed(list(enumerate(lines))):
        classes = _classes(line, number)
        frame.curve(line.x, line.y, *classes, title=line.words)
        if line.dots:
            frame.points(line.x, line.y, *classes, radius=3, opacity=1)
    for at, words in marks:
        frame.upright(at, words)
    return canvas.drawing(title, description)


def _classes(line: Line, number: int) -> tuple[str, ...]:
    return line.classes or (series_class(number),)


def _thinned(line: Line) -> Line:
    """Return a curve with at most `MOST_POINTS` points, the first and the last among them.

    Of points beside each other the lowest and the highest stay: every tenth of them, say, would
    leave out what is short, and make a slow wave of a quick one.
    """
    count = len(np.asarray(line.x))
    if count <= MOST_POINTS:
        return line
    numbers = np.asarray(line.y, "float64")
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    edges = np.linspace(1, count - 1, MOST_POINTS // 2).round().astype("int64")
    ends = [0, count - 1]
    for start, stop in itertools.pairwise(edges.tolist()):
        part = numbers[start:stop]
        if np.isnan(part).all():
            ends.append(start)
        else:
            ends += [start + int(np.nanargmin(part)), start + int(np.nanargmax(part))]
    kept = np.unique(ends)

    def some(values: ArrayLike | None) -> NDArray[np.float64] | None:
        return None if values is None else np.asarray(values, "float64")[kept]

    return Line(
        *(line.words, np.asarray(line.x)[kept], np.asarray(line.y, "float64")[kept], line.classes),
        *(some(line.low), some(line.high), line.dots),
    )
