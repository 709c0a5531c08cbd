"""A learning-rate range test as a drawing: the loss over the rate, and where the rule chose.

Knows rates and losses, no network.
"""

from __future__ import annotations

import math

import numpy as np

from misstep.drawing import Axis, Canvas, Drawing, Frame, Key, draw_legend
from misstep.train import RateRange

__all__ = ["draw_rate_range", "rate_range_drawing"]

# In pixels: the drawing, and the room around the curves for numbers, words and the legend.
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 66, 44
CURVE, COURSE, CHOSEN = ("accent", "thick"), ("series-5", "solid", "thin"), ("negative", "dashed")
# How far above its beginning a loss is shown, as a share of how far it falls or, where it does not,
# of itself: what explodes would press the rest to a line.
SHOWN_ABOVE = 0.5


def draw_rate_range(found: RateRange) -> str:
    """Return the curve of a range test over the logarithm of the rate, as SVG."""
    return rate_range_drawing(found).svg(standalone=True)


def rate_range_drawing(found: RateRange) -> Drawing:
    """Return the same as a drawing of a page."""
    low, high = _span(found)
    title = "no rate found"
    keys = [Key("each course", COURSE), Key("median, smoothed", CURVE)]
    if found.suggestion is not None:
        title = f"learning rate {found.suggestion:.2g}"
        keys.append(Key("suggestion", CHOSEN))
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(LEFT, 20, f"Loss by learning rate: {title}", "heading")
    draw_legend(canvas, keys, LEFT, 28, WIDTH - LEFT - RIGHT)
    frame = Frame(
        *(canvas, LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM),
        Axis(float(found.rates[0]), float(found.rates[-1]), "learning rate", logarithmic=True),
        Axis(low, high if high > low else low + 1.0, "loss"),
    )
    frame.grid(across=True)
    for losses in found.losses:
        frame.curve(found.rates, np.clip(losses, low, None), *COURSE)
    frame.curve(found.rates, found.curve, *CURVE)
    if found.suggestion is not None and found.rates[0] <= found.suggestion <= found.rates[-1]:
        frame.upright(found.suggestion, "", "line", *CHOSEN)
    return canvas.drawing(
        f"Loss by learning rate: {title}",
        f"rates from {found.rates[0]:.2g} to {found.rates[-1]:.2g}",
        wide=True,
    )


def _span(found: RateRange) -> tuple[float, float]:
    """Return the lowest and the highest loss that are shown."""
    curve = found.curve[np.isfinite(found.curve)]
    first = found.first_loss if math.isfinite(found.first_loss) else 0.0
    lowest = min([first, *curve.tolist()])
    room = SHOWN_ABOVE * ((first - lowest) or abs(first) or 1.0)
    return lowest - 0.1 * room, first + room
