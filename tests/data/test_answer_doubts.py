"""Doubts about answers, against what is counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.data.answer_doubts import class_doubts, number_doubts


def test_classes_by_hand() -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.4, 0.35, 0.25], [0.0, 1.0, 0.0]])
    doubts = class_doubts(shares, np.array([0, 2, 2, 0]))
    assert doubts.expected.tolist() == [0, 1, 0, 1]
    assert doubts.other.tolist() == [False, True, True, True]
    np.testing.assert_allclose(doubts.given[:3], [0.7, 0.05, 0.25])
    np.testing.assert_allclose(doubts.certainty[:3], np.log([0.7 / 0.2, 0.9 / 0.05, 0.4 / 0.35]))
    assert doubts.order.tolist() == [3, 1, 2, 0]
    certainty, rows, others = doubts.counted(2)
    assert rows.tolist() == [2, 2]
    assert others.tolist() == [1, 2]
    np.testing.assert_allclose(certainty[0], np.log([0.4 / 0.35, 0.7 / 0.2]).mean())


def test_neighbors_stand_against_single_errors_and_by_a_region_that_a_model_misses() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 2))
    y = (x[:, 0] > 0).astype(int)
    sure = np.where(x[:, 0] > 0, 0.98, 0.02)
    single = y.copy()
    single[:30] = 1 - single[:30]
    shares = np.column_stack([1 - sure, sure])
    assert class_doubts(shares, single).neighbors_agree(x, single) > 0.8
    region = np.where((x[:, 0] > 0.8) & (x[:, 1] > 0), 0, y)
    assert class_doubts(shares, region).neighbors_agree(x, region) < 0.4
    assert np.isnan(class_doubts(shares, y).neighbors_agree(x, y))


@pytest.mark.parametrize("rows", [20, 500])
def test_numbers_are_measured_by_the_spread_around_them(rows: int) -> None:
    random = np.random.default_rng(0)
    expected = random.uniform(0, 100, rows)
    # Ten times as uncertain above 50: nothing stands out for that.
    answers = expected + random.normal(size=rows) * np.where(expected > 50, 10.0, 1.0)
    assert number_doubts(expected, answers).far.sum() == 0
    answers[3] = expected[3] + 1000
    doubts = number_doubts(expected, answers)
    assert np.flatnonzero(doubts.far).tolist() == [3]
    assert doubts.order[0] == 3


def test_numbers_that_are_all_expected_exactly_are_not_far() -> None:
    doubts = number_doubts(np.ones(50), np.ones(50))
    assert not doubts.far.any()
    assert np.isfinite(doubts.distances).all()
