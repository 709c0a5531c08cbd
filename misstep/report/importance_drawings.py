"""What a model goes by, drawn: inputs by importance, words, places of pictures, dependences.

Knows the facts of `modeling/judgment`; what stands around a drawing, the section knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from misstep.drawing import Drawing
from misstep.drawing.charts import Bar, Line, bar_chart, line_chart, places_chart
from misstep.modeling import Importance, Metric, PartialDependence
from misstep.report.pictures import png_of
from misstep.text.counts import counted, plural
from misstep.text.figures import amount, percent, some_figures, three_figures, true_minus

__all__ = [
    "DEVIATIONS",
    "dependence_drawing",
    "importance_drawing",
    "map_drawing",
    "score_change",
    "steps_drawing",
    "words_drawing",
]

# Inputs that are drawn; the rest is less important than these.
MOST_BARS, MOST_WORDS = 12, 16
# Standard errors to each side: what is measured lies within in 95 % of cases.
DEVIATIONS = 2.0
# Times stand in their order, since they follow each other.
IN_ORDER = "time"
# Classes whose curves are in one frame; of more, those that move most.
MOST_CURVES = 4
# Categories whose bars are drawn; the most frequent ones.
MOST_CATEGORIES = 12
# Dates that have room below an axis.
DATES = 3
# Marks of steps back, and steps whose dots are drawn.
MOST_MARKS, MOST_DOTS = 7, 40
# In pixels: of the longer side of two pictures side by side, at most.
PICTURE = 192


def score_change(importance: Importance, change: float) -> str:
    """Return by how much a score got worse: "accuracy −3.2 points", or "RMSE +0.41"."""
    metric = Metric.registry[importance.metric]
    if metric.name == "accuracy":
        # Without a sign where it is 0.
        points = f"{-100 * change:+.1f}"
        return true_minus(f"accuracy {'±0' if float(points) == 0 else points} points")
    sign = "+" if change >= 0 else ""
    return f"{metric.name.upper()} {sign}{three_figures(change)}"


def importance_drawing(importance: Importance, loss: str = "loss") -> Drawing:
    """Return how much worse the model is without each input, the most important first.

    `loss`: what the loss is called.
    """
    shown = list(importance.inputs[:MOST_BARS])
    if importance.noun == IN_ORDER:
        shown.sort(key=lambda each: each.number)
    bars = [
        Bar(one.name, one.loss, score_change(importance, one.score), DEVIATIONS * one.loss_error)
        for one in shown
    ]
    first = importance.inputs[:3]
    nouns = plural(2, importance.noun)
    told = ", ".join(f"{one.name} {three_figures(one.loss)}" for one in first)
    return bar_chart(
        bars,
        title=f"Which {nouns} matter",
        description=f"by how much the {loss} of {three_figures(importance.loss)} rises without "
        f"one of the {nouns}; most: {told}",
        across=f"rise of the {loss}",
        width=440,
    )


def map_drawing(importance: Importance, image: NDArray[np.float64]) -> Drawing:
    """Return how much worse the model is without each place, over an image (height, width[, …])."""
    table = np.full((len(importance.lines), len(importance.columns)), np.nan)
    for one in importance.inputs:
        if one.place is not None:
            table[one.place] = one.loss
    first = importance.inputs[0]
    return places_chart(
        png_of(np.concatenate([image, image], axis=1), PICTURE),
        (image.shape[0], image.shape[1]),
        table,
        title="Which places matter",
        description=f"at the left the average of these pictures, at the right where the loss of "
        f"{three_figures(importance.loss)} rises (+) or falls (−) without a place; most without "
        f"{first.name}, by {three_figures(first.loss)}",
    )


def steps_drawing(importance: Importance, loss: str) -> Drawing:
    """Return how much worse forecasts are without each step back, a curve for each column."""
    table = np.full((len(importance.lines), len(importance.columns)), np.nan)
    for one in importance.inputs:
        if one.place is not None:
            table[one.place] = one.loss
    back = np.arange(len(importance.columns), dtype="float64")
    shown = np.argsort(-np.nan_to_num(table).max(axis=1), kind="stable")[:MOST_CURVES]
    marks = [(float(back[at]), importance.columns[at]) for at in _evenly(len(back))]
    told = ", ".join(
        f"without {one.name} by {three_figures(one.loss)}" for one in importance.inputs[:3]
    )
    return line_chart(
        [
            Line(importance.lines[at], back, table[at], dots=len(back) <= MOST_DOTS)
            for at in np.sort(shown).tolist()
        ],
        title="How far back matters",
        description=f"the {loss} of {three_figures(importance.loss)} rises most {told}",
        across="steps back from the last one that is known",
        up=f"rise of the {loss}",
        zero=True,
        across_marks=marks,
    )


def _evenly(count: int) -> list[int]:
    """Return places of at most a few marks on an axis."""
    return np.unique(np.linspace(0, count - 1, MOST_MARKS).round().astype(int)).tolist()


def words_drawing(importance: Importance, classes: Sequence[str], target: str) -> Drawing:
    """Return what each word adds where a text has it: to a probability, or to a number.

    `classes`: of which two have the probability of the second one drawn, several that which a word
    moves most; none where the number `target` is predicted.
    """
    shown = importance.inputs[:MOST_WORDS]
    several = len(classes) > 2
    moved = [max(one.moved, key=abs) if several else one.moved[-1] for one in shown]
    subject = "the probability of a class" if several else target
    if len(classes) == 2:
        subject = f"the probability of {classes[1]}"
    bars = []
    for one, number in zip(shown, moved, strict=True):
        about = f"of {classes[one.moved.index(number)]}, " if several else ""
        tried = "" if one.rows >= one.having else f", {one.rows:,} of them tried"
        bars.append(Bar(one.name, number, f"{about}in {counted(one.having, 'text')}{tried}"))
    told = ", ".join(f"{bar.name} {some_figures(bar.number, 3, signed=True)}" for bar in bars[:3])
    return bar_chart(
        bars,
        title=f"Which words of {importance.about} matter",
        description=f"what a word adds to {subject}, in the mean of texts that have it; those that "
        f"matter most: {told}",
        across=f"what the word adds to {subject}",
        width=440,
    )


def dependence_drawing(dependence: PartialDependence) -> Drawing:
    """Return what the model says as one input goes through its values, the rest as it is."""
    order = np.argsort(-dependence.reach, kind="stable")[:MOST_CURVES]
    subjects = [int(at) for at in np.sort(order)]
    first = int(order[0])
    mean = dependence.mean[first]
    at = [int(mean.argmin()), int(mean.argmax())]
    about = dependence.subjects[first]
    unit = f"probability of {about}" if dependence.unit == "probability" else dependence.unit
    description = (
        f"{unit}: least, {amount(round(float(mean[at[0]]), 4))}, at "
        f"{_value(dependence, at[0])}; most, {amount(round(float(mean[at[1]]), 4))}, at "
        f"{_value(dependence, at[1])}; mean over {counted(dependence.rows, 'row')}"
    )
    title = f"What {dependence.name} does"
    if dependence.kind == "category":
        return _categories(dependence, first, title, description, unit)
    lines = [
        Line(
            f"{dependence.subjects[one]}" if len(subjects) > 1 else "mean",
            dependence.numbers,
            dependence.mean[one],
            low=dependence.low[one] if len(subjects) == 1 else None,
            high=dependence.high[one] if len(subjects) == 1 else None,
        )
        for one in subjects
    ]
    return line_chart(
        lines,
        title=title,
        description=description,
        across=dependence.name,
        up="probability" if len(subjects) > 1 else unit,
        width=360,
        height=240,
        across_marks=_marks(dependence),
    )


def _categories(
    dependence: PartialDependence, subject: int, title: str, description: str, unit: str
) -> Drawing:
    shown = range(min(len(dependence.values), MOST_CATEGORIES))
    return bar_chart(
        [
            Bar(
                str(dependence.values[at]),
                float(dependence.mean[subject][at]),
                f"{_figure(dependence, float(dependence.mean[subject][at]))}, "
                f"{counted(dependence.counts[at], 'row')}",
            )
            for at in shown
        ],
        title=title,
        description=description,
        across=unit,
        width=400,
    )


def _figure(dependence: PartialDependence, number: float) -> str:
    return percent(number) if dependence.unit == "probability" else three_figures(number)


def _value(dependence: PartialDependence, at: int) -> str:
    value = dependence.values[at]
    return three_figures(value) if isinstance(value, float) else str(value)


def _marks(dependence: PartialDependence) -> list[tuple[float, str]] | None:
    """Return words for an axis of dates; None where numbers serve."""
    if dependence.kind != "date":
        return None
    places = np.linspace(0, len(dependence.values) - 1, DATES).round().astype(int)
    return [(dependence.numbers[at], str(dependence.values[at])) for at in np.unique(places)]
