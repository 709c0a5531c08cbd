"""A search for hyperparameters as a drawing: what each trial came to, and which of them mattered.

Knows numbers and names of trials, no search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.drawing import Axis, Canvas, Drawing, Frame, Key, draw_legend, shortened
from misstep.text.counts import counted
from misstep.text.figures import four_figures

__all__ = ["Search", "TrialPoint", "draw_tuning", "tuning_drawing"]

# In pixels: the drawing, and the room around trials and bars for numbers, words and the legend.
WIDTH, HEIGHT = 860, 380
LEFT, TOP, BOTTOM = 76, 66, 44
# Where the trials end; and where the bars begin, behind the names of hyperparameters, and end,
# before their shares.
TRIALS_END, BARS_START, BARS_END = 520, 690, 810
MOST_BARS, BAR_HEIGHT, BAR_STEP = 10, 14, 27
BEST, EARLY, DEFAULT = ("accent", "thick"), ("series-5",), ("negative", "dashed")
RADIUS = 4
# How far beyond the default and the middle trial a worse one is shown, as a share of how far the
# best lies on their other side: one that came to nothing would press the rest to a line.
SHOWN_BEYOND = 1.0
# How far the axis reaches beyond its outermost points, as a share of all.
ROOM = 0.06


@dataclass(frozen=True)
class TrialPoint:
    """One trial. `value`: what validation said of it; None where it said nothing.

    `number`: counted from 0, which is the default. `whole`: whether it ran to its end.
    """

    number: int
    value: float | None
    whole: bool


@dataclass(frozen=True)
class Search:
    """A search for hyperparameters. `words`: what came of it, in a sentence.

    `axis`: what the values of its trials are. `importances`: shares by name.
    """

    points: Sequence[TrialPoint]
    importances: Mapping[str, float]
    words: str = ""
    axis: str = "validation loss"
    less_is_better: bool = True


def draw_tuning(
    points: Sequence[TrialPoint],
    importances: Mapping[str, float],
    *,
    title: str,
    axis: str,
    less_is_better: bool,
) -> str:
    """Return trials over their numbers, the best so far, the default, and importances, as SVG.

    `axis`: what the values are. `importances`: shares by name; without any the trials stand alone.
    """
    drawing = tuning_drawing(
        points, importances, title=title, axis=axis, less_is_better=less_is_better
    )
    return drawing.svg(standalone=True)


def tuning_drawing(
    points: Sequence[TrialPoint],
    importances: Mapping[str, float],
    *,
    title: str,
    axis: str,
    less_is_better: bool,
) -> Drawing:
    """Return the same as a drawing of a page."""
    known = [one for one in points if one.value is not None and np.isfinite(one.value)]
    whole = [one for one in known if one.whole]
    default = next((one.value for one in whole if one.number == 0), None)
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(LEFT, 20, shortened(title, WIDTH - LEFT, 14), "heading")
    keys = [
        Key("a trial", (), "dot"),
        Key("ended early", EARLY, "hollow"),
        Key("best so far", BEST),
    ]
    if default is not None:
        keys.append(Key("the default", DEFAULT))
    draw_legend(canvas, keys, LEFT, 28, TRIALS_END - LEFT + 100)
    if known:
        low, high = _span(known, default, less_is_better=less_is_better)
        last = max([1, *(one.number for one in points)])
        # No dot is cut by the edge.
        room = 0.025 * last
        frame = Frame(
            *(canvas, LEFT, TOP, TRIALS_END, HEIGHT - BOTTOM),
            Axis(-room, last + room, "trial", whole=True),
            Axis(low, high if high > low else low + 1.0, axis),
        )
        frame.grid()
        _best_line(frame, whole, last, less_is_better=less_is_better)
        if default is not None:
            frame.level(default, "", "line", *DEFAULT)
        for one in known:
            _mark(canvas, frame, one, low, high)
    _bars(canvas, importances)
    return canvas.drawing(title, _told(known, whole, importances, less_is_better), wide=True)


def _told(
    known: Sequence[TrialPoint],
    whole: Sequence[TrialPoint],
    importances: Mapping[str, float],
    less_is_better: bool,
) -> str:
    """Return in words what the drawing shows."""
    parts = [f"{counted(len(known), 'trial')} that came to a number"]
    values = [one.value for one in whole if one.value is not None]
    if values:
        best = min(values) if less_is_better else max(values)
        parts.append(f"the best {four_figures(best)}")
    ranked = sorted(importances.items(), key=lambda item: -item[1])[:3]
    parts += [f"{name} {share:.0%}" for name, share in ranked]
    return ", ".join(parts)


def _span(
    known: Sequence[TrialPoint], default: float | None, *, less_is_better: bool
) -> tuple[float, float]:
    """Return the lowest and the highest value that are shown."""
    sign = 1.0 if less_is_better else -1.0
    values = sorted(sign * float(one.value) for one in known if one.value is not None)
    best, middle = values[0], values[len(values) // 2]
    turning = max(middle, best if default is None else sign * default)
    worst = min(values[-1], turning + SHOWN_BEYOND * ((turning - best) or abs(best) or 1.0))
    worst = max(worst, turning)
    room = ROOM * ((worst - best) or abs(best) or 1.0)
    ends = sign * (best - room), sign * (worst + room)
    return min(ends), max(ends)


def _mark(canvas: Canvas, frame: Frame, one: TrialPoint, low: float, high: float) -> None:
    """Draw a dot, filled where the trial ran to its end; beyond the edge an arrow's head."""
    assert one.value is not None
    across, down = float(frame.x(one.number)), float(frame.y(one.value))
    classes = () if one.whole else EARLY
    title = f"trial {one.number}: {four_figures(one.value)}"
    if low <= one.value <= high:
        canvas.circle(
            across, down, RADIUS, "fill" if one.whole else "hollow", *classes, title=title
        )
        return
    tip = -RADIUS - 2 if one.value > high else RADIUS + 2
    base = down - tip / 2
    corners = [(across - RADIUS, base), (across + RADIUS, base), (across, base + tip)]
    canvas.polygon(corners, "fill", *classes, title=title)


def _best_line(
    frame: Frame, whole: Sequence[TrialPoint], last: int, *, less_is_better: bool
) -> None:
    """Draw the best value up to each trial, as stairs."""
    numbers: list[float] = []
    values: list[float] = []
    for one in whole:
        assert one.value is not None
        if not values:
            numbers, values = [one.number], [one.value]
        elif one.value < values[-1] if less_is_better else one.value > values[-1]:
            numbers += [one.number, one.number]
            values += [values[-1], one.value]
    if values:
        frame.curve([*numbers, last], [*values, values[-1]], *BEST)


def _bars(canvas: Canvas, importances: Mapping[str, float]) -> None:
    """Draw a bar for each of the most important hyperparameters, the largest first."""
    if not importances:
        return
    ranked = sorted(importances.items(), key=lambda item: -item[1])[:MOST_BARS]
    longest = max(share for _, share in ranked) or 1.0
    canvas.text(BARS_START, 39, "importance in these trials", anchor="middle")
    for place, (name, share) in enumerate(ranked):
        top = TOP + 8 + place * BAR_STEP
        length = (BARS_END - BARS_START) * share / longest
        middle = top + BAR_HEIGHT - 3
        shown = shortened(name, BARS_START - TRIALS_END - 24)
        canvas.text(BARS_START - 8, middle, shown, "quiet", anchor="end")
        canvas.rectangle(BARS_START, top, length, BAR_HEIGHT, "fill", "accent")
        canvas.text(BARS_START + length + 6, middle, f"{share:.0%}", "quiet")
