"""Shares that add up: games whose values are known, exact and by drawn orders."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from misstep.modeling.shapley import effects


def game(parts: int) -> Any:
    """Return a value with effects alone, and two parts that do something only together."""
    weights = np.arange(1.0, parts + 1)

    def value(kept: Any) -> Any:
        both = kept[:, 0] & kept[:, 1]
        return np.column_stack([kept @ weights + 10.0 * both, kept.sum(axis=1) ** 2.0])

    return value


@pytest.mark.parametrize("parts", [2, 5, 10, 14])
def test_the_shares_of_a_known_game(parts: int) -> None:
    found = effects(game(parts), parts, budget=4000)
    expected = np.arange(1.0, parts + 1)
    expected[:2] += 5.0
    assert found.orders == (0 if parts <= 10 else 4000 // parts // 2 * 2)
    # A part and its order reversed: where two act together, one pair of orders is exact.
    np.testing.assert_allclose(found.shares[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(found.shares[:, 1], parts, rtol=1e-9)
    alone = np.arange(1.0, parts + 1)
    alone[:2] += 10.0
    np.testing.assert_allclose(found.alone[:, 0], alone)
    np.testing.assert_allclose(found.shares.sum(axis=0), found.whole - found.empty)


def any_value(kept: Any) -> Any:
    """Return a value in which everything acts with everything."""
    numbers = kept @ (2.0 ** np.arange(kept.shape[1]))
    return np.sin(numbers * 1.7)[:, np.newaxis]


def test_all_selections_are_all_orders() -> None:
    found = effects(any_value, 4, budget=100)
    shares = np.zeros(4)
    for order in permutations(range(4)):
        kept = np.zeros((5, 4), bool)
        for step, part in enumerate(order):
            kept[step + 1 :, part] = True
        values = any_value(kept)[:, 0]
        shares[list(order)] += np.diff(values) / 24
    np.testing.assert_allclose(found.shares[:, 0], shares, atol=1e-12)


def test_drawn_orders_are_near_and_say_how_near() -> None:
    parts = 11
    few = effects(any_value, parts, budget=50 * parts)
    many = effects(any_value, parts, budget=400 * parts)
    assert (few.orders, many.orders) == (50, 400)
    gap = np.abs(few.shares - many.shares)[:, 0]
    assert (gap < 5 * (few.errors + many.errors)[:, 0]).all()
    assert (many.errors < few.errors).mean() > 0.8
    again = effects(any_value, parts, budget=50 * parts)
    assert np.array_equal(few.shares, again.shares)


def test_one_part_and_one_pair_of_orders() -> None:
    assert effects(any_value, 1, budget=1).shares.shape == (1, 1)
    lonely = effects(game(12), 12, budget=1)
    assert lonely.orders == 2
    assert np.isnan(lonely.errors).all()
