"""Which inputs a model goes by: columns and what they do, words, places, channels and times."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.drawing import Drawing
from misstep.modeling import (
    ForecastModel,
    Importance,
    Model,
    forecast_importances_of,
    importances_of,
    partial_dependences_of,
    word_importances_of,
)
from misstep.modeling.held_out import HeldOut
from misstep.modeling.result import ForecastResult
from misstep.report.importance_drawings import (
    dependence_drawing,
    importance_drawing,
    map_drawing,
    steps_drawing,
    words_drawing,
)
from misstep.report.markup import Markup, figure, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.pictures import image_of_row
from misstep.report.section import Section
from misstep.text.counts import counted, plural
from misstep.text.figures import three_figures

# Pictures whose mean is drawn below a map.
MOST_PICTURES = 500


class WhatMatters(Section):
    """Importance of inputs on held-out rows, and what the first ones do."""

    slug: ClassVar[str] = "importance"
    title: ClassVar[str] = "What it goes by"
    place: ClassVar[int] = 64

    def content(self, material: Material) -> Markup | None:
        """Return bars, maps and curves; None without rows to measure on."""
        model, held_out = material.model, material.held_out
        forecast = None if material.result is None else material.result.forecast
        if isinstance(model, ForecastModel) and forecast is not None:
            return _of_forecast(forecast)
        if not isinstance(model, Model) or held_out is None or not len(held_out):
            return None
        noun = model.preprocessing.sample_name
        parts: list[Markup] = []
        importances = importances_of(model, held_out)
        for importance in importances:
            if len(importance.inputs) + importance.left > 1:
                drawing = _drawing(importance, held_out)
                parts += _inputs(importance, drawing, noun, "loss")
        for importance in word_importances_of(model, held_out):
            parts += _words(importance, model)
        if importances:
            found = partial_dependences_of(model, held_out, importances[0])
            drawings = [dependence_drawing(one) for one in found]
            if drawings:
                does, which = drawings[0].title, ""
                if len(drawings) > 1:
                    does = f"What {plural(2, importances[0].noun)} do"
                    which = "Of those that have values to go through, the most important first. "
                parts.append(tag("h3", does))
                parts.append(
                    paragraph(
                        f"{which}Every {noun} is given each value in turn, all else as it is; the "
                        "mean of what the model says then, and where eight of ten lie. It says "
                        "what the model does, not what would come of it in the world."
                    )
                )
                parts.append(tag("div", *(figure(one) for one in drawings), class_="figures"))
        return joined(parts) if parts else None


def _of_forecast(forecast: ForecastResult) -> Markup | None:
    """Return what forecasts go by; None where none were judged."""
    if forecast.judged is None or forecast.back_test is None:
        return None
    parts: list[Markup] = []
    found = forecast_importances_of(forecast.judged, forecast.series, forecast.back_test)
    for one in found:
        if len(one.inputs) + one.left > 1:
            by_step = bool(one.lines and one.columns)
            loss = one.loss_name
            drawing = steps_drawing(one, loss) if by_step else importance_drawing(one, loss)
            parts += _inputs(one, drawing, "forecast", loss)
    return joined(parts) if parts else None


def _inputs(importance: Importance, drawing: Drawing, noun: str, loss: str) -> list[Markup]:
    nouns, rows = plural(2, noun), counted(importance.rows, noun)
    if importance.manner == "permuted":
        how = (
            f"Each {importance.noun} in turn is taken from other {nouns}, drawn at random "
            f"{counted(importance.repeats, 'time')}"
        )
    else:
        how = f"Each {importance.noun} in turn becomes {importance.replacement}"
    left = (
        f" {importance.left:,} more, which move least with what it says, were not measured."
        if importance.left
        else ""
    )
    words = (
        f"{how}: the {loss} of {three_figures(importance.loss)} on {rows} that it did not learn "
        f"from rises by so much.{left}"
    )
    caption: str | None = f"A line across the end: two standard errors to each side, by {nouns}."
    if importance.lines and importance.columns:
        caption = None
    if importance.manner == "replaced":
        caption = (
            "At the left the average picture. +: without this place it errs more; −: it errs less."
        )
    return [tag("h3", drawing.title), paragraph(words), figure(drawing, caption)]


def _drawing(importance: Importance, held_out: HeldOut) -> Drawing:
    image = _mean_image(held_out) if importance.lines and importance.columns else None
    return importance_drawing(importance) if image is None else map_drawing(importance, image)


def _mean_image(held_out: HeldOut) -> NDArray[np.float64] | None:
    images = [image_of_row(held_out.data, row) for row in range(min(len(held_out), MOST_PICTURES))]
    known = [image for image in images if image is not None]
    return np.asarray(np.mean(known, axis=0)) if known else None


def _words(importance: Importance, model: Model) -> list[Markup]:
    classes = [str(one) for one in model.target.classes]
    drawing = words_drawing(importance, classes, model.target.name)
    words = (
        f"Each word in turn is taken out of the texts that have it, of "
        f"{counted(importance.rows, 'text')} that it did not learn from. First stand the words "
        "without which the loss of all of them would rise most."
    )
    return [tag("h3", drawing.title), paragraph(words), figure(drawing)]
