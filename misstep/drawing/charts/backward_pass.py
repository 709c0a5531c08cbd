"""The backward pass on the network: which neurons and connections an error was handed back to.

Columns of neurons from the inputs to the outputs; the gradient flows from right to left. Knows
numbers and names, no network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from misstep.drawing.frame import Key, draw_legend, legend_height
from misstep.drawing.svg import Canvas, Drawing, shortened, text_width
from misstep.text.figures import three_figures

__all__ = ["Link", "Unit", "UnitColumn", "backward_pass"]

# In pixels: from column to column, from neuron to neuron, names at the left and words at the right
# at most, the heads and feet of columns, and the room around.
ACROSS, STEP, NAMES, WORDS, HEAD, FOOT, EDGE = 132, 25, 150, 240, 46, 48, 12
# How large a neuron is whose gradient is the smallest and the largest of its column.
SMALLEST, LARGEST = 3.0, 10.0
# How wide a connection is, and how visible, that hands on the least and the most of its layer.
THIN, THICK, FAINT, FULL = 0.5, 5.0, 0.15, 0.85
LARGER, SMALLER = "should be larger", "should be smaller"


@dataclass(frozen=True)
class Unit:
    """A neuron, an input, or a channel.

    `gradient`: of the error by its value: above 0, a smaller value would err less. `words`: what is
    written beside it in the first and the last column. `value`: what it was; None where it is not
    one number.
    """

    name: str
    gradient: float
    words: str = ""
    value: float | None = None


@dataclass(frozen=True)
class UnitColumn:
    """A layer: the neurons that are drawn, and of those that are not how many there are.

    `norm`: the length of the gradient of the whole layer.
    """

    name: str
    units: Sequence[Unit]
    norm: float
    left_out: int = 0
    noun: str = "more"


@dataclass(frozen=True)
class Link:
    """A connection from a neuron of a column to one of the next, both by their places.

    `strength`: what it hands back, its weight times the gradient of the neuron it leads to.
    """

    column: int
    start: int
    end: int
    strength: float
    words: str = field(default="")


def backward_pass(
    columns: Sequence[UnitColumn], links: Sequence[Link], *, title: str, description: str
) -> Drawing:
    """Return a network with what was handed back through it.

    The size of a neuron is the size of its gradient beside the largest of its column; a triangle
    that points up should be larger, one that points down smaller. The width of a connection is what
    it hands back beside the most of its layer; where that is below 0 it is dashed.
    """
    first, last = columns[0], columns[-1]
    left = EDGE + min(
        max((text_width(unit.words or unit.name) for unit in first.units), default=0.0) + 20, NAMES
    )
    right = EDGE + min(
        max((text_width(unit.words) for unit in last.units), default=0.0) + 22, WORDS
    )
    left, right = max(left, 60.0), max(right, 60.0)
    most = max((len(column.units) for column in columns), default=1)
    width = left + ACROSS * (len(columns) - 1) + right
    keys = [
        Key(f"▲ {LARGER}", ("positive",), "area"),
        Key(f"▼ {SMALLER}", ("negative",), "area"),
        Key("handed back, above 0", ("negative",)),
        Key("handed back, below 0", ("positive", "dashed")),
    ]
    top = HEAD + legend_height(keys, width - 2 * EDGE)
    canvas = Canvas(width, top + STEP * most + FOOT)
    draw_legend(canvas, keys, EDGE, 2, width - 2 * EDGE)
    places = _places(columns, left, top, most)
    for column in range(len(columns) - 1):
        between = [link for link in links if link.column == column]
        strongest = max((abs(link.strength) for link in between), default=0.0)
        # The strongest are drawn last, over the others.
        for link in sorted(between, key=lambda one: abs(one.strength)):
            share = abs(link.strength) / strongest if strongest else 0.0
            start, end = places[column][link.start], places[column + 1][link.end]
            canvas.line(
                *start,
                *end,
                "line",
                *_kind(link.strength),
                stroke=round(THIN + (THICK - THIN) * share, 2),
                strength=FAINT + (FULL - FAINT) * share,
                title=link.words or None,
            )
    for at, layer in enumerate(columns):
        x = left + ACROSS * at
        largest = max((abs(unit.gradient) for unit in layer.units), default=0.0)
        for unit, (_, y) in zip(layer.units, places[at], strict=True):
            _draw_unit(canvas, unit, x, y, largest)
            if at == 0:
                words = shortened(unit.words or unit.name, left - EDGE - 14)
                canvas.text(x - 14, y + 4, words, anchor="end", title=unit.name)
            elif at == len(columns) - 1 and unit.words:
                words = shortened(unit.words, right - EDGE - 14)
                canvas.text(x + 16, y + 4, words, title=unit.words)
        head = shortened(layer.name, ACROSS - 10)
        canvas.text(x, top - 26, head, "strong", anchor="middle", title=layer.name)
        foot = top + STEP * most + 18
        if layer.left_out:
            more = f"and {layer.left_out:,} {layer.noun}"
            canvas.text(x, foot, more, "quiet", "small", anchor="middle")
        norm = f"gradient {three_figures(layer.norm)}"
        canvas.text(x, foot + 17, norm, "quiet", "small", anchor="middle")
    for at in range(len(columns) - 1):
        x = left + ACROSS * (at + 0.5)
        _arrow(canvas, x, top - 10)
    return canvas.drawing(title, description, wide=True)


def _places(
    columns: Sequence[UnitColumn], left: float, top: float, most: int
) -> list[list[tuple[float, float]]]:
    """Return where the neurons of each column are, in its middle."""
    found = []
    for at, column in enumerate(columns):
        first = top + STEP * (most - len(column.units)) / 2 + STEP / 2
        found.append(
            [(left + ACROSS * at, first + STEP * place) for place in range(len(column.units))]
        )
    return found


def _kind(number: float) -> tuple[str, ...]:
    """Return the classes of something that wants to be smaller or larger."""
    return ("negative",) if number > 0 else ("positive", "dashed")


def _draw_unit(canvas: Canvas, unit: Unit, x: float, y: float, largest: float) -> None:
    share = abs(unit.gradient) / largest if largest else 0.0
    words = f"{unit.name}: gradient {three_figures(unit.gradient)}"
    if unit.value is not None:
        words += f", value {three_figures(unit.value)}"
    if not unit.gradient or not math.isfinite(unit.gradient):
        canvas.circle(x, y, SMALLEST, "hollow", title=f"{words}; nothing was handed back to it")
        return
    # The area is what the eye compares.
    half = SMALLEST + (LARGEST - SMALLEST) * math.sqrt(share)
    tip = half if unit.gradient > 0 else -half
    corners = [(x - half, y - tip * 0.8), (x + half, y - tip * 0.8), (x, y + tip)]
    wish = SMALLER if unit.gradient > 0 else LARGER
    kind = "negative" if unit.gradient > 0 else "positive"
    canvas.polygon(corners, "fill", kind, title=f"{words}; it {wish}")


def _arrow(canvas: Canvas, x: float, y: float) -> None:
    """Draw an arrow to the left: this is the way the error is handed."""
    canvas.line(x - 14, y, x + 14, y, "axis")
    canvas.polyline([(x - 9, y - 4), (x - 14, y), (x - 9, y + 4)], "axis")
