"""Rounding to bfloat16: the nearest of all 65,536 numbers, and a product whose gradients round."""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, make_input
from misstep.ops.precision import rounded_product, rounded_to_bfloat16

RANDOM = np.random.default_rng(0)


def all_bfloat16() -> Array:
    """Return every finite bfloat16 of 0 or more, smallest first."""
    return (np.arange(0x7F80, dtype=np.uint32) << 16).view(np.float32)


def nearest(x: Array) -> Array:
    """Return the nearest bfloat16 of finite numbers of 0 or more, by comparing distances."""
    table = np.append(all_bfloat16().astype("float64"), 2.0**128)
    above = np.searchsorted(table, x.astype("float64")).clip(1)
    low, high = x - table[above - 1], table[above] - x
    up = (high < low) | ((high == low) & (above % 2 == 0))
    rounded = table[np.where(up, above, above - 1)]
    return np.where(rounded >= 2.0**128, np.inf, rounded)


def test_it_is_the_nearest_and_the_even_one_at_a_tie() -> None:
    bits = RANDOM.integers(0, 0x7F800000, 20_000, dtype=np.uint32)
    ties = (RANDOM.integers(0, 0x7F80, 2_000, dtype=np.uint32) << 16) | 0x8000
    x = np.concatenate([bits, ties, [0x7F7FFFFF, 0x7F7F8000, 0x7F7F7FFF, 0, 1]]).astype(np.uint32)
    numbers = x.view(np.float32)
    wanted = nearest(numbers)
    np.testing.assert_array_equal(rounded_to_bfloat16(numbers), wanted)
    np.testing.assert_array_equal(rounded_to_bfloat16(-numbers), -wanted)
    np.testing.assert_array_equal(rounded_to_bfloat16(all_bfloat16()), all_bfloat16())


def test_what_is_no_number_stays_so_whatever_its_bits() -> None:
    odd = np.array([0x7F800001, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF], np.uint32).view(np.float32)
    assert np.isnan(rounded_to_bfloat16(odd)).all()
    np.testing.assert_array_equal(
        rounded_to_bfloat16(np.float32([np.inf, -np.inf])), [np.inf, -np.inf]
    )


def test_a_product_and_its_gradients_take_rounded_operands() -> None:
    a, b, u = (RANDOM.normal(size=shape).astype("float32") for shape in ((3, 5), (5, 4), (3, 4)))
    leaves = [
        make_input(name, one.shape, "float32") for name, one in zip("abu", (a, b, u), strict=True)
    ]
    y = rounded_product(leaves[0], leaves[1])
    da, db = gradient(ops.sum(y * leaves[2]), leaves[:2])
    found = Interpreter(Graph({"y": y, "da": da, "db": db}, leaves)).run({"a": a, "b": b, "u": u})
    ra, rb, ru = (rounded_to_bfloat16(one) for one in (a, b, u))
    np.testing.assert_array_equal(found["y"], ra @ rb)
    np.testing.assert_array_equal(found["da"], ru @ rb.T)
    np.testing.assert_array_equal(found["db"], ra.T @ ru)
