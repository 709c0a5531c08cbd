"""A search for hyperparameters as a drawing: what each trial came to, and which of them mattered.

One string of SVG that needs nothing else: no scripts, no files, every text escaped. Knows numbers
and names of trials, no search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from misstep.drawing.axis_ticks import round_ticks, tick_words

__all__ = ["TrialPoint", "draw_tuning"]

# In pixels: the drawing, and the room around trials and bars for numbers, words and the legend.
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 54, 44
# Where the trials end; and where the bars begin, behind the names of hyperparameters, and end,
# before their shares.
TRIALS_END, BARS_START, BARS_END = 520, 690, 810
MOST_BARS, BAR_HEIGHT, BAR_STEP, LONGEST_NAME = 10, 14, 27, 20
BEST, WHOLE, EARLY, DEFAULT = "#2b6cb0", "#4a5568", "#a0aec0", "#dd6b20"
GRID, WORDS, QUIET = "#e2e8f0", "#1a202c", "#4a5568"
RADIUS = 4
# How far beyond the default and the middle trial a worse one is shown, as a share of how far the
# best lies on their other side: one that came to nothing would press the rest to a line.
SHOWN_BEYOND = 1.0
# How far the axis reaches beyond its outermost points, as a share of all.
ROOM = 0.06
# From a number to pixels.
Scale = Callable[[float], float]


@dataclass(frozen=True)
class TrialPoint:
    """One trial. `value`: what validation said of it; None where it said nothing.

    `number`: counted from 0, which is the default. `whole`: whether it ran to its end.
    """

    number: int
    value: float | None
    whole: bool


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
    known = [one for one in points if one.value is not None and np.isfinite(one.value)]
    whole = [one for one in known if one.whole]
    default = next((one.value for one in whole if one.number == 0), None)
    parts: list[str] = []
    if known:
        low, high = _span(known, default, less_is_better=less_is_better)
        last = max([1, *(one.number for one in points)])

        def x(number: float) -> float:
            return LEFT + 10 + (TRIALS_END - LEFT - 20) * number / last

        def y(value: float) -> float:
            shown = min(max(value, low), high)
            return TOP + (HEIGHT - TOP - BOTTOM) * (high - shown) / ((high - low) or 1.0)

        parts += [_value_axis(low, high, y, axis), _number_axis(last, x)]
        parts.append(_best_line(whole, last, x, y, less_is_better=less_is_better))
        if default is not None:
            parts.append(
                f'<path d="M{LEFT} {y(default):.1f} H{TRIALS_END}" stroke="{DEFAULT}" '
                'stroke-width="2" stroke-dasharray="6 4"/>'
            )
        parts += [_mark(one, low, high, x, y) for one in known]
    legend = [("a trial", WHOLE), ("ended early", EARLY), ("best so far", BEST)]
    if default is not None:
        legend.append(("the default", DEFAULT))
    parts.append(_bars(importances))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'font-size="12">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold" fill="{WORDS}">'
        f"{escape(title)}</text>\n"
        + _legend(legend)
        + "\n".join(filter(None, parts))
        + "\n</svg>\n"
    )


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


def _mark(one: TrialPoint, low: float, high: float, x: Scale, y: Scale) -> str:
    """Return a dot, filled where the trial ran to its end; beyond the edge an arrow's head."""
    assert one.value is not None
    across, down = x(one.number), y(one.value)
    if low <= one.value <= high:
        fill = WHOLE if one.whole else "#ffffff"
        color = WHOLE if one.whole else EARLY
        return (
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{RADIUS}" fill="{fill}" '
            f'stroke="{color}" stroke-width="1.5"/>'
        )
    tip = -RADIUS - 2 if one.value > high else RADIUS + 2
    return (
        f'<path d="M{across - RADIUS:.1f} {down - tip / 2:.1f} h{2 * RADIUS} l{-RADIUS} {tip} z" '
        f'fill="{WHOLE if one.whole else EARLY}"/>'
    )


def _best_line(
    whole: Sequence[TrialPoint], last: int, x: Scale, y: Scale, *, less_is_better: bool
) -> str:
    """Return the best value up to each trial, as stairs."""
    if not whole:
        return ""
    best, steps = None, []
    for one in whole:
        assert one.value is not None
        better = best is None or (one.value < best if less_is_better else one.value > best)
        if better:
            steps.append(
                f"M{x(one.number):.1f} {y(one.value):.1f}"
                if best is None
                else f"H{x(one.number):.1f} V{y(one.value):.1f}"
            )
            best = one.value
    return (
        f'<path d="{" ".join(steps)} H{x(last):.1f}" fill="none" stroke="{BEST}" '
        'stroke-width="2.5" stroke-linejoin="round"/>'
    )


def _value_axis(low: float, high: float, y: Scale, axis: str) -> str:
    ticks = round_ticks(low, high)
    marks = [
        f'<path d="M{LEFT} {y(value):.1f} H{TRIALS_END}" stroke="{GRID}"/>'
        f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="{QUIET}">{words}'
        "</text>"
        for value, words in zip(ticks, tick_words(ticks), strict=True)
    ]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    marks.append(
        f'<text x="14" y="{middle:.0f}" text-anchor="middle" fill="{QUIET}" '
        f'transform="rotate(-90 14 {middle:.0f})">{escape(axis)}</text>'
    )
    return "\n".join(marks)


def _number_axis(last: int, x: Scale) -> str:
    ticks = round_ticks(0, last, whole=True)
    marks = [
        f'<text x="{x(number):.1f}" y="{HEIGHT - 26}" text-anchor="middle" fill="{QUIET}">{words}'
        "</text>"
        for number, words in zip(ticks, tick_words(ticks), strict=True)
    ]
    middle = (LEFT + TRIALS_END) / 2
    marks.append(
        f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle" fill="{QUIET}">trial</text>'
    )
    return "\n".join(marks)


def _bars(importances: Mapping[str, float]) -> str:
    """Return a bar for each of the most important hyperparameters, the largest first."""
    if not importances:
        return ""
    ranked = sorted(importances.items(), key=lambda item: -item[1])[:MOST_BARS]
    longest = max(share for _, share in ranked) or 1.0
    parts = [
        f'<text x="{BARS_START}" y="39" text-anchor="middle" fill="{WORDS}">importance in these '
        "trials</text>"
    ]
    for place, (name, share) in enumerate(ranked):
        top = TOP + 8 + place * BAR_STEP
        shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        length = (BARS_END - BARS_START) * share / longest
        middle = top + BAR_HEIGHT - 3
        parts.append(
            f'<text x="{BARS_START - 8}" y="{middle}" text-anchor="end" fill="{QUIET}">'
            f"{escape(shown)}</text>"
            f'<rect x="{BARS_START}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT}" '
            f'fill="{BEST}"/>'
            f'<text x="{BARS_START + length + 6:.1f}" y="{middle}" fill="{QUIET}">{share:.0%}'
            "</text>"
        )
    return "\n".join(parts)


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    parts, x = [], LEFT
    for words, color in entries:
        parts.append(
            f'<rect x="{x}" y="32" width="18" height="6" fill="{color}"/>'
            f'<text x="{x + 24}" y="39" fill="{WORDS}">{escape(words)}</text>'
        )
        x += 40 + 7 * len(words)
    return "\n".join(parts) + "\n"
