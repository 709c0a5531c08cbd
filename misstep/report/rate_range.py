"""A learning-rate range test as a drawing: the loss over the rate, and where the rule chose.

One string of SVG that needs nothing else: no scripts, no files. Knows rates and losses, no network.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from misstep.drawing.axis_ticks import round_ticks, tick_words
from misstep.ir import Array
from misstep.train import RateRange

# In pixels: the drawing, and the room around the curves for numbers, words and the legend.
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 54, 40
CURVE, COURSE, CHOSEN, GRID, WORDS = "#2b6cb0", "#cbd5e0", "#dd6b20", "#e2e8f0", "#1a202c"
# How far above its beginning a loss is shown, as a share of how far it falls or, where it does not,
# of itself: what explodes would press the rest to a line.
SHOWN_ABOVE = 0.5
# From a number to pixels.
Scale = Callable[[float], float]
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_rate_range(found: RateRange) -> str:
    """Return the curve of a range test over the logarithm of the rate, as SVG."""
    low, high = _span(found)

    def x(rate: float) -> float:
        first, last = math.log10(found.rates[0]), math.log10(found.rates[-1])
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(rate) - first) / max(last - first, 1e-9)

    def y(loss: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - min(loss, high)) / ((high - low) or 1.0)

    parts = [_loss_axis(low, high, y), _rate_axis(found.rates, x)]
    for losses in found.losses:
        parts.append(_line(found.rates, np.clip(losses, low, None), x, y, COURSE, 1.0))
    parts.append(_line(found.rates, found.curve, x, y, CURVE, 2.5))
    legend = [("each course", COURSE), ("median, smoothed", CURVE)]
    title = "no rate found"
    if found.suggestion is not None:
        title = f"learning rate {found.suggestion:.2g}"
        legend.append(("suggestion", CHOSEN))
        if found.rates[0] <= found.suggestion <= found.rates[-1]:
            place = x(found.suggestion)
            parts.append(
                f'<path d="M{place:.1f} {TOP} V{HEIGHT - BOTTOM}" stroke="{CHOSEN}" '
                'stroke-width="2" stroke-dasharray="6 4"/>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'font-size="12">\n<title>Loss by learning rate: {title}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold" fill="{WORDS}">'
        f"Loss by learning rate: {title}</text>\n"
        + _legend(legend)
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _span(found: RateRange) -> tuple[float, float]:
    """Return the lowest and the highest loss that are shown."""
    curve = found.curve[np.isfinite(found.curve)]
    first = found.first_loss if math.isfinite(found.first_loss) else 0.0
    lowest = min([first, *curve.tolist()])
    room = SHOWN_ABOVE * ((first - lowest) or abs(first) or 1.0)
    return lowest - 0.1 * room, first + room


def _line(rates: Array, losses: Array, x: Scale, y: Scale, color: str, width: float) -> str:
    points = [
        f"{x(rate):.1f},{y(loss):.1f}"
        for rate, loss in zip(rates.tolist(), losses.tolist(), strict=True)
        if math.isfinite(loss)
    ]
    return (
        f'<polyline fill="none" stroke="{color}" stroke-width="{width:g}" '
        f'stroke-linejoin="round" points="{" ".join(points)}"/>'
    )


def _loss_axis(low: float, high: float, y: Scale) -> str:
    ticks = round_ticks(low, high)
    return "\n".join(
        f'<path d="M{LEFT} {y(loss):.1f} H{WIDTH - RIGHT}" stroke="{GRID}"/>'
        f'<text x="{LEFT - 8}" y="{y(loss) + 4:.1f}" text-anchor="end" fill="#4a5568">{words}'
        "</text>"
        for loss, words in zip(ticks, tick_words(ticks), strict=True)
    )


def _rate_axis(rates: Array, x: Scale) -> str:
    first, last = math.ceil(math.log10(rates[0]) - 1e-9), math.floor(math.log10(rates[-1]) + 1e-9)
    parts = []
    for power in range(first, last + 1):
        place = min(max(x(10.0**power), LEFT), WIDTH - RIGHT)
        anchor = "end" if place > WIDTH - RIGHT - 1 else "middle"
        parts.append(
            f'<path d="M{place:.1f} {TOP} V{HEIGHT - BOTTOM + 6}" stroke="{GRID}"/>'
            f'<text x="{place:.1f}" y="{HEIGHT - 14}" text-anchor="{anchor}" fill="#4a5568">'
            f"10{str(power).translate(_RAISED)}</text>"
        )
    return "\n".join(parts)


def _legend(entries: list[tuple[str, str]]) -> str:
    parts, x = [], LEFT
    for words, color in entries:
        parts.append(
            f'<rect x="{x}" y="32" width="22" height="6" fill="{color}"/>'
            f'<text x="{x + 28}" y="39" fill="{WORDS}">{words}</text>'
        )
        x += 48 + 7 * len(words)
    return "\n".join(parts) + "\n"
