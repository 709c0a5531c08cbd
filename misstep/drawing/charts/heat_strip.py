"""A strip for each name over time, dark where a number is large: gradients of layers over updates.

Numbers within the band are pale; what is too small is orange with a stroke from the upper left,
what is too large red with crosses: the pattern says what the color does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from misstep.drawing.frame import Axis, Key, draw_legend, legend_height
from misstep.drawing.svg import Canvas, Drawing, shortened, text_width
from misstep.text.figures import figure

__all__ = ["heat_strip"]

# In pixels: by default the whole, a strip, between strips, around, and of names at most.
WIDTH, STRIP, GAP, TOP, BOTTOM, RIGHT, NAMES = 720, 22, 3, 8, 42, 70, 180
# How opaque a number at the edge of the band is, and one that is this many decades beyond it.
EDGE, FULL, DECADES = 0.22, 0.95, 4.0
# Shades between these that an eye tells apart, and pixels from one mark of a pattern to the next.
SHADES, PATTERN = 12, 22


def heat_strip(
    names: Sequence[str],
    columns: ArrayLike,
    numbers: ArrayLike,
    *,
    band: tuple[float, float],
    title: str,
    description: str,
    across: str = "",
    words: tuple[str, str, str] = ("too small", "healthy", "too large"),
    width: float = WIDTH,
) -> Drawing:
    """Return strips of `numbers`, (names, columns), all 0 or above; NaN leaves a gap.

    `columns`: (columns,) where each stands on the axis, rising. `band`: between which numbers are
    healthy. `words`: what is said of numbers below, in and above it. The latest number of each
    stands behind its strip.
    """
    places, table = np.asarray(columns, "float64"), np.asarray(numbers, "float64")
    low, high = map(float, band)
    left = min(max((text_width(name) for name in names), default=0.0) + 24, NAMES)
    right = width - RIGHT
    keys = [
        Key(f"╲ {words[0]} (below {figure(low)})", ("negative",), "dot"),
        Key(words[1], ("good",), "area"),
        Key(f"╳ {words[2]} (above {figure(high)})", ("bad",), "dot"),
    ]
    # Nothing lies below a band that begins at 0.
    keys = keys if low > 0 else keys[1:]
    top = TOP + legend_height(keys, right - left)
    height = top + (STRIP + GAP) * max(len(names), 1) + BOTTOM
    canvas = Canvas(width, height)
    draw_legend(canvas, keys, left, 2, right - left)
    axis = Axis(float(places[0]), float(places[-1]), across, whole=True)
    # A number stands for the time until the next one.
    middles = (places[1:] + places[:-1]) / 2
    edges = np.concatenate([places[:1], middles, places[-1:]])
    pixels = left + (right - left) * axis.share(edges)
    if len(places) == 1:
        pixels = np.array([left, right], "float64")
    for row, name in enumerate(names):
        y = top + (STRIP + GAP) * row
        canvas.text(left - 8, y + 15, shortened(name, left - 12), anchor="end", title=name)
        canvas.rectangle(left, y, right - left, STRIP, "surface")
        for first, end, (kind, opacity) in _runs(table[row], low, high):
            x, wide = float(pixels[first]), float(pixels[end] - pixels[first])
            # No seam shows between neighbors.
            canvas.rectangle(x, y, wide + 0.3, STRIP, "fill", kind, opacity=opacity)
            if kind != "good":
                for at in range(round(wide / PATTERN) or 1):
                    each = wide / (round(wide / PATTERN) or 1)
                    _pattern(canvas, x + each * at, y, max(each, 4.0), kind)
        finite = table[row][np.isfinite(table[row])]
        if len(finite):
            latest = figure(float(finite[-1]))
            canvas.text(right + 6, y + 15, latest, "quiet", "small")
    bottom = height - BOTTOM
    for number, label in axis.ticks() if len(places) > 1 else []:
        x = left + (right - left) * float(axis.share(number))
        canvas.line(x, bottom, x, bottom + 4, "axis")
        canvas.text(x, bottom + 16, label, "quiet", "small", anchor="middle")
    if across:
        canvas.text((left + right) / 2, bottom + 33, across, "quiet", anchor="middle")
    return canvas.drawing(title, description, wide=True)


def _runs(
    numbers: NDArray[np.float64], low: float, high: float
) -> Iterator[tuple[int, int, tuple[str, float]]]:
    """Yield where neighbors that look the same begin and end, and how they look."""
    begin, now = 0, None
    for column, number in enumerate([*numbers.tolist(), math.nan]):
        looks = _looks(number, low, high) if math.isfinite(number) else None
        if looks == now:
            continue
        if now is not None:
            yield begin, column, now
        begin, now = column, looks


def _looks(number: float, low: float, high: float) -> tuple[str, float]:
    """Return the class of a number and how opaque it is."""
    if low <= number <= high:
        return "good", EDGE
    if number <= 0:
        return "negative", FULL
    beyond = abs(math.log10(number / (low if number < low else high)))
    share = round(min(beyond / DECADES, 1.0) * SHADES) / SHADES
    opacity = EDGE + (FULL - EDGE) * share
    return ("negative" if number < low else "bad"), opacity


def _pattern(canvas: Canvas, x: float, y: float, wide: float, kind: str) -> None:
    size = min(wide, STRIP) * 0.5
    middle, across = y + STRIP / 2, x + wide / 2
    half = size / 2
    canvas.line(across - half, middle - half, across + half, middle + half, "axis")
    if kind == "bad":
        canvas.line(across - half, middle + half, across + half, middle - half, "axis")
