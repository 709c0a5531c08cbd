"""Facts about what a model does on rows it did not learn from, each as a drawing with its words.

Knows the facts of `modeling/judgment` and charts; what stands around a drawing, the sections know.
"""

from __future__ import annotations

import math

import numpy as np

from misstep.drawing import Drawing
from misstep.drawing.charts import (
    Line,
    Points,
    ProbabilityBin,
    histogram,
    line_chart,
    matrix_chart,
    reliability_chart,
    scatter_chart,
)
from misstep.modeling.judgment.confusion import Confusion
from misstep.modeling.judgment.forecast_errors import ForecastErrors
from misstep.modeling.judgment.reliability import Reliability
from misstep.modeling.judgment.residuals import Residuals
from misstep.text.counts import counted, plural
from misstep.text.figures import percent, three_figures

__all__ = [
    "MOST_CLASSES",
    "confusion_drawing",
    "coverage_drawing",
    "predicted_drawing",
    "reliability_drawing",
    "residual_histogram",
    "residuals_drawing",
    "step_errors_drawing",
]

# Classes that a square holds so that its counts can be read; the rest are one line together.
MOST_CLASSES = 26
# Bars of a histogram of residuals: as many as show a shape, as few as have rows each.
MOST_BARS, FEWEST_BARS = 31, 7


def confusion_drawing(confusion: Confusion, noun: str = "row") -> Drawing:
    """Return how often each class was taken for which; `noun`: what a row is called."""
    shown = confusion.folded(MOST_CLASSES)
    recall = ["–" if math.isnan(share) else f"{share:.0%}" for share in shown.recall]
    pairs = [
        f"{pair.true} taken for {pair.predicted} {counted(pair.rows, 'time')}"
        for pair in confusion.pairs(3)
    ]
    rows = counted(confusion.rows, noun)
    most = f"; most often wrong: {', '.join(pairs)}" if pairs else ""
    others = f"; the other {shown.others:,} classes are one line together" if shown.others else ""
    return matrix_chart(
        shown.classes,
        shown.counts,
        title="What is, and what was said",
        description=f"{confusion.right:,} of {rows} are right{most}{others}",
        behind=recall,
        behind_head="found",
    )


def reliability_drawing(
    reliability: Reliability, even: Reliability | None = None, noun: str = "row"
) -> Drawing:
    """Return probabilities beside how often they were right.

    `even`: the same in bins of the same width, whose rows are drawn below the curve.
    """
    if reliability.subject is None:
        across, up = "probability of what was said", "share that was right"
    else:
        across, up = f"probability said of {reliability.subject}", "share that was so"
    parts = [
        f"of {counted(one.rows, noun)} given {one.predicted:.0%}, {one.observed:.0%} were so"
        for one in reliability.bins
    ]
    return reliability_chart(
        _bins(reliability),
        None if even is None else _bins(even),
        title="Whether probabilities mean what they say",
        description="; ".join(parts),
        across=across,
        up=up,
        row_noun=plural(2, noun),
    )


def _bins(reliability: Reliability) -> list[ProbabilityBin]:
    return [
        ProbabilityBin(
            *(one.lower, one.upper, one.predicted, one.observed, one.low, one.high, one.rows)
        )
        for one in reliability.bins
    ]


def predicted_drawing(residuals: Residuals, noun: str = "row") -> Drawing:
    """Return predicted numbers over true ones."""
    at = residuals.shown
    return scatter_chart(
        [Points(plural(2, noun), residuals.truth[at], residuals.predicted[at])],
        title="Predicted against true",
        description=f"{_dots(residuals, noun)}; half of all predictions are at most "
        f"{three_figures(_middle_error(residuals))} off",
        across=f"true {residuals.name}",
        up=f"predicted {residuals.name}",
        diagonal="exact",
    )


def residuals_drawing(residuals: Residuals, noun: str = "row") -> Drawing:
    """Return how far off each prediction is, over the predictions."""
    at = residuals.shown
    levels = residuals.quantiles
    return scatter_chart(
        [Points(plural(2, noun), residuals.predicted[at], residuals.residuals[at])],
        title="How far off, by what was predicted",
        description=f"{_dots(residuals, noun)}; nine residuals of ten lie between "
        f"{three_figures(levels[0.05])} and {three_figures(levels[0.95])}",
        across=f"predicted {residuals.name}",
        up="true less predicted",
        level=0.0,
    )


def residual_histogram(residuals: Residuals, noun: str = "row") -> Drawing:
    """Return how often each residual occurs."""
    numbers = residuals.residuals
    bars = int(np.clip(math.sqrt(len(numbers)), FEWEST_BARS, MOST_BARS))
    counts, edges = np.histogram(numbers, bars)
    most = int(counts.argmax())
    return histogram(
        counts,
        edges,
        title="How often they are how far off",
        description=f"{counted(len(numbers), noun)}, from {three_figures(float(edges[0]))} to "
        f"{three_figures(float(edges[-1]))}; most, {int(counts[most]):,}, between "
        f"{three_figures(float(edges[most]))} and {three_figures(float(edges[most + 1]))}",
        width=360,
        height=200,
    )


def step_errors_drawing(errors: ForecastErrors) -> Drawing:
    """Return the mean absolute error at each step ahead, beside that of the last value."""
    steps = np.arange(1, len(errors.errors) + 1)
    first, last = float(errors.errors[0]), float(errors.errors[-1])
    same, naive = float(errors.last_value[0]), float(errors.last_value[-1])
    return line_chart(
        [
            Line("this model", steps, errors.errors, dots=len(steps) <= 30),
            Line("saying the last value again", steps, errors.last_value, dots=len(steps) <= 30),
        ],
        title="How far off, by step ahead",
        description=f"one step ahead {three_figures(first)} in the mean, where the last value is "
        f"off by {three_figures(same)}; {counted(len(steps), 'step')} ahead "
        f"{three_figures(last)}, the last value {three_figures(naive)}",
        across="steps ahead",
        up="mean absolute error",
        whole=True,
        zero=True,
    )


def coverage_drawing(errors: ForecastErrors) -> Drawing | None:
    """Return how often the truth lay in the interval at each step; None where that is unknown."""
    share = errors.within_of_all
    if errors.within is None or share is None:
        return None
    steps = np.arange(1, len(errors.within) + 1)
    return line_chart(
        [
            Line("lay within", steps, errors.within, dots=len(steps) <= 30),
            Line("should lie within", steps, np.full(len(steps), errors.share), ("series-5",)),
        ],
        title="How often the truth lay in the interval",
        description=f"{percent(share)} over all steps, where it says {errors.share:.0%}",
        across="steps ahead",
        up="share of forecasts",
        whole=True,
        limits=(0.0, 1.0),
    )


def _middle_error(residuals: Residuals) -> float:
    return float(np.median(np.abs(residuals.residuals)))


def _dots(residuals: Residuals, noun: str) -> str:
    rows = counted(len(residuals.truth), noun)
    shown = len(residuals.shown)
    return rows if shown == len(residuals.truth) else f"{shown:,} of {rows}"
