"""Residuals in the target's unit, and which of many rows get a dot."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.data import Target, TaskType
from misstep.data.table.matrix import Matrix
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling import HeldOut, residuals_of
from misstep.modeling.judgment.residuals import spread_out


def held_out_of(answers: Array, outputs: Array) -> HeldOut:
    x = np.zeros((len(answers), 1))
    return HeldOut("test", Matrix(x), x, answers, outputs, [f"row {n}" for n in range(len(x))])


def test_numbers_are_in_the_unit_of_the_target() -> None:
    prices = np.array([100.0, 300.0, 200.0, 800.0])
    target = Target("price", TaskType.NUMBER, "").fit(prices)
    said = (np.array([120.0, 280.0, 200.0, 700.0]) - target.center) / target.scale
    found = residuals_of(held_out_of(target.encode(prices), said[:, None]), target)
    assert np.allclose(found.truth, prices, rtol=1e-6)
    assert np.allclose(found.residuals, [-20, 20, 0, 100], atol=1e-3)
    own = np.quantile(found.truth - found.predicted, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
    assert list(found.quantiles.values()) == own.tolist()
    assert found.ratio_quantiles[1.0] == pytest.approx(800 / 700, rel=1e-5)
    assert found.shown.tolist() == [0, 1, 2, 3]


def test_a_learned_logarithm_is_taken_back() -> None:
    prices = np.exp(np.linspace(0, 12, 50))
    target = Target("price", TaskType.NUMBER, "").fit_logarithm(pandas.Series(prices))
    found = residuals_of(held_out_of(target.encode(prices), target.encode(prices)[:, None]), target)
    assert found.logarithm
    assert np.allclose(found.truth, prices, rtol=1e-4)
    assert np.allclose(found.residuals, 0, atol=1e-6)


def test_rows_without_a_finite_number_are_left_out_and_told() -> None:
    target = Target("price", TaskType.NUMBER, "")
    found = residuals_of(held_out_of(np.array([1.0, 2.0]), np.array([[np.inf], [2.5]])), target)
    assert (found.left_out, found.rows.tolist()) == (1, [1])
    nothing = residuals_of(held_out_of(np.zeros(0), np.zeros((0, 1))), target)
    assert (nothing.quantiles, nothing.ratio_quantiles) == ({}, {})


def test_the_largest_are_shown_and_the_others_evenly() -> None:
    random = np.random.default_rng(0)
    places, sizes = random.normal(size=10_000), random.standard_t(3, size=10_000)
    shown = spread_out(places, sizes, 400)
    assert len(shown) <= 400
    assert set(np.argsort(-np.abs(sizes))[:100]) <= set(shown.tolist())
    # As many in each quarter of the predictions, but for the largest.
    quarters = np.searchsorted(np.quantile(places, [0.25, 0.5, 0.75]), places[shown])
    assert np.bincount(quarters).min() > 70
    assert np.array_equal(shown, spread_out(places, sizes, 400))
    assert np.array_equal(shown, np.unique(shown))
    assert places[shown].min() == pytest.approx(places.min(), abs=0.5)


def test_classes_have_no_residuals() -> None:
    target = Target("kind", TaskType.BINARY, "", ("a", "b"))
    with pytest.raises(ArgumentError, match="two classes"):
        residuals_of(held_out_of(np.zeros(2), np.zeros((2, 2))), target)


def test_it_can_be_written_down() -> None:
    target = Target("price", TaskType.NUMBER, "")
    plain = residuals_of(held_out_of(np.array([1.0]), np.array([[3.0]])), target).plain()
    assert plain["quantiles"]["0.5"] == -2
    assert plain["shown"] == [{"predicted": 3.0, "true": 1.0}]
