"""Near copies across a split, against all distances by brute force."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import gamma
from sklearn.datasets import load_digits, load_iris

from misstep.data.near_copies import FARTHER, GROWTH, NEAR, NEIGHBOR, near_copies


@pytest.mark.parametrize("columns", [1, 3, 20])
def test_pairs_are_those_of_brute_force(columns: int) -> None:
    random = np.random.default_rng(columns)
    train = random.normal(size=(300, columns)) * random.uniform(0.1, 100, columns)
    others = random.normal(size=(80, columns)) * train.std(axis=0)
    others[:5] = train[10:15]
    others[5:12] = train[20:27] + 1e-3 * train.std(axis=0) * random.normal(size=(7, columns))
    found = near_copies(train, others)
    scaled, judged = (each / train.std(axis=0) for each in (train, others))
    apart = np.sqrt(((judged[:, None] - scaled[None]) ** 2).sum(axis=2))
    # The rows that are no equal ones tell what is usual.
    rest = np.sort(np.delete(apart, np.s_[:5], axis=0), axis=1)
    growth = np.log(rest[:, FARTHER - 1] / rest[:, NEIGHBOR - 1]).mean()
    shrinking = (gamma.median(1) / gamma.median(NEIGHBOR)) ** (growth / GROWTH)
    usual = np.median(rest[:, NEIGHBOR - 1]) * shrinking
    expected = np.flatnonzero(apart.min(axis=1) <= NEAR * usual)
    assert found.rows.tolist() == expected.tolist()
    assert found.twins.tolist() == apart.argmin(axis=1)[expected].tolist()
    np.testing.assert_allclose(
        found.distances, apart.min(axis=1)[expected] / usual, rtol=1e-3, atol=1e-7
    )
    assert found.exact == 5
    assert found.near_examined


@pytest.mark.parametrize(("columns", "dimensions"), [(1, 1), (2, 2), (4, 4)])
def test_chance_is_counted_by_the_dimensions(columns: int, dimensions: int) -> None:
    random = np.random.default_rng(0)
    train, others = random.uniform(size=(2000, columns)), random.uniform(size=(1000, columns))
    found = near_copies(train, others)
    assert found.dimensions == pytest.approx(dimensions, rel=0.25)
    assert found.near == pytest.approx(found.by_chance, abs=3 * np.sqrt(found.by_chance) + 3)


@pytest.mark.parametrize("load", [load_iris, load_digits])
def test_real_rows_have_no_more_near_ones_than_chance(load: object) -> None:
    x = load(return_X_y=True)[0]  # type: ignore[operator]
    order = np.random.default_rng(0).permutation(len(x))
    found = near_copies(x[order[30:]], x[order[:30]])
    assert found.near <= 1 + found.by_chance


def test_a_hundred_thousand_rows_take_seconds() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(100_000, 14))
    x[:, 5:] = np.round(x[:, 5:])
    x[90_000:90_050] = x[:50] + 1e-5
    began = time.process_time()
    found = near_copies(x[:90_000], x[90_000:])
    assert time.process_time() - began < 8
    assert set(range(50)) <= set(found.rows.tolist())


def test_noisy_copies_of_most_rows_are_still_copies() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 6))
    others = np.concatenate([x[:80] + 1e-3 * random.normal(size=(80, 6)), x[:20] + 3])
    found = near_copies(x, others)
    assert found.rows.tolist() == list(range(80))
    assert found.twins.tolist() == list(range(80))
    assert found.by_chance < 1


def test_few_values_and_single_rows() -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 2, (400, 3)).astype(float)
    found = near_copies(x[:300], x[300:])
    assert found.exact == 100
    alone = near_copies(np.array([[1.0]]), np.array([[1.0], [2.0]]))
    assert (alone.exact, alone.near_examined) == (1, False)
    missing = near_copies(np.array([[np.nan], [1.0], [2.0]]), np.array([[1.5]]))
    assert not missing.near_examined
