"""Counts in a square, by what things are and what was said of them: a confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from misstep.drawing.svg import Canvas, Drawing, shortened, text_width

__all__ = ["matrix_chart"]

# In pixels: a cell at least and at most, the square where cells may be larger, names at most, what
# stands around, and the words behind each line.
SMALLEST, LARGEST, SQUARE, NAMES, GAP, BEHIND = 26, 56, 380, 130, 6, 48
# Of so many classes columns may be wide enough for their names.
FEW = 4
# How opaque a cell with the smallest and the largest share of its line is. Words in it are readable
# on both grounds up to here (contrast above 4.5 in light and in dark).
FAINT, FULL = 0.06, 0.5


def matrix_chart(
    classes: Sequence[str],
    counts: ArrayLike,
    *,
    title: str,
    description: str,
    across: str = "said",
    up: str = "is",
    behind: Sequence[str] | None = None,
    behind_head: str = "",
) -> Drawing:
    """Return a square of `counts`, (classes, classes): lines are what is, columns what was said.

    How opaque a cell is goes by the root of its share of the line, so that rare classes and rare
    mistakes are seen as well; the diagonal has a border. `behind`: words behind each line, below
    `behind_head`.
    """
    table = np.asarray(counts, "float64")
    count = len(classes)
    cell = float(np.clip(SQUARE / max(count, 1), SMALLEST, LARGEST))
    names = [shortened(name, NAMES) for name in classes]
    widest = max((text_width(name) for name in names), default=0.0)
    left = 22 + min(widest, NAMES) + GAP
    wide = max(cell, widest + 8) if count <= FEW else cell
    # Names that are wider than their column stand upright.
    turned = widest > wide - 2
    top = 24 + (min(widest, NAMES) if turned else 14) + GAP
    side, across_side = cell * count, wide * count
    canvas = Canvas(left + across_side + (BEHIND if behind else GAP), top + side + GAP)
    canvas.text(left, 14, f"{across} →", "quiet")
    canvas.text(left - GAP, top - GAP, f"{up} ↓", "quiet", anchor="end")
    if behind and behind_head:
        canvas.text(left + across_side + 6, top - GAP, behind_head, "quiet", "small")
    totals = table.sum(axis=1)
    for line, name in enumerate(names):
        y = top + cell * line
        middle = y + cell / 2 + 4
        canvas.text(left - GAP, middle, name, anchor="end", title=classes[line])
        x = left + wide * line + wide / 2
        if turned:
            canvas.text(x + 4, top - GAP, name, turned=True, title=classes[line])
        else:
            canvas.text(x, top - GAP, name, anchor="middle", title=classes[line])
        if behind:
            canvas.text(left + across_side + 6, middle, behind[line], "quiet", "small")
        for column in range(count):
            number = float(table[line, column])
            column_left = left + wide * column
            right = line == column
            if number:
                share = math.sqrt(number / totals[line])
                canvas.rectangle(
                    *(column_left + 0.5, y + 0.5, wide - 1, cell - 1),
                    *("fill", "accent" if right else "negative"),
                    opacity=FAINT + (FULL - FAINT) * share,
                    title=f"{up} {classes[line]}, {across} {classes[column]}: {number:,.0f}",
                )
                canvas.text(
                    *(column_left + wide / 2, middle, _written(number, wide)),
                    *(() if cell > 30 else ("small",)),
                    anchor="middle",
                )
            if right:
                canvas.rectangle(column_left + 0.5, y + 0.5, wide - 1, cell - 1, "outline")
    canvas.rectangle(left, top, across_side, side, "outline")
    return canvas.drawing(title, description, wide=count > 6)


def _written(number: float, cell: float) -> str:
    """Return a count as wide as its cell allows: 1,234 becomes 1.2k."""
    words = f"{number:,.0f}"
    if text_width(words, 11) <= cell - 2 or number < 1000:
        return words
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            scaled = number / size
            return f"{scaled:.1f}{letter}" if scaled < 9.95 else f"{scaled:.0f}{letter}"
    return words
