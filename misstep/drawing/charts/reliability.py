"""Probabilities beside how often they were right, with the rows that say so below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from misstep.drawing.frame import Axis, Frame, Key, draw_legend, legend_height
from misstep.drawing.svg import Canvas, Drawing

__all__ = ["ProbabilityBin", "reliability_chart"]

# In pixels: the whole, around the frame, the bars of rows and the gap above them.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, ROWS, GAP = 360, 410, 54, 14, 30, 42, 54, 46
# A bin that has one probability is still seen.
NARROWEST = 2.0


@dataclass(frozen=True)
class ProbabilityBin:
    """Rows of about the same probability, between `lower` and `upper`.

    `predicted`: the mean of their probabilities; `observed`: which share was so, between `low` and
    `high` by chance; `rows`: how many.
    """

    lower: float
    upper: float
    predicted: float
    observed: float
    low: float
    high: float
    rows: int


def reliability_chart(
    bins: Sequence[ProbabilityBin],
    rows: Sequence[ProbabilityBin] | None = None,
    *,
    title: str,
    description: str,
    across: str = "probability said",
    up: str = "share that was so",
    row_noun: str = "rows",
    width: float = WIDTH,
) -> Drawing:
    """Return a curve of shares over probabilities, the diagonal they should be on, rows below.

    `rows`: bins whose rows are drawn below, where they are other ones: those of a curve have about
    as many rows each, which shows nothing of how many there are where.
    """
    counted = bins if rows is None else rows
    keys = [Key("observed, with 95% intervals", ("series-1",)), Key("as it should be", ("mark",))]
    top = TOP + legend_height(keys, width - LEFT - RIGHT)
    canvas = Canvas(width, HEIGHT + top - TOP)
    bottom = canvas.height - BOTTOM
    upper = Frame(
        canvas, *(LEFT, top, width - RIGHT, bottom - ROWS - GAP), Axis(0.0, 1.0), Axis(0.0, 1.0, up)
    )
    most = max((one.rows for one in counted), default=0)
    lower = Frame(
        canvas,
        *(LEFT, bottom - ROWS, width - RIGHT, bottom),
        Axis(0.0, 1.0, across),
        Axis(0.0, float(most or 1), row_noun, marks=[(float(most), f"{most:,}")]),
    )
    draw_legend(canvas, keys, LEFT, 2, width - LEFT - RIGHT)
    upper.grid()
    ends = [0.0, 1.0]
    canvas.polyline(zip(upper.x(ends).tolist(), upper.y(ends).tolist(), strict=True), "mark")
    for one in bins:
        x = float(upper.x(one.predicted))
        low, high = (float(each) for each in upper.y([one.low, one.high]))
        canvas.line(x, low, x, high, "line", "thin", "series-1")
        for end in (low, high):
            canvas.line(x - 3, end, x + 3, end, "line", "thin", "series-1")
    upper.curve(
        [one.predicted for one in bins], [one.observed for one in bins], "series-1", title=up
    )
    upper.points(
        [one.predicted for one in bins],
        [one.observed for one in bins],
        "series-1",
        radius=3.5,
        opacity=1,
    )
    lower.grid()
    for one in counted:
        left, right = (float(each) for each in lower.x([one.lower, one.upper]))
        height = float(lower.bottom - lower.y(one.rows))
        canvas.rectangle(
            *(left, lower.bottom - height, max(right - left - 1, NARROWEST), height),
            *("fill", "series-5"),
            opacity=0.6,
            title=f"{row_noun} from {one.lower:.0%} to {one.upper:.0%}: {one.rows:,}",
        )
    return canvas.drawing(title, description)
