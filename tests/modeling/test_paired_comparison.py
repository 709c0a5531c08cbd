"""Two models' errors on the same rows: what each row says, and what chance could do."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.modeling import Options, Verdict, compare_errors, train


def test_the_standard_error_is_that_of_drawing_rows_anew() -> None:
    numbers = np.random.default_rng(0)
    theirs = numbers.exponential(size=400)
    ours = 0.9 * theirs + numbers.normal(0, 0.05, 400)
    compared = compare_errors(ours, theirs)
    drawn = numbers.integers(400, size=(4000, 400))
    again = theirs[drawn].mean(axis=1) - ours[drawn].mean(axis=1)
    assert compared.gain == pytest.approx(float(theirs.mean() - ours.mean()))
    assert compared.standard_error == pytest.approx(float(again.std()), rel=0.05)
    assert compared.verdict is Verdict.BETTER
    assert compare_errors(theirs, ours).verdict is Verdict.WORSE


def test_forecasts_that_overlap_are_fewer_than_they_look() -> None:
    errors = np.random.default_rng(1).exponential(size=(2, 100))
    once, overlapping = compare_errors(*errors), compare_errors(*errors, overlap=4)
    assert overlapping.standard_error == pytest.approx(2 * once.standard_error)


@pytest.mark.parametrize(
    ("discordant", "verdict"), [(0, Verdict.EVEN), (4, Verdict.EVEN), (7, Verdict.BETTER)]
)
def test_a_few_rows_of_a_class_are_no_proof(discordant: int, verdict: Verdict) -> None:
    theirs = np.zeros(500)
    theirs[:discordant] = 1.0
    assert compare_errors(np.zeros(500), theirs).verdict is verdict


def test_without_rows_nothing_is_known() -> None:
    assert compare_errors(np.zeros(0), np.zeros(0)).verdict is Verdict.EVEN
    assert compare_errors(np.zeros(1), np.ones(1)).verdict is Verdict.EVEN


@pytest.mark.parametrize(
    ("source", "score"), [("diabetes", "rmse"), ("iris", "accuracy"), ("wine", "accuracy")]
)
def test_errors_of_test_rows_are_those_of_the_score(source: str, score: str) -> None:
    result = train(source, Options(epochs=2))
    assert result.test_errors is not None
    scores, mean = result.scores["test"], float(result.test_errors.mean())
    assert len(result.test_errors) == result.model.facts["test_rows"]
    assert scores[score] == pytest.approx(mean**0.5 if score == "rmse" else 1 - mean)
