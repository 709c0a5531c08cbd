"""Conformal intervals against brute force over all ranks, and their coverage by counting."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.data import Target, TaskType
from misstep.errors import ArgumentError, DataError, FileFormatError
from misstep.modeling.intervals import MOST_ROWS, Calibration

PLAIN = Target("y", TaskType.NUMBER, "", center=10.0, scale=2.0)


def calibration(errors: list[float]) -> Calibration:
    outputs = np.zeros(len(errors))
    found = Calibration.of(outputs, np.array(errors), PLAIN, "the test")
    assert found is not None
    return found


@pytest.mark.parametrize("coverage", [0.5, 0.7, 0.8, 0.9])
def test_an_interval_covers_the_next_error_in_so_many_of_all_orders(coverage: float) -> None:
    # Each of n + 1 exchangeable errors is the new one as often as any other.
    errors = np.random.default_rng(3).normal(size=12)
    inside = 0
    for new in range(12):
        known = calibration(np.delete(errors, new).tolist())
        low, high = known.interval(np.zeros(1), coverage, PLAIN)[0]
        inside += low <= 10 + 2 * errors[new] <= high
    # The least count of 12 that is at least the coverage: honest, and no wider than that.
    assert inside == math.ceil(coverage * 12)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_a_quantile_is_above_so_many_of_all_orders(share: float) -> None:
    errors = np.random.default_rng(4).exponential(size=13)
    above = 0
    for new in range(13):
        known = calibration(np.delete(errors, new).tolist())
        found = known.quantiles(np.zeros(1), [share], PLAIN)[0, 0]
        above += 10 + 2 * errors[new] <= found
    assert above == (math.ceil(share * 13) if share >= 0.5 else math.floor(share * 13))


def test_ends_are_places_in_the_order_of_errors() -> None:
    errors = [-5.0, 1.0, -2.0, 3.0, 4.0, -0.5, 0.1, 2.0, -1.0]
    known = calibration(errors)
    # Of 9 rows the largest of 9 covers 9 in 10: place 0.9 · 10.
    assert known.interval(np.array([1.0]), 0.9, PLAIN).tolist() == [[2.0, 22.0]]
    assert known.interval(np.array([1.0]), 0.5, PLAIN).tolist() == [[8.0, 16.0]]
    expected = [10 + 2 * (1.0 + each) for each in (-5.0, 0.1, 4.0)]
    assert known.quantiles(np.array([1.0]), [0.1, 0.5, 0.9], PLAIN)[0] == pytest.approx(expected)


def test_too_few_rows_are_told_with_how_many_it_takes() -> None:
    known = calibration([0.0] * 8)
    with pytest.raises(ArgumentError, match=r"covers 0\.9: needed 9 rows .* but got 8, of"):
        known.interval(np.zeros(1), 0.9, PLAIN)
    with pytest.raises(ArgumentError, match=r"the quantile 0\.05: needed 19 rows"):
        known.quantiles(np.zeros(1), [0.05], PLAIN)
    assert np.isfinite(calibration([0.0] * 9).interval(np.zeros(1), 0.9, PLAIN)).all()
    assert np.isfinite(calibration([0.0] * 19).quantiles(np.zeros(1), [0.05, 0.95], PLAIN)).all()
    for coverage in (0, 1, 1.5, "much", float("nan")):
        with pytest.raises(ArgumentError, match="coverage: needed above 0 and below 1"):
            known.interval(np.zeros(1), coverage, PLAIN)  # type: ignore[arg-type]


def test_on_a_logarithm_ends_are_factors() -> None:
    answers = np.exp(np.linspace(0, 8, 60))
    target = Target("y", TaskType.NUMBER, "").fit_logarithm(answers)
    known = Calibration.of(np.zeros(60), target.encode(answers), target, "the test")
    assert known is not None
    low, high = known.interval(np.zeros(1), 0.9, target)[0]
    middle = float(target.decode(np.zeros(1))[0])
    assert low > 0
    assert target.logarithm is not None
    ends = target.logarithm.apply(np.array([low, middle, high]))
    assert ends[2] - ends[1] == pytest.approx(ends[1] - ends[0])
    assert high - middle > 3 * (middle - low)


def test_of_many_rows_some_are_drawn() -> None:
    errors = np.random.default_rng(0).normal(size=3 * MOST_ROWS)
    found = Calibration.of(np.zeros(len(errors)), errors, PLAIN, "the test")
    assert found is not None
    assert len(found) == MOST_ROWS
    assert np.quantile(found.sizes, 0.9) == pytest.approx(1.645, rel=0.03)
    assert Calibration.of(np.zeros(2), np.array([0.0, np.inf]), PLAIN, "") is None
    assert Calibration.of(np.zeros(0), np.zeros(0), PLAIN, "") is None


def test_intervals_of_an_estimator_and_of_its_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 1))
    y = 5 + 3 * x[:, 0] + random.standard_t(4, size=400)
    regressor = ms.Regressor("dense4", epochs=8, learning_rate=0.02).fit(x[:300], y[:300])
    held_out = regressor.model_.calibration
    assert held_out is not None
    assert (len(held_out), held_out.split) == (30, "validation")
    rest, answers = x[300:], y[300:]
    errors = np.sort(np.abs(answers - regressor.predict(rest)))
    low, high = regressor.calibrate(rest, answers).predict_interval(rest, 0.9).T
    far = errors[math.ceil(0.9 * 101) - 1]
    np.testing.assert_allclose(low, regressor.predict(rest) - far, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(high, regressor.predict(rest) + far, rtol=1e-5, atol=1e-5)
    quantiles = regressor.predict_quantiles(rest, [0.1, 0.5, 0.9])
    assert (np.diff(quantiles) > 0).all()
    path = tmp_path / "model.misstep"
    regressor.save(path)
    again = ms.load_model(path)
    assert isinstance(again, ms.modeling.Model)
    np.testing.assert_array_equal(again.predict_interval(rest, 0.9), np.stack([low, high], 1))


def test_without_rows_apart_there_are_none() -> None:
    x = np.arange(20.0).reshape(-1, 1)
    regressor = ms.Regressor("dense2", epochs=1, validation_fraction=0).fit(x, x[:, 0])
    with pytest.raises(DataError, match="intervals: needed rows that it did not learn from"):
        regressor.predict_interval(x)
    classifier = ms.Classifier("dense2", epochs=1).fit(x, x[:, 0] > 9)
    with pytest.raises(DataError, match="needed a number that is predicted, but got two classes"):
        classifier.model_.predict_interval(x)


def test_broken_errors_in_a_file_are_refused() -> None:
    plain, errors = calibration([1.0, 2.0]).to_file()
    assert Calibration.from_file(plain, errors, 1).errors.tolist() == [[1.0], [2.0]]
    broken = [None, errors[::-1], errors[:0], errors.astype("float32"), errors * np.nan, errors[0]]
    for one, outputs in [*zip(broken, itertools.repeat(1), strict=False), (errors, 2)]:
        with pytest.raises(FileFormatError, match="the calibration"):
            Calibration.from_file(plain, one, outputs)
    with pytest.raises(FileFormatError, match="the calibration"):
        Calibration.from_file({"split": 3}, errors, 1)
