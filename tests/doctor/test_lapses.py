"""Planted shares of wrong answers, found; and silence where answers are only hard to tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from misstep.data.answer_doubts import class_doubts
from misstep.doctor.lapses import Lapses, lapses_of


def drawn(share: float, rows: int = 4000, seed: int = 0, width: float = 4.0) -> Lapses:
    """Return what is found among answers drawn from known probabilities, some of them flipped."""
    random = np.random.default_rng(seed)
    first = expit(random.normal(0, width, rows))
    answers = (random.random(rows) < first).astype(int)
    wrong = random.random(rows) < share
    answers = np.where(wrong, 1 - answers, answers)
    doubts = class_doubts(np.column_stack([1 - first, first]), answers)
    return lapses_of(*doubts.counted(200))


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_share_is_found_between_its_bounds(share: float, seed: int) -> None:
    found = drawn(share, seed=seed)
    # Shares are tried in steps of a tenth.
    assert found.least / 1.1 <= share <= 1.1 * found.most
    assert found.least > share / 3.5
    assert abs(found.share - share) < 0.02 + share / 4


@pytest.mark.parametrize("width", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("seed", range(3))
def test_hard_rows_with_right_answers_are_no_errors(width: float, seed: int) -> None:
    assert drawn(0.0, seed=seed, width=width).least == 0


def test_answers_that_have_nothing_to_do_with_anything_say_nothing() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(4), 2000)
    doubts = class_doubts(shares, random.integers(0, 4, 2000))
    assert lapses_of(*doubts.counted(200)).least == 0


def test_single_errors_among_rows_that_are_all_easy_are_found() -> None:
    certainty = np.linspace(2.0, 6.0, 10)
    assert lapses_of(certainty, np.full(10, 60.0), np.full(10, 6.0)).least > 0.04


def test_few_rows_and_no_doubts_say_nothing() -> None:
    certainty, rows = np.linspace(0, 5, 10), np.full(10, 2.0)
    assert lapses_of(certainty, rows, np.ones(10)).least == 0
    assert lapses_of(certainty, 100 * rows, np.zeros(10)) == Lapses(0.0, 0.0, 1.0)


def test_the_curve_is_that_of_the_formula() -> None:
    found = Lapses(0.1, 0.05, 0.2, bend=0.5, curve=(np.log(2.0), 0.5))
    np.testing.assert_allclose(
        found.doubt(np.array([0.0, 4.0])), [expit(0.5), expit(-(2.0 * 2.0 - 0.5))]
    )
