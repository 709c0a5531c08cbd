"""Drawings of results say in words what their facts hold."""

from __future__ import annotations

import re

import numpy as np
import pytest

from misstep.modeling.judgment.confusion import Confusion
from misstep.modeling.judgment.forecast_errors import ForecastErrors
from misstep.modeling.judgment.reliability import reliability_curve
from misstep.modeling.judgment.residuals import Residuals
from misstep.report.result_drawings import (
    confusion_drawing,
    coverage_drawing,
    predicted_drawing,
    reliability_drawing,
    residual_histogram,
    residuals_drawing,
    step_errors_drawing,
)
from misstep.report.sections.results import reliability_words


def test_a_confusion_says_how_many_are_right_and_what_was_confused_most() -> None:
    confusion = Confusion(("cat", "dog", "owl"), np.array([[8, 3, 0], [1, 9, 0], [0, 0, 2]]))
    drawing = confusion_drawing(confusion, "image")
    assert drawing.description == (
        "19 of 23 images are right; most often wrong: cat taken for dog 3 times, "
        "dog taken for cat 1 time"
    )
    assert re.findall(r">(\d+%)<", drawing.svg()) == ["73%", "90%", "100%"]


def test_many_classes_are_folded_into_one_line() -> None:
    counts = np.diag(np.full(40, 5))
    counts[3, 7] = 4
    drawing = confusion_drawing(Confusion(tuple(f"c{at}" for at in range(40)), counts))
    assert "the other 15 classes are one line together" in drawing.description
    assert "c3 taken for c7 4 times" in drawing.description


def test_probabilities_that_hold_and_that_do_not_are_told_apart() -> None:
    random = np.random.default_rng(0)
    said = random.uniform(0.5, 1, 2000)
    honest = reliability_curve(said, random.random(2000) < said)
    boasting = reliability_curve(said, random.random(2000) < said - 0.2)
    modest = reliability_curve(said, random.random(2000) < np.minimum(said + 0.2, 1))
    assert "even if every one were true" in reliability_words(honest)
    assert reliability_words(boasting).endswith("surer than it should be.")
    assert reliability_words(modest).endswith("it could be surer.")
    drawing = reliability_drawing(honest)
    first = honest.bins[0]
    assert drawing.description.startswith(
        f"of 200 rows given {first.predicted:.0%}, {first.observed:.0%} were so"
    )


def test_residuals_are_drawn_where_they_are() -> None:
    truth = np.arange(1.0, 101.0)
    predicted = truth + np.where(np.arange(100) % 2, 2.0, -1.0)
    facts = Residuals("price", predicted, truth, np.arange(100), np.arange(100))
    assert predicted_drawing(facts).description == (
        "100 rows; half of all predictions are at most 1.50 off"
    )
    assert (
        "nine residuals of ten lie between −2.00 and 1.00" in residuals_drawing(facts).description
    )
    bars = residual_histogram(facts)
    assert sum(map(int, re.findall(r"<title>(\d+)</title>", bars.svg()))) == 100
    assert "from −2.00 to 1.00" in bars.description


def test_errors_of_steps_stand_beside_the_last_value() -> None:
    errors = ForecastErrors(
        "sales",
        np.array([1.0, 2.0]),
        np.array([2.0, 5.0]),
        np.array([30, 30]),
        0.8,
        np.array([0.5, 1.0]),
        np.array([30, 10]),
    )
    words = step_errors_drawing(errors).description
    assert words == (
        "one step ahead 1.00 in the mean, where the last value is off by 2.00; "
        "2 steps ahead 2.00, the last value 5.00"
    )
    assert errors.within_of_all == pytest.approx(25 / 40)
    coverage = coverage_drawing(errors)
    assert coverage is not None
    assert coverage.description == "62.5% over all steps, where it says 80%"
