"""A chain of computations: numbers go forward from box to box, slopes come back below.

Knows names and words, no graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from misstep.drawing.svg import Canvas, Drawing, text_width

__all__ = ["Station", "chain_chart"]

# In pixels: a box's height, the room inside and around it, an arrow, and the lines of words.
BOX, INSIDE, EDGE, ARROW, TOP, LINE = 46, 12, 4, 74, 8, 18
HEAD = 7


@dataclass(frozen=True)
class Station:
    """A number on the way: `name` with its formula, the `number`, and the `blame` below it."""

    name: str
    number: str
    blame: str = ""


def chain_chart(
    stations: Sequence[Station], slopes: Sequence[str], *, title: str, description: str
) -> Drawing:
    """Return boxes with arrows forward between them and back below.

    `slopes`: what each arrow back multiplies by, one fewer than there are stations; the first leads
    from the second station back to the first.
    """
    widths = [
        2 * INSIDE + max(text_width(each.name), text_width(each.number), text_width(each.blame))
        for each in stations
    ]
    width = 2 * EDGE + sum(widths) + ARROW * (len(stations) - 1)
    middle, back = TOP + BOX / 2, TOP + BOX + LINE
    canvas = Canvas(width, back + 2 * LINE + 6)
    x = float(EDGE)
    for place, (station, wide) in enumerate(zip(stations, widths, strict=True)):
        canvas.rectangle(x, TOP, wide, BOX, "surface", radius=6)
        canvas.rectangle(x, TOP, wide, BOX, "outline", radius=6)
        center = x + wide / 2
        canvas.text(center, TOP + 19, station.name, anchor="middle")
        canvas.text(center, TOP + 37, station.number, "strong", anchor="middle")
        canvas.text(center, back + LINE + 8, station.blame, "quiet", anchor="middle")
        if place < len(slopes):
            start, end = x + wide, x + wide + ARROW
            canvas.line(start + 4, middle, end - 4 - HEAD, middle, "line", "positive")
            _head(canvas, end - 4, middle, 1, "positive")
            canvas.line(start + 4 + HEAD, back, end - 4, back, "line", "negative", "dashed")
            _head(canvas, start + 4, back, -1, "negative")
            words = f"× {slopes[place]}"
            canvas.text((start + end) / 2, back - 7, words, "small", anchor="middle")
        x += wide + ARROW
    return canvas.drawing(title, description, wide=True)


def _head(canvas: Canvas, x: float, y: float, way: int, *classes: str) -> None:
    """Draw the head of an arrow whose tip is at (x, y); `way`: 1 to the right, −1 to the left."""
    back = x - way * HEAD
    canvas.polygon([(x, y), (back, y - 4), (back, y + 4)], "fill", *classes)
