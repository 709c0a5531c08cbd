"""Points by two numbers: predicted beside true, residuals, rows of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from misstep.drawing.frame import Axis, Frame, Key, draw_legend, legend_height, span
from misstep.drawing.svg import Canvas, Drawing
from misstep.drawing.theme import series_class

__all__ = ["Points", "scatter_chart"]

# In pixels: by default the whole, and around the frame.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 330, 62, 14, 30, 42
# Dots that are drawn; of more, evenly spaced ones.
MOST_DOTS = 600


@dataclass(frozen=True)
class Points:
    """Points of one kind. x, y: (points,)."""

    words: str
    x: ArrayLike
    y: ArrayLike
    classes: tuple[str, ...] = ()


def scatter_chart(
    groups: Sequence[Points],
    *,
    title: str,
    description: str,
    across: str = "",
    up: str = "",
    diagonal: str = "",
    level: float | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Drawing:
    """Return dots in one frame.

    `diagonal`: words at the line on which both numbers are the same, both axes being alike then;
    empty for none. `level`: where a line goes from left to right.
    """
    groups = [_thinned(group) for group in groups]
    xs = np.concatenate([np.empty(0), *(np.asarray(group.x, "float64") for group in groups)])
    ys = np.concatenate([np.empty(0), *(np.asarray(group.y, "float64") for group in groups)])
    if diagonal:
        xs = ys = np.concatenate([xs, ys])
    keys = [Key(group.words, _classes(group, number), "dot") for number, group in enumerate(groups)]
    keys = keys if len(keys) > 1 else []
    top = TOP + legend_height(keys, width - LEFT - RIGHT)
    canvas = Canvas(width, height + top - TOP)
    draw_legend(canvas, keys, LEFT, 2, width - LEFT - RIGHT)
    frame = Frame(
        canvas,
        *(LEFT, top, width - RIGHT, height + top - TOP - BOTTOM),
        Axis(*span(xs), across),
        Axis(*span(ys if level is None else np.append(ys, level)), up),
    )
    frame.grid(across=True)
    if diagonal:
        ends = [frame.across.low, frame.across.high]
        canvas.polyline(zip(frame.x(ends).tolist(), frame.y(ends).tolist(), strict=True), "mark")
        canvas.text(frame.right - 4, top + 26, diagonal, "quiet", "small", anchor="end")
    if level is not None:
        frame.level(level)
    for number, group in enumerate(groups):
        frame.points(group.x, group.y, *_classes(group, number))
    return canvas.drawing(title, description)


def _classes(group: Points, number: int) -> tuple[str, ...]:
    return group.classes or (series_class(number),)


def _thinned(group: Points) -> Points:
    xs, ys = np.asarray(group.x, "float64"), np.asarray(group.y, "float64")
    if len(xs) <= MOST_DOTS:
        return group
    kept = np.arange(MOST_DOTS) * len(xs) // MOST_DOTS
    return Points(group.words, xs[kept], ys[kept], group.classes)
