"""Bars to the right of their names: importances, contributions, counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from misstep.drawing.frame import Axis, Frame, axis_label, span
from misstep.drawing.svg import Canvas, Drawing, shortened, text_width

__all__ = ["Bar", "bar_chart"]

# In pixels: by default the whole, a bar, from bar to bar, around, and of names at most.
WIDTH, BAR, STEP, TOP, BOTTOM, NAMES = 460, 14, 24, 10, 42, 190
# The same where nothing is written below the axis.
UNLABELED = 24


@dataclass(frozen=True)
class Bar:
    """One bar. `number`: how long it is; `words`: what is written behind it.

    `error`: how far it may be off, drawn as a line across its end. `classes`: by default blue to
    the right and orange to the left.
    """

    name: str
    number: float
    words: str = ""
    error: float = 0.0
    classes: tuple[str, ...] = ()


def bar_chart(
    bars: Sequence[Bar],
    *,
    title: str,
    description: str,
    across: str = "",
    limits: tuple[float, float] | None = None,
    marks: Sequence[tuple[float, str]] | None = None,
    width: float = WIDTH,
) -> Drawing:
    """Return bars one below the other, from 0; below 0 they go to the left.

    `across`: what the axis counts. `limits`: its ends. `marks`: words at places of the axis; by
    default round numbers.
    """
    names = min(max((text_width(bar.name) for bar in bars), default=0.0) + 24, NAMES, width * 0.42)
    words = max((text_width(bar.words, 11) for bar in bars), default=0.0) + 20
    bottom = BOTTOM if across else UNLABELED
    height = TOP + STEP * max(len(bars), 1) + bottom
    canvas = Canvas(width, height)
    ends = [
        0.0,
        *(bar.number + bar.error for bar in bars),
        *(bar.number - bar.error for bar in bars),
    ]
    low, high = limits or span(ends, room=0.02)
    if limits is None:
        low, high = (low if min(ends) < 0 else 0.0), (high if max(ends) > 0 else 0.0)
    axis = Axis(low, high if high > low else low + 1, across, marks=marks)
    frame = Frame(canvas, names, TOP, width - words, height - bottom, axis, Axis(0, 1, marks=()))
    taken = -math.inf
    for number, label in axis.ticks():
        x, half = float(frame.x(number)), text_width(label, 11) / 2
        canvas.line(x, TOP, x, frame.bottom, "grid")
        # Words that would run into those before are left out; their line stays.
        if x - half > taken:
            canvas.text(x, frame.bottom + 16, label, "quiet", "small", anchor="middle")
            taken = x + half + 4
    zero = float(frame.x(0.0))
    for place, bar in enumerate(bars):
        middle = TOP + STEP * place + STEP / 2
        end = min(max(float(frame.x(bar.number)), frame.left), frame.right)
        classes = bar.classes or ("positive" if bar.number >= 0 else "negative",)
        canvas.text(
            names - 8, middle + 4, shortened(bar.name, names - 12), anchor="end", title=bar.name
        )
        canvas.rectangle(
            min(zero, end),
            middle - BAR / 2,
            abs(end - zero),
            BAR,
            "fill",
            *classes,
            title=f"{bar.name}: {bar.words or bar.number}",
        )
        if bar.error:
            ends_at = [float(frame.x(bar.number + sign * bar.error)) for sign in (-1, 1)]
            canvas.line(ends_at[0], middle, ends_at[1], middle, "axis", stroke=2)
        if bar.words:
            canvas.text(width - words + 8, middle + 4, bar.words, "quiet", "small")
    canvas.line(zero, TOP, zero, frame.bottom, "axis")
    if across:
        axis_label(canvas, across, (frame.left + frame.right) / 2, frame.bottom + 33)
    return canvas.drawing(title, description)
