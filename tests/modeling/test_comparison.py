"""Better, worse or even: what a score is worth beside a baseline's, as facts."""

from __future__ import annotations

import math

import pytest

from misstep.modeling import Baseline
from misstep.modeling.comparison import Verdict, assess, assess_forecasts

GUESS, LINEAR, TREE = (
    Baseline(name, name, "", lambda: None) for name in ("guess", "linear", "tree")
)


def test_the_best_of_the_others_is_compared_with() -> None:
    scores = {"test": 0.9, "guess": 0.5, "linear": 0.8, "tree": 0.85}
    shares = {name: {"accuracy": score} for name, score in scores.items()}
    assessment = assess(shares, [GUESS, LINEAR, TREE], 1000)
    assert assessment.simplest.baseline is GUESS
    assert assessment.best.baseline is TREE
    errors = {name: {"rmse": score, "accuracy": 0.0} for name, score in scores.items()}
    assert assess(errors, [GUESS, LINEAR, TREE], 1000).best.baseline is LINEAR
    del errors["linear"], errors["tree"]
    assert assess(errors, [GUESS, LINEAR, TREE], 1000).best.baseline is GUESS


@pytest.mark.parametrize(
    ("ours", "theirs", "rows", "verdict"),
    [
        (0.95, 0.90, 1000, Verdict.BETTER),
        (0.90, 0.95, 1000, Verdict.WORSE),
        (0.95, 0.94, 100, Verdict.EVEN),
        (1.0, 0.967, 30, Verdict.EVEN),
        (1.0, 0.0, 1, Verdict.EVEN),
    ],
)
def test_chance_makes_no_difference_in_shares(
    ours: float, theirs: float, rows: int, verdict: Verdict
) -> None:
    scores = {"test": {"accuracy": ours}, "guess": {"accuracy": theirs}}
    assert assess(scores, [GUESS], rows).simplest.verdict is verdict


def test_the_error_of_a_difference_of_shares_is_that_of_agresti_and_caffo() -> None:
    # Worked by hand: 8 and 2 of 10 right become 9 and 3 of 12.
    scores = {"test": {"accuracy": 0.8}, "guess": {"accuracy": 0.2}}
    comparison = assess(scores, [GUESS], 10).simplest
    assert comparison.gap == pytest.approx(0.5)
    assert comparison.standard_error == pytest.approx(math.sqrt(2 * 0.75 * 0.25 / 12))


@pytest.mark.parametrize(
    ("ours", "theirs", "gap", "verdict"),
    [
        (4.0, 5.0, 0.2, Verdict.BETTER),
        (5.0, 4.0, -0.25, Verdict.WORSE),
        (4.9, 5.0, 0.02, Verdict.EVEN),
        (0.0, 0.0, None, Verdict.BETTER),
        (1.0, 0.0, None, Verdict.WORSE),
        (math.nan, 5.0, None, Verdict.WORSE),
    ],
)
def test_errors_are_compared_as_shares(
    ours: float, theirs: float, gap: float | None, verdict: Verdict
) -> None:
    scores = {"test": {"rmse": ours}, "guess": {"rmse": theirs}}
    comparison = assess(scores, [GUESS], 50).simplest
    assert comparison.gap == (gap if gap is None else pytest.approx(gap))
    assert comparison.verdict is verdict
    assert comparison.standard_error == pytest.approx(0.1)


def test_rows_with_a_single_answer_tell_nothing() -> None:
    scores = {name: {"accuracy": 1.0} for name in ("test", "guess", "linear")}
    assert assess(scores, [GUESS, LINEAR], 40).all_same
    assert not assess(scores | {"guess": {"accuracy": 0.9}}, [GUESS, LINEAR], 40).all_same
    numbers = {"test": {"rmse": 0.04}, "guess": {"rmse": 0.0}, "linear": {"rmse": 0.0}}
    assert assess(numbers, [GUESS, LINEAR], 40).all_same


def test_forecasts_that_overlap_count_less() -> None:
    scores = {"test": {"mae": 0.95}, "guess": {"mae": 1.0}, "linear": {"mae": 2.0}}
    apart = assess_forecasts(scores, [GUESS, LINEAR], 400, 1)
    overlapping = assess_forecasts(scores, [GUESS, LINEAR], 400, 12)
    assert apart.simplest.verdict is Verdict.BETTER
    assert overlapping.simplest.verdict is Verdict.EVEN
    assert apart.best.baseline is GUESS
