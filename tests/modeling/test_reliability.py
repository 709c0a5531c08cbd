"""Probabilities beside shares, computed again by hand and by another library."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from misstep.data import Target, TaskType
from misstep.data.table.matrix import Matrix
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling import HeldOut, reliability_of
from misstep.modeling.confidence import wilson_interval
from misstep.modeling.judgment.reliability import reliability_curve

TWO = Target("sold", TaskType.BINARY, "", ("no", "yes"))
THREE = Target("kind", TaskType.MULTICLASS, "", ("a", "b", "c"))


def held_out_of(answers: Array, outputs: Array) -> HeldOut:
    x = np.zeros((len(answers), 1))
    return HeldOut("test", Matrix(x), x, answers, outputs, [f"row {n}" for n in range(len(x))])


def two_classes(rows: int, seed: int = 0) -> HeldOut:
    random = np.random.default_rng(seed)
    p = random.beta(0.7, 0.7, rows)
    answers = (random.random(rows) < p**1.5).astype(int)
    return held_out_of(answers, np.column_stack([1 - p, p]))


def brute_error(probabilities: Array, happened: Array, edges: Array) -> float:
    total = 0.0
    for lower, upper in itertools.pairwise(edges):
        inside = [
            at
            for at, p in enumerate(probabilities)
            if lower < p <= upper or (p == lower == edges[0])
        ]
        if inside:
            gap = np.mean(probabilities[inside]) - np.mean(happened[inside])
            total += len(inside) / len(probabilities) * abs(gap)
    return total


@pytest.mark.parametrize("by", ["quantile", "width"])
def test_the_curve_of_two_classes_is_that_of_a_loop_and_of_another_library(by: str) -> None:
    held_out = two_classes(1000)
    found = reliability_of(held_out, TWO, bins=8, by=by)  # type: ignore[arg-type]
    assert found is not None
    p, y = held_out.outputs[:, 1], held_out.answers
    observed, predicted = calibration_curve(
        y, p, n_bins=8, strategy="quantile" if by == "quantile" else "uniform"
    )
    assert np.allclose([each.observed for each in found.bins], observed)
    assert np.allclose([each.predicted for each in found.bins], predicted)
    places = np.arange(9) / 8
    edges = np.quantile(p, places) if by == "quantile" else places
    assert np.isclose(found.error, brute_error(p, y == 1, edges))
    assert np.isclose(found.brier, ((p - y) ** 2).mean())
    assert found.subject == "yes"
    assert sum(each.rows for each in found.bins) == found.rows == 1000


def test_of_several_classes_it_is_the_confidence_in_the_class_that_is_said() -> None:
    random = np.random.default_rng(1)
    outputs = random.dirichlet(np.ones(3), 600)
    answers = random.integers(0, 3, 600)
    found = reliability_of(held_out_of(answers, outputs), THREE, bins=5)
    assert found is not None
    assert found.subject is None
    edges = np.quantile(outputs.max(axis=1), np.arange(6) / 5)
    own = brute_error(outputs.max(axis=1), outputs.argmax(axis=1) == answers, edges)
    assert np.isclose(found.error, own)


def test_equal_probabilities_share_a_bin_and_no_bin_is_empty() -> None:
    p = np.repeat([0.1, 0.5, 0.9], [80, 10, 10])
    found = reliability_curve(p, np.zeros(100, bool), bins=10)
    assert [each.rows for each in found.bins] == [80, 10, 10]
    alone = reliability_curve(np.full(7, 0.3), np.array([True] * 2 + [False] * 5))
    assert [(each.rows, each.predicted) for each in alone.bins] == [(7, pytest.approx(0.3))]
    certain = reliability_curve(
        np.array([0.0, 1.0, np.nextafter(1.0, 2)]), np.ones(3, bool), bins=2, by="width"
    )
    assert [each.rows for each in certain.bins] == [1, 2]


def test_few_rows_have_few_bins() -> None:
    for rows, bins in [(5, 1), (40, 2), (100, 5), (5000, 10)]:
        found = reliability_of(two_classes(rows), TWO)
        assert found is not None
        assert len(found.bins) == bins
    assert reliability_of(two_classes(0), TWO) is None


def test_what_chance_alone_makes_is_what_drawing_makes() -> None:
    random = np.random.default_rng(2)
    p = random.beta(0.7, 0.7, 500)
    errors = []
    for _ in range(400):
        errors.append(reliability_curve(p, random.random(500) < p, bins=10).error)
    assert reliability_curve(p, p > 0.5, bins=10).error_by_chance == pytest.approx(
        np.mean(errors), rel=0.05
    )


@pytest.mark.parametrize(("successes", "rows"), [(0, 4), (4, 4), (3, 17), (160, 200)])
def test_intervals_are_those_of_wilson(successes: int, rows: int) -> None:
    own = binomtest(successes, rows).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, rows) == pytest.approx((own.low, own.high), abs=1e-6)


def test_what_it_refuses() -> None:
    number = Target("price", TaskType.NUMBER, "")
    with pytest.raises(ArgumentError, match="price, a number"):
        reliability_of(held_out_of(np.zeros(2), np.zeros((2, 1))), number)
    with pytest.raises(ArgumentError, match="1 or more"):
        reliability_of(two_classes(5), TWO, bins=0)
    with pytest.raises(ArgumentError, match="'width'"):
        reliability_of(two_classes(5), TWO, by="depth")  # type: ignore[arg-type]


def test_it_can_be_written_down() -> None:
    found = reliability_of(two_classes(100), TWO)
    assert found is not None
    assert found.plain()["bins"][0]["rows"] == found.bins[0].rows
