"""What a model does on rows it did not learn from: how often, how far, how surely it errs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from misstep.drawing import Drawing
from misstep.modeling import ForecastModel, TrainedModel
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.confusion import Confusion, confusion_of
from misstep.modeling.judgment.forecast_errors import forecast_errors_of
from misstep.modeling.judgment.reliability import Reliability, reliability_of
from misstep.modeling.judgment.residuals import Residuals, residuals_of
from misstep.modeling.result import ForecastResult
from misstep.report.markup import Markup, figure, joined, paragraph, table, tag
from misstep.report.material import Material
from misstep.report.result_drawings import (
    confusion_drawing,
    coverage_drawing,
    predicted_drawing,
    reliability_drawing,
    residual_histogram,
    residuals_drawing,
    step_errors_drawing,
)
from misstep.report.section import Section
from misstep.text.counts import counted, plural
from misstep.text.figures import percent, three_figures

# Pairs of classes in the table; two classes have no more than the square shows anyway.
MOST_PAIRS, FEWEST_CLASSES = 8, 3
# Bars of how many rows have which probability.
EVEN_BINS = 20


class Results(Section):
    """Confusion and reliability; or predicted against true; or a forecast against what came."""

    slug: ClassVar[str] = "results"
    title: ClassVar[str] = "How right it is"
    place: ClassVar[int] = 60

    def content(self, material: Material) -> Markup | None:
        """Return the drawings for what is predicted; None without rows to judge by."""
        model, held_out = material.model, material.held_out
        forecast = material.forecast
        if isinstance(model, ForecastModel) and forecast is not None:
            return _of_forecast(model, forecast)
        if model is None or held_out is None or not len(held_out):
            return None
        noun = model.preprocessing.sample_name
        if model.target.is_number:
            return _of_numbers(residuals_of(held_out, model.target), held_out, noun)
        return _of_classes(model, held_out, noun)


def _of_classes(model: TrainedModel, held_out: HeldOut, noun: str) -> Markup | None:
    confusion = confusion_of(held_out, model.target)
    reliability = reliability_of(held_out, model.target)
    even = reliability_of(held_out, model.target, bins=EVEN_BINS, by="width")
    if reliability is None or not confusion.rows:
        return None
    right = confusion.right / confusion.rows
    return joined(
        [
            paragraph(
                f"Of {_judged(held_out, noun, confusion.left_out)}, {confusion.right:,} "
                f"{plural(confusion.right, 'is', 'are')} right: {percent(right)}."
            ),
            _figures(
                (
                    confusion_drawing(confusion, noun),
                    "A line for what is, a column for what was said: the diagonal is right. The "
                    "deeper the color, the larger the share of its line; behind each line the "
                    "share that was found.",
                ),
                (reliability_drawing(reliability, even, noun), reliability_words(reliability)),
            ),
            _pairs(confusion, noun),
        ]
    )


def reliability_words(reliability: Reliability) -> str:
    """Return what the curve says: how far probabilities are off, beside what chance would do."""
    off = percent(reliability.error)
    by_chance = percent(reliability.error_by_chance)
    words = f"In the mean, probabilities are off by {off}"
    if reliability.error <= 1.5 * reliability.error_by_chance:
        return f"{words}; so few rows would be off by {by_chance} even if every one were true."
    rather = _rather(reliability)
    return f"{words}, where chance alone would make {by_chance}{rather}."


def _rather(reliability: Reliability) -> str:
    """Return whether it says more, or less, than comes true, where that is so all along."""
    rows = np.array([one.rows for one in reliability.bins])
    # Of two classes, a probability below a half is as sure as one above it.
    signs = np.array(
        [
            (1 if reliability.subject is None or one.predicted >= 0.5 else -1)
            * (one.predicted - one.observed)
            for one in reliability.bins
        ]
    )
    lean = float((signs * rows).sum() / rows.sum())
    if abs(lean) < reliability.error / 2:
        return ""
    return ": it is surer than it should be" if lean > 0 else ": it could be surer"


def _pairs(confusion: Confusion, noun: str) -> Markup | None:
    pairs = confusion.pairs(MOST_PAIRS)
    if not pairs or len(confusion.classes) < FEWEST_CLASSES:
        return None
    return joined(
        [
            tag("h3", "Most often taken for another"),
            table(
                ["it is", "it said", plural(2, noun), "of all that are so"],
                [
                    [pair.true, pair.predicted, f"{pair.rows:,}", percent(pair.rows / pair.of)]
                    for pair in pairs
                ],
                caption="pairs of classes that were confused most often",
                numbers=(2, 3),
            ),
        ]
    )


def _of_numbers(residuals: Residuals, held_out: HeldOut, noun: str) -> Markup | None:
    if not len(residuals.truth):
        return None
    off = np.quantile(np.abs(residuals.residuals), [0.5, 0.9])
    words = (
        f"Of {_judged(held_out, noun, residuals.left_out)}, half are predicted to within "
        f"{three_figures(float(off[0]))}, nine of ten to within {three_figures(float(off[1]))}."
    )
    ratios = residuals.ratio_quantiles
    if residuals.logarithm and ratios:
        words += (
            f" It learned by which factor it errs: nine of ten are between {ratios[0.05]:.2f} and "
            f"{ratios[0.95]:.2f} times what was predicted."
        )
    return joined(
        [
            paragraph(words),
            _figures(
                (predicted_drawing(residuals, noun), "On the line a prediction is exact."),
                (
                    residuals_drawing(residuals, noun),
                    "Above the line it was more than predicted, below less. A pattern would be "
                    "something that was not learned.",
                ),
                (residual_histogram(residuals, noun), "True less predicted."),
            ),
        ]
    )


def _of_forecast(model: ForecastModel, forecast: ForecastResult) -> Markup | None:
    if forecast.back_test is None:
        return paragraph(
            "Nothing was set apart to judge forecasts by, so nobody knows how right they are."
        )
    back_test = forecast.back_test
    errors = forecast_errors_of(back_test, model.preprocessing, forecast.series)
    origins = counted(len(back_test.origins), "forecast")
    known = errors.errors[np.isfinite(errors.errors)]
    off = (
        f" They are off by {three_figures(float(known.mean()))} in the mean." if len(known) else ""
    )
    coverage, share = coverage_drawing(errors), errors.within_of_all
    parts: list[tuple[Drawing, str]] = [
        (step_errors_drawing(errors), "Mean over all forecasts whose truth was measured.")
    ]
    if coverage is not None and share is not None:
        parts.append(
            (
                coverage,
                f"An interval made from the errors of the earlier half held {percent(share)} of "
                f"the truths of the later half; it says {errors.share:.0%}.",
            )
        )
    unknown = (
        None
        if coverage is not None
        else paragraph("Too few forecasts to say whether the interval holds.", quiet=True)
    )
    return joined(
        [
            paragraph(f"{origins} of what came after the rows that were learned from.{off}"),
            _figures(*parts),
            unknown,
        ]
    )


def _judged(held_out: HeldOut, noun: str, left_out: int) -> str:
    rows = counted(len(held_out) - left_out, noun)
    lost = f" ({left_out:,} more gave no finite number)" if left_out else ""
    by = ", by which it was chosen when to stop" if held_out.split == "validation" else ""
    if held_out.learned:
        return f"{rows}{lost}, {held_out.learned:,} of which it learned from"
    return f"{rows} that it did not learn from{lost}{by}"


def _figures(*drawings: tuple[Drawing, str]) -> Markup:
    return tag("div", *(figure(drawing, words) for drawing, words in drawings), class_="figures")
