"""A repair as a drawing: for each round the curves of its arms, and their differences.

One string of SVG that needs nothing else: no scripts, no files, every text escaped. Knows the plain
numbers that a record holds of a repair, nothing that trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from misstep.drawing.axis_ticks import round_ticks, tick_words

__all__ = ["draw_repair"]

# In pixels: the drawing; of each round the room above and below; where curves begin and end, where
# the names of arms and differences begin and end, and how far arms are apart.
WIDTH, HEAD = 980, 74
ABOVE, BELOW, LOWEST_ROUND = 40, 52, 210
LEFT, CURVES_END, NAMES_START, BARS_START, BARS_END = 62, 420, 466, 716, 950
STEP, LONGEST_NAME = 22, 36
CONTROL, RANDOM, ADOPTED = "#1a202c", "#dd6b20", "#2b6cb0"
GRID, WORDS, QUIET = "#e2e8f0", "#1a202c", "#4a5568"
# Of the other arms, in their order; muted, since none of them was believed.
OTHERS = ("#90a4c4", "#9cb99a", "#c3a6c9", "#c9b48f", "#8fbfc4", "#c99a9a", "#a8a8a8", "#b7c48f")
# Errors above this are shown at the edge, where the control's end is not above it: 1 is what the
# best constant costs, and what is worse by more was of no use.
WORST_SHOWN = 1.3
# A difference is shown up to this share of the control's error on either side.
MOST_CHANGE = 1.0
# From a number to pixels.
Scale = Callable[[float], float]


def draw_repair(repair: Mapping[str, Any], title: str) -> str:
    """Return every round of a repair, `Repair.plain()`, as SVG."""
    parts, top = [], HEAD
    for one in repair["rounds"]:
        if not one["arms"]:
            continue
        height = max(LOWEST_ROUND, ABOVE + BELOW + STEP * len(one["arms"]))
        parts.append(_round(one, top, height))
        top += height
    if not parts:
        parts.append(f'<text x="{LEFT}" y="{top}" fill="{QUIET}">nothing was tried</text>')
        top += STEP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" '
        f'height="{top}" role="img" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'font-size="12">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>\n'
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold" fill="{WORDS}">'
        f"{escape(title)}</text>\n" + _legend() + "\n".join(parts) + "\n</svg>\n"
    )


def _round(one: Mapping[str, Any], top: int, height: int) -> str:
    arms = sorted(one["arms"], key=_place)
    colors = _colors(arms, one)
    first, last = top + ABOVE, top + height - BELOW
    low, high = _span(arms)
    longest = max([1, *(arm["updates"] for arm in arms)])

    def x(updates: float) -> float:
        return LEFT + (CURVES_END - LEFT) * updates / longest

    def y(error: float) -> float:
        return first + (last - first) * (high - min(max(error, low), high)) / (high - low)

    parts = [
        f'<text x="{LEFT}" y="{top + 18}" font-weight="bold" fill="{WORDS}">'
        f"{escape(_heading(one))}</text>",
        _error_axis(low, high, y),
        _update_axis(longest, x, last),
    ]
    # The control on top of all others, what was adopted just beneath it.
    for arm in sorted(arms, key=lambda arm: (arm["arm"] == "control", arm is _winner(one, arms))):
        parts.append(_curve(arm, x, y, colors[arm["label"]]))
    parts.append(_differences(one, arms, colors, first))
    return "\n".join(parts)


def _heading(one: Mapping[str, Any]) -> str:
    found = ", ".join(one["findings"][:3]) or "nothing found"
    return f"Round {one['number']}, for {found}: {one['verdict']}"


def _place(arm: Mapping[str, Any]) -> tuple[int, float]:
    """Return where an arm stands: the control, then those that went all the way, then the rest."""
    if arm["arm"] == "control":
        return 0, 0.0
    return (1, float(arm["rank"])) if arm["rank"] is not None else (2, -float(arm["updates"]))


def _winner(one: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((arm for arm in arms if arm["label"] == one["winner"]), None)


def _colors(arms: Sequence[Mapping[str, Any]], one: Mapping[str, Any]) -> dict[str, str]:
    colors, others = {}, 0
    for arm in arms:
        if arm["arm"] == "control":
            color = CONTROL
        elif one["verdict"] == "adopted" and arm["label"] == one["winner"]:
            color = ADOPTED
        elif arm["arm"] == "random":
            color = RANDOM
        else:
            color, others = OTHERS[others % len(OTHERS)], others + 1
        colors[arm["label"]] = color
    return colors


def _span(arms: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the lowest and the highest error that are shown."""
    errors = [loss for arm in arms for _, loss in arm["curve"] if math.isfinite(loss)]
    control = [loss for _, loss in arms[0]["curve"] if math.isfinite(loss)]
    most = max([WORST_SHOWN, *(1.1 * loss for loss in control[-1:] if loss < 3 * WORST_SHOWN)])
    high = min(max(errors, default=1.0), most)
    return 0.0, high if high > 0 else 1.0


def _curve(arm: Mapping[str, Any], x: Scale, y: Scale, color: str) -> str:
    points = [
        f"{x(updates):.1f},{y(loss):.1f}" for updates, loss in arm["curve"] if math.isfinite(loss)
    ]
    if not points:
        return ""
    strong = color in (CONTROL, ADOPTED)
    dashes = ' stroke-dasharray="5 3"' if arm["goes_on"] else ""
    width = 2.5 if strong else 1.5
    line = (
        f'<polyline fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"'
        f'{dashes} points="{" ".join(points)}"><title>{escape(arm["label"])}</title></polyline>'
    )
    across, down = points[-1].split(",")
    return f'{line}<circle cx="{across}" cy="{down}" r="{3 if strong else 2}" fill="{color}"/>'


def _differences(
    one: Mapping[str, Any], arms: Sequence[Mapping[str, Any]], colors: Mapping[str, str], first: int
) -> str:
    """Return each arm's difference from the control as a dot with its interval."""

    def x(change: float) -> float:
        shown = min(max(change, -MOST_CHANGE), MOST_CHANGE)
        return BARS_START + (BARS_END - BARS_START) * (shown + MOST_CHANGE) / (2 * MOST_CHANGE)

    bottom = first + STEP * len(arms)
    parts = [
        f'<text x="{(BARS_START + BARS_END) / 2:.0f}" y="{first - 10}" text-anchor="middle" '
        f'fill="{QUIET}">error beside the unchanged run</text>'
    ]
    for change, words in ((-1.0, "none left"), (0.0, "as it was"), (1.0, "twice")):
        parts.append(
            f'<path d="M{x(change):.1f} {first} V{bottom}" '
            f'stroke="{CONTROL if change == 0 else GRID}"/>'
            f'<text x="{x(change):.1f}" y="{bottom + 16}" text-anchor="middle" fill="{QUIET}">'
            f"{words}</text>"
        )
    for number, arm in enumerate(arms):
        middle = first + STEP * number + STEP / 2
        color = colors[arm["label"]]
        name = arm["label"] + (" (random)" if arm["arm"] == "random" else "")
        if len(name) > LONGEST_NAME:
            name = f"{name[: LONGEST_NAME - 1]}…"
        adopted = one["verdict"] == "adopted" and arm["label"] == one["winner"]
        weight = ' font-weight="bold"' if adopted or arm["arm"] == "control" else ""
        parts.append(
            f'<text x="{NAMES_START}" y="{middle + 4:.1f}"{weight} '
            f'fill="{WORDS}">{escape(name)}</text>'
            f'<rect x="{CURVES_END + 24}" y="{middle - 3:.1f}" width="14" height="5" '
            f'fill="{color}"/>'
        )
        gain = arm["difference"]
        if arm["failed"]:
            parts.append(_words(x(0) + 8, middle, "failed"))
        elif gain and gain["mean"]:
            scale = gain["share"] / gain["mean"]
            low, high = sorted((-scale * gain["high"], -scale * gain["low"]))
            parts.append(_interval(-gain["share"], low, high, middle, x, color, arm["proven"]))
    return "\n".join(parts)


def _interval(
    change: float, low: float, high: float, middle: float, x: Scale, color: str, proven: bool
) -> str:
    """Return a dot with its interval, hollow where it was not proven on other rows."""
    if low >= MOST_CHANGE:
        return _words(x(MOST_CHANGE) - 42, middle, "worse →")
    fill = color if proven else "#ffffff"
    return (
        f'<path d="M{x(low):.1f} {middle:.1f} H{x(high):.1f}" stroke="{color}" stroke-width="2"/>'
        f'<circle cx="{x(change):.1f}" cy="{middle:.1f}" r="4" fill="{fill}" stroke="{color}" '
        'stroke-width="2"/>'
    )


def _words(across: float, middle: float, words: str) -> str:
    return f'<text x="{across:.1f}" y="{middle + 4:.1f}" fill="{QUIET}">{words}</text>'


def _error_axis(low: float, high: float, y: Scale) -> str:
    ticks = round_ticks(low, high)
    return "\n".join(
        f'<path d="M{LEFT} {y(error):.1f} H{CURVES_END}" stroke="{GRID}"/>'
        f'<text x="{LEFT - 8}" y="{y(error) + 4:.1f}" text-anchor="end" fill="{QUIET}">{words}'
        "</text>"
        for error, words in zip(ticks, tick_words(ticks), strict=True)
    )


def _update_axis(longest: int, x: Scale, bottom: int) -> str:
    ticks = round_ticks(0, longest, whole=True)
    marks = [
        f'<text x="{x(number):.1f}" y="{bottom + 16}" text-anchor="middle" fill="{QUIET}">{words}'
        "</text>"
        for number, words in zip(ticks, tick_words(ticks), strict=True)
    ]
    marks.append(
        f'<text x="{(LEFT + CURVES_END) / 2:.0f}" y="{bottom + 34}" text-anchor="middle" '
        f'fill="{QUIET}">updates</text>'
    )
    return "\n".join(marks)


def _legend() -> str:
    entries = [
        ("unchanged, the control", CONTROL),
        ("adopted", ADOPTED),
        ("a random remedy", RANDOM),
        ("others", OTHERS[0]),
    ]
    parts, x = [], LEFT
    for words, color in entries:
        parts.append(
            f'<rect x="{x}" y="34" width="18" height="6" fill="{color}"/>'
            f'<text x="{x + 24}" y="41" fill="{WORDS}">{escape(words)}</text>'
        )
        x += 44 + 7 * len(words)
    parts.append(
        f'<text x="{LEFT}" y="60" fill="{QUIET}">Error on rows that no arm learned from, 1 is the '
        "best constant. Dashed: goes on from the end of the run. Filled dot: held against the "
        "control in the end.</text>"
    )
    return "\n".join(parts) + "\n"
