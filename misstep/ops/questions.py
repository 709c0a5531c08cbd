"""Questions made of a few comparisons, and numbers held within bounds.

No ops of their own: made of those in `comparison.py`. Shapes broadcast.
"""

from __future__ import annotations

import math

from misstep.ir import Value
from misstep.ops.comparison import (
    equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    where,
)
from misstep.ops.functions import absolute
from misstep.ops.lifting import Operand, as_value, together


def greater(a: Operand, b: Operand) -> Value:
    """Return, entry by entry, whether a > b.

    >>> import misstep as ms
    >>> ms.ops.greater([1.0, 3.0], 2.0)
    [False,  True]
    """
    return less(b, a)


def greater_equal(a: Operand, b: Operand) -> Value:
    """Return, entry by entry, whether a ≥ b.

    >>> import misstep as ms
    >>> ms.ops.greater_equal([1.0, 3.0], 3.0)
    [False,  True]
    """
    return less_equal(b, a)


def not_equal(a: Operand, b: Operand) -> Value:
    """Return, entry by entry, whether a differs from b (NaN from everything).

    >>> import misstep as ms
    >>> ms.ops.not_equal([1.0, 3.0], 3.0)
    [ True, False]
    """
    return logical_not(equal(a, b))


def logical_xor(a: Operand, b: Operand) -> Value:
    """Return, entry by entry, whether one of two truth values holds and not both.

    >>> import misstep as ms
    >>> ms.ops.logical_xor([True, False], True)
    [False,  True]
    """
    first, second = together(a, b)
    return logical_and(logical_or(first, second), logical_not(logical_and(first, second)))


def isnan(x: Operand) -> Value:
    """Return, entry by entry, whether x is no number.

    >>> import misstep as ms
    >>> ms.ops.isnan([1.0, float("nan")])
    [False,  True]
    """
    value = as_value(x)
    return logical_not(equal(value, value))


def isinf(x: Operand) -> Value:
    """Return, entry by entry, whether x is inf or −inf.

    >>> import misstep as ms
    >>> ms.ops.isinf([1.0, float("-inf")])
    [False,  True]
    """
    return equal(absolute(x), math.inf)


def isfinite(x: Operand) -> Value:
    """Return, entry by entry, whether x is a finite number: neither NaN nor infinite.

    >>> import misstep as ms
    >>> ms.ops.isfinite([1.0, float("nan"), float("inf")])
    [ True, False, False]
    """
    return less(absolute(x), math.inf)


def clip(x: Operand, low: Operand | None = None, high: Operand | None = None) -> Value:
    """Return x, but `low` where it is less and `high` where it is more; None is no bound.

    The slope is 1 between the bounds and on them, 0 outside. Where `low` is above `high`, the
    result is `high`, as NumPy has it. NaN stays.

    >>> import misstep as ms
    >>> ms.ops.clip([-2.0, 0.5, 3.0], 0.0, 1.0)
    [0. , 0.5, 1. ]
    """
    value = as_value(x)
    if low is not None:
        value, bound = together(value, low)
        value = where(less(value, bound), bound, value)
    if high is not None:
        value, bound = together(value, high)
        value = where(less(bound, value), bound, value)
    return value
