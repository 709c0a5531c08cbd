"""How often numbers occur: a histogram, or one bar for each name that occurs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from misstep.drawing.frame import Axis, Frame
from misstep.drawing.svg import Canvas, Drawing
from misstep.text.figures import amount

__all__ = ["histogram"]

# In pixels: by default the whole, and around the bars.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 220, 120, 8, 8, 8, 22


def histogram(
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    title: str,
    description: str,
    marks: Sequence[tuple[float, str]] | None = None,
    classes: tuple[str, ...] = ("series-1",),
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Drawing:
    """Return bars of `counts`, (bins,), between `edges`, (bins + 1,), rising.

    `marks`: words at places of the axis; by default round numbers.
    """
    heights, ends = np.asarray(counts, "float64"), np.asarray(edges, "float64")
    canvas = Canvas(width, height)
    across = Axis(float(ends[0]), float(ends[-1]), marks=marks)
    up = Axis(0.0, float(heights.max(initial=0.0)) or 1.0, marks=())
    frame = Frame(canvas, LEFT, TOP, width - RIGHT, height - BOTTOM, across, up)
    frame.grid()
    lefts, rights, tops = frame.x(ends[:-1]), frame.x(ends[1:]), frame.y(heights)
    for left, right, top, count in zip(lefts, rights, tops, heights, strict=True):
        gap = 1.0 if right - left > 3 else 0.0
        canvas.rectangle(
            *(float(left), float(top), float(right - left - gap), float(frame.bottom - top)),
            *("fill", *classes),
            title=amount(float(count)),
        )
    return canvas.drawing(title, description)
