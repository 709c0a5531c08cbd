"""a to the power of b, by way of ln |a|.

The product b · ln |a| may be as large as 745, and its error is the relative error of the result, so
for doubles ln |a| is worked out as a sum of two doubles (T. Dekker, "A floating-point technique for
extending the available precision", 1971). The limits are those of C's pow (ISO C, annex F.10.4.4).
"""

from __future__ import annotations

import math

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import (
    LN2_HIGH,
    LN2_LOW,
    at_least,
    at_most,
    fast_two_sum,
    polynomial,
    two_product,
)
from misstep.compiler.language.vector_math.exponentials import (
    DOUBLE_HIGH,
    DOUBLE_LOW,
    FLOAT_HIGH,
    FLOAT_LOW,
    exp_of_double,
    short,
)
from misstep.compiler.language.vector_math.logarithms import log_of_parts, split

# artanh(s)/s = 1 + s²/3 + s⁴ P(s²), |s| ≤ 0.1716; relative error: 2^−66.3.
ARTANH = (
    0.1999999999999999,
    0.14285714285722562,
    0.11111111108766927,
    0.0909090943531917,
    0.07692278424321089,
    0.06668159145008257,
    0.05837400306222311,
    0.05994581932218867,
)
# 1/3 as a sum of two doubles.
THIRD = (0.3333333333333333, 1.850371707708594e-17)


def power(code: Code, a: Number, b: Number) -> Number:
    """Return a to the power of b."""
    size = code.absolute(a)
    result = _of_doubles(code, size, b) if a.llvm_type == "double" else _of_floats(code, size, b)
    return _with_limits(code, a, size, b, result)


def _of_floats(code: Code, size: Number, b: Number) -> Number:
    wide, exponent = code.convert(size, "double"), code.convert(b, "double")
    parts = split(code, wide)
    logarithm = _log_with_ends(code, wide, log_of_parts(code, parts.n, parts.f))
    product = code.multiply(exponent, logarithm)
    bounded = at_least(code, at_most(code, product, FLOAT_HIGH), FLOAT_LOW)
    return code.convert(short(code, bounded).plus(code, 0), "float")


def _of_doubles(code: Code, size: Number, b: Number) -> Number:
    main, rest = _logarithm(code, size)
    main = _log_with_ends(code, size, main)
    product, lost = two_product(code, b, main)
    lost = code.fma(b, rest, lost)
    # Where the result is 0 or inf the rest may be no number.
    bounded = at_least(code, at_most(code, product, DOUBLE_HIGH), DOUBLE_LOW)
    inside = code.equal(bounded, product)
    return exp_of_double(code, bounded, code.select(inside, lost, code.like(0.0, lost)))


def _log_with_ends(code: Code, x: Number, result: Number) -> Number:
    """Return ln x, given it for what lies between 0 and inf; NaN stays."""
    result = code.select(code.less(x, code.like(math.inf, x)), result, x)
    zero = code.equal(x, code.like(0.0, x))
    return code.select(zero, code.like(-math.inf, x), result)


def _logarithm(code: Code, x: Number) -> tuple[Number, Number]:
    """Return ln x as a sum, with a relative error of 2^−64, where 0 < x < inf."""
    parts = split(code, x)
    one, f = code.like(1.0, x), parts.f
    # s = f / (2 + f), as a sum; 2 + f is m + 1 and may lose a bit.
    m = code.add(f, one)
    below = code.add(m, one)
    below_rest = code.subtract(m, code.subtract(below, one))
    inverse = code.divide(one, below)
    s = code.multiply(f, inverse)
    left = code.fma(code.negate(s), below_rest, code.fma(code.negate(s), below, f))
    s_rest = code.multiply(left, inverse)
    # s² as a sum.
    square, square_rest = two_product(code, s, s)
    square_rest = code.fma(code.add(s, s), s_rest, square_rest)
    # artanh(s)/s − 1 = s² · (1/3 + s² P(s²)) as a sum.
    further = code.multiply(square, polynomial(code, square, ARTANH))
    third, third_rest = fast_two_sum(code, code.like(THIRD[0], x), further)
    third_rest = code.add(third_rest, code.like(THIRD[1], x))
    slope, slope_rest = two_product(code, square, third)
    slope_rest = code.fma(square_rest, third, code.fma(square, third_rest, slope_rest))
    # artanh(s) = s + s · slope, as a sum.
    rise, rise_rest = two_product(code, s, slope)
    rise_rest = code.fma(s, slope_rest, code.fma(s_rest, slope, rise_rest))
    half, lost = fast_two_sum(code, s, rise)
    half_rest = code.add(code.add(lost, rise_rest), s_rest)
    # ln x = n · ln 2 + 2 artanh(s)
    turns = code.multiply(parts.n, code.like(LN2_HIGH, x))
    main, lost = fast_two_sum(code, turns, code.add(half, half))
    rest = code.fma(parts.n, code.like(LN2_LOW, x), code.add(half_rest, half_rest))
    return fast_two_sum(code, main, code.add(lost, rest))


def _with_limits(code: Code, a: Number, size: Number, b: Number, result: Number) -> Number:
    """Return |a|^b with its sign, and what no logarithm says."""
    zero, one = code.like(0.0, a), code.like(1.0, a)
    whole = code.equal(code.round_even(b), b)
    half = code.multiply(b, code.like(0.5, b))
    odd = code.and_(whole, code.not_(code.equal(code.round_even(half), half)))
    always_one = code.or_(code.equal(b, zero), code.equal(size, one))
    result = code.select(always_one, one, result)
    # (−1)^b is one for an infinite b, −1 for an odd one, and otherwise no number, as of any a < 0.
    signed = code.copy_sign(result, a)
    result = code.select(odd, signed, result)
    below = code.and_(code.less(a, zero), code.less(size, code.like(math.inf, a)))
    broken = code.and_(below, code.not_(whole))
    result = code.select(broken, code.like(math.nan, a), result)
    # 1^b and a^0 are 1 even for NaN.
    always_one = code.or_(code.equal(b, zero), code.equal(a, one))
    return code.select(always_one, one, result)
