"""Places of a picture and what each did: a grid over it, for and against by color and sign."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from misstep.drawing.svg import Canvas, Drawing
from misstep.text.figures import some_figures

__all__ = ["places_chart"]

# In pixels: the longer side of the picture.
SIDE = 200
# How opaque the strongest place is; the picture below is still seen.
FULL = 0.65
# Places weaker than this share of the strongest have no sign: those that have one can be counted.
SIGNED = 0.2


def places_chart(
    png: bytes,
    shape: tuple[int, int],
    strengths: ArrayLike,
    *,
    title: str,
    description: str,
    side: float = SIDE,
) -> Drawing:
    """Return a picture, and beside it the same with `strengths`, (lines, columns), over it.

    `png`: the picture twice, side by side, which a file holds in hardly more bytes than once;
    `shape`: the height and width of one, of which only the proportion matters. Above 0: this place
    spoke for what was said, drawn with +; below 0: against, drawn with −.
    """
    table = np.asarray(strengths, "float64")
    high, wide = shape
    scale = side / max(high, wide)
    height, width = high * scale, wide * scale
    canvas = Canvas(2 * width, height)
    canvas.image(0, 0, 2 * width, height, png)
    left = width
    # What lies over the picture is seen on light and dark pictures alike.
    canvas.rectangle(left, 0, width, height, "ground", opacity=0.45)
    finite = np.abs(table[np.isfinite(table)])
    strongest = float(finite.max()) if len(finite) else 0.0
    lines, columns = table.shape
    cell_high, cell_wide = height / lines, width / columns
    for line in range(lines):
        for column in range(columns):
            number = float(table[line, column])
            if not np.isfinite(number) or not strongest or not number:
                continue
            share = abs(number) / strongest
            x, y = left + cell_wide * column, cell_high * line
            kind = "positive" if number > 0 else "negative"
            canvas.rectangle(
                *(x, y, cell_wide, cell_high),
                *("fill", kind),
                opacity=FULL * share,
                title=some_figures(number, 3, signed=True),
            )
            if share >= SIGNED:
                _sign(canvas, x + cell_wide / 2, y + cell_high / 2, cell_wide, number > 0)
    canvas.rectangle(left, 0, width, height, "outline")
    canvas.rectangle(left - 1, 0, 2, height, "ground")
    return canvas.drawing(title, description)


def _sign(canvas: Canvas, x: float, y: float, cell: float, above: bool) -> None:
    """Draw + or − in the middle of a cell."""
    half = float(np.clip(cell / 5, 2, 5))
    canvas.line(x - half, y, x + half, y, "sign")
    if above:
        canvas.line(x, y - half, x, y + half, "sign")
