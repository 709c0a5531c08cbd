"""A network as boxes, one below the other, as a row passes: kinds, shapes, parameters.

Boxes that hold others are frames around them. Knows names and numbers, no network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from misstep.drawing.svg import Canvas, Drawing, shortened, text_width
from misstep.text.counts import counted

__all__ = ["LayerBox", "network_chart"]

# In pixels: by default the whole; a box, the way from box to box, the head of a frame, how far a
# frame is from what is in it; the room for parameters at the right, of which their bar.
WIDTH, BOX, STEP, HEAD, INSET = 460, 38, 14, 22, 12
COUNTS, BAR = 128, 52
# Boxes that are drawn; of more the middle is left out, since nobody reads so many.
MOST_BOXES = 40
# The size of words that take as much room as bold ones.
BOLD = 15.5


@dataclass(frozen=True)
class LayerBox:
    """A layer.

    `kind`: what it is, such as Dense. `words`: its settings, in few words; `name`: its path.
    `shape`: what one row is behind it, such as 8 × 8 × 24. `classes`: of its edge. `inside`: the
    layers that it holds; `side_by_side`: whether each of these gets the same; `skip`: whether a row
    also goes around them; `around`: whether this is the way around the others.
    """

    kind: str
    name: str = ""
    words: str = ""
    shape: str = ""
    parameters: int = 0
    classes: tuple[str, ...] = ("series-5",)
    inside: tuple[LayerBox, ...] = ()
    side_by_side: bool = False
    skip: bool = False
    around: bool = False


class _Line(Enum):
    """What stands on a line of the drawing."""

    BOX = auto()
    OPEN = auto()
    CLOSE = auto()
    LEFT_OUT = auto()


@dataclass(frozen=True)
class _Row:
    kind: _Line
    box: LayerBox
    depth: int
    # Whether what comes out of it goes on to the next.
    hands_on: bool = True


def network_chart(
    boxes: Sequence[LayerBox],
    *,
    title: str,
    description: str,
    first: str = "",
    width: float = WIDTH,
) -> Drawing:
    """Return layers from the first to the last. `first`: what one row is before all of them."""
    rows = _shortened(list(_rows(boxes, 0)))
    deepest = max((row.depth for row in rows), default=0)
    most = max((row.box.parameters for row in rows if row.kind is _Line.BOX), default=0)
    heights = [_height(row) for row in rows]
    top = 30.0 if first else 6.0
    canvas = Canvas(width, top + sum(heights))
    middle = INSET * deepest + 26.0
    if first:
        canvas.text(middle, 14, f"a row: {first}", "quiet", anchor="start")
        _arrow(canvas, middle, 18, top)
    y = top
    opened: list[tuple[float, _Row]] = []
    for place, (row, height) in enumerate(zip(rows, heights, strict=True)):
        left, right = 2.0 + INSET * row.depth, width - 2.0 - INSET * row.depth
        last = place == len(rows) - 1
        if row.kind is _Line.OPEN:
            opened.append((y, row))
            canvas.text(left + 10, y + 15, _heading(row.box, right - left - 20), "quiet", "small")
        elif row.kind is _Line.CLOSE:
            begin, _ = opened.pop()
            _frame(canvas, row.box, left, begin, right - left, y + INSET - 4 - begin)
            if row.hands_on and not last:
                _arrow(canvas, middle, y + INSET - 4, y + height)
        elif row.kind is _Line.LEFT_OUT:
            canvas.text(left + 12, y + 18, row.box.words, "quiet")
            _arrow(canvas, middle, y + 24, y + height)
        else:
            _box(canvas, row.box, left, y, right - left, most)
            if row.hands_on and not last:
                _arrow(canvas, middle, y + BOX, y + height)
        y += height
    return canvas.drawing(title, description)


def _rows(boxes: Sequence[LayerBox], depth: int, *, side_by_side: bool = False) -> Iterator[_Row]:
    """Yield what stands one below the other, frames opened and closed."""
    for place, box in enumerate(boxes):
        last = place == len(boxes) - 1
        hands_on = not (side_by_side or box.around or last or boxes[place + 1].around)
        if box.inside:
            yield _Row(_Line.OPEN, box, depth)
            yield from _rows(box.inside, depth + 1, side_by_side=box.side_by_side)
            yield _Row(_Line.CLOSE, box, depth, hands_on)
        else:
            yield _Row(_Line.BOX, box, depth, hands_on)


def _shortened(rows: list[_Row]) -> list[_Row]:
    """Return rows with at most `MOST_BOXES` boxes, and how many were left out in the middle."""
    places = [place for place, row in enumerate(rows) if row.kind is _Line.BOX]
    if len(places) <= MOST_BOXES:
        return rows
    begin, end = places[MOST_BOXES // 2], places[-(MOST_BOXES // 2)]
    between = rows[begin:end]
    gone = [row.box for row in between if row.kind is _Line.BOX]
    parameters = sum(box.parameters for box in gone)
    words = f"… {counted(len(gone), 'more layer')}, {counted(parameters, 'parameter')} …"
    # What is opened and closed between is gone as a whole; what reaches beyond stays.
    kept: list[_Row] = []
    for row in between:
        if row.kind is _Line.CLOSE and kept and kept[-1].kind is _Line.OPEN:
            kept.pop()
        elif row.kind in (_Line.OPEN, _Line.CLOSE):
            kept.append(row)
    closing = [row for row in kept if row.kind is _Line.CLOSE]
    opening = [row for row in kept if row.kind is _Line.OPEN]
    note = _Row(_Line.LEFT_OUT, LayerBox("", words=words), rows[begin].depth - len(closing))
    return [*rows[:begin], *closing, note, *opening, *rows[end:]]


def _height(row: _Row) -> float:
    if row.kind is _Line.OPEN:
        return HEAD
    if row.kind is _Line.CLOSE:
        return INSET + STEP - 4
    return BOX + STEP if row.kind is _Line.BOX else 24 + STEP


def _box(canvas: Canvas, box: LayerBox, left: float, y: float, width: float, most: int) -> None:
    parameters = counted(box.parameters, "parameter")
    told = ", ".join(filter(None, (box.name, box.words, box.shape, parameters)))
    name = box.name.rpartition(".")[2]
    canvas.rectangle(left, y, width, BOX, "surface", radius=6, title=f"{box.kind}: {told}")
    canvas.rectangle(left, y, 5, BOX, "fill", *box.classes, radius=2)
    head = shortened(box.kind, width - COUNTS - 20)
    canvas.text(left + 14, y + 16, head, "strong")
    behind = 22 + text_width(head, BOLD)
    rest = width - COUNTS - 10 - behind
    if box.words and rest > 40:
        canvas.text(left + behind, y + 16, shortened(box.words, rest), "quiet")
    shape = f"→ {box.shape}" if box.shape else ""
    below = " · ".join(filter(None, (shape, name)))
    canvas.text(left + 14, y + 31, shortened(below, width - COUNTS - 20, 11), "quiet", "small")
    if not box.parameters:
        return
    right = left + width - 10
    canvas.text(right, y + 16, f"{box.parameters:,}", anchor="end", title=parameters)
    # Counts differ by powers of ten; bars of the numbers themselves would mostly be nothing.
    share = math.log10(1 + box.parameters) / math.log10(1 + most)
    canvas.rectangle(right - BAR, y + 24, BAR, 6, "ground")
    canvas.rectangle(right - BAR * share, y + 24, BAR * share, 6, "fill", *box.classes)


def _heading(box: LayerBox, width: float) -> str:
    how = "side by side, each gets the same" if box.side_by_side else ""
    how = "a row also goes around it" if box.skip else how
    how = "the way around" if box.around else how
    shape = f"→ {box.shape}" if box.shape else ""
    return shortened(" · ".join(filter(None, (box.kind, shape, box.words, how))), width, 11)


def _frame(
    canvas: Canvas, box: LayerBox, left: float, y: float, width: float, height: float
) -> None:
    canvas.rectangle(left, y, width, height, "outline", radius=8, title=box.name or box.kind)
    if box.skip:
        # The way around, at the right edge.
        right, end = left + width, y + height
        canvas.path(
            f"M{right - 8:g} {y:g} V{end:g} M{right - 12:g} {end - 6:g} L{right - 8:g} {end:g} "
            f"L{right - 4:g} {end - 6:g}",
            *("line", "thin", "accent"),
            title="a row also goes around it",
        )


def _arrow(canvas: Canvas, x: float, start: float, end: float) -> None:
    canvas.line(x, start + 1, x, end - 1, "axis")
    canvas.polyline([(x - 3, end - 5), (x, end - 1), (x + 3, end - 5)], "axis")
