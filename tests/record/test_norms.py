"""Sums of squares against float64, at sizes that float32 can't square."""

import numpy as np
import pytest

from misstep.record.norms import sum_of_squares


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1e-3, 1.0, 1e12, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_squares_neither_vanish_nor_overflow(size, dtype):
    numbers = (size * np.random.default_rng(0).normal(size=500)).astype(dtype)
    with np.errstate(all="ignore"):
        total = sum_of_squares(numbers)
    assert total == pytest.approx((numbers.astype("float64") ** 2).sum(), rel=1e-5)
    assert sum_of_squares(np.zeros(3, dtype)) == 0.0
