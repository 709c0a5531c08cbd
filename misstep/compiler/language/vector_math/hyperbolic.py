"""Hyperbolic sine and cosine, and the inverses of the hyperbolic functions.

Sine and cosine are half of e^|x| less or plus half of e^−|x|, each as a sum of two doubles; the
sine near 0 is a polynomial. The inverses are ln(1 + v), with v as a sum of two doubles: so that
they keep their digits near 0 (W. Kahan, "Branch cuts for complex elementary functions", 1987).
Floats are worked out in double and rounded once.
"""

from __future__ import annotations

import math

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import (
    BIAS,
    at_most,
    fast_two_sum,
    long_polynomial,
    two_product,
    two_sum,
)
from misstep.compiler.language.vector_math.exponentials import long, scaled
from misstep.compiler.language.vector_math.logarithms import log1p_of_sum

# (sinh(x) − x) / x³ in terms of x², |x| ≤ 1; relative error of sinh: 2^−56.3.
SINH = (
    0.16666666666666669,
    0.008333333333333172,
    0.00019841269841425741,
    2.7557319156620685e-06,
    2.5052123484063326e-08,
    1.6057216854256155e-10,
    7.760411552182622e-13,
)
# Further out, half of e^x is inf (beyond 710.48).
LARGEST = 712.0
# Further out, √(x² ± 1) is x, and x² may be too large for a double.
FAR = 2.0**28


def _halves(code: Code, size: Number) -> tuple[Number, Number, Number]:
    """Return half of e^size, what is too small for it, and half of e^−size."""
    parts = long(code, at_most(code, size, LARGEST), 2 * BIAS - 1)
    main, rest = scaled(code, parts.turned, *parts.one_and(code))
    return main, rest, code.divide(code.like(0.25, size), main)


def sinh(code: Code, x: Number) -> Number:
    """Return (e^x − e^−x) / 2."""
    if x.llvm_type != "double":
        return code.convert(sinh(code, code.convert(x, "double")), "float")
    size = code.absolute(x)
    square = code.multiply(size, size)
    near = code.fma(code.multiply(size, square), long_polynomial(code, square, SINH), size)
    main, rest, inverse = _halves(code, size)
    far = code.add(main, code.subtract(rest, inverse))
    return code.copy_sign(code.select(code.less(size, code.like(1.0, x)), near, far), x)


def cosh(code: Code, x: Number) -> Number:
    """Return (e^x + e^−x) / 2."""
    if x.llvm_type != "double":
        return code.convert(cosh(code, code.convert(x, "double")), "float")
    main, rest, inverse = _halves(code, code.absolute(x))
    return code.add(main, code.add(rest, inverse))


def asinh(code: Code, x: Number) -> Number:
    """Return the number whose hyperbolic sine is x."""
    if x.llvm_type != "double":
        return code.convert(asinh(code, code.convert(x, "double")), "float")
    size, one, zero = code.absolute(x), code.like(1.0, x), code.like(0.0, x)
    far = code.less(code.like(FAR, x), size)
    some = at_most(code, size, FAR)
    # x + √(x² + 1) = 1 + x + x² / (1 + √(x² + 1))
    square = code.multiply(some, some)
    further = code.divide(square, code.add(one, code.sqrt(code.add(one, square))))
    main, rest = fast_two_sum(code, some, further)
    # Far out, ln 2x: one more is taken away again.
    less = code.like(-1.0, x)
    main, rest = code.select(far, size, main), code.select(far, less, rest)
    result = log1p_of_sum(code, main, rest, code.select(far, one, zero))
    return code.copy_sign(_or_infinite(code, size, result), x)


def acosh(code: Code, x: Number) -> Number:
    """Return the number from 0 on whose hyperbolic cosine is x; NaN below 1."""
    if x.llvm_type != "double":
        return code.convert(acosh(code, code.convert(x, "double")), "float")
    one, zero = code.like(1.0, x), code.like(0.0, x)
    far = code.less(code.like(FAR, x), x)
    # x + √(x² − 1) = 1 + t + √(t · (t + 2)), t = x − 1
    t = code.subtract(at_most(code, x, FAR), one)
    two_more, lost = two_sum(code, t, code.like(2.0, x))
    square, square_rest = two_product(code, t, two_more)
    root = code.sqrt(square)
    below = code.select(code.equal(root, zero), one, code.add(root, root))
    left = code.fma(code.negate(root), root, square)
    left = code.add(left, code.fma(t, lost, square_rest))
    main, rest = fast_two_sum(code, root, t)
    rest = code.add(rest, code.divide(left, below))
    less = code.like(-1.0, x)
    main, rest = code.select(far, x, main), code.select(far, less, rest)
    result = log1p_of_sum(code, main, rest, code.select(far, one, zero))
    result = _or_infinite(code, x, result)
    return code.select(code.less(x, one), code.like(math.nan, x), result)


def atanh(code: Code, x: Number) -> Number:
    """Return the number whose hyperbolic tangent is x; NaN beyond −1 and 1."""
    if x.llvm_type != "double":
        return code.convert(atanh(code, code.convert(x, "double")), "float")
    size, one = code.absolute(x), code.like(1.0, x)
    # (1 + x) / (1 − x) = 1 + 2x / (1 − x)
    below, lost = fast_two_sum(code, one, code.negate(size))
    twice = code.add(size, size)
    main = code.divide(twice, below)
    left = code.fma(code.negate(main), below, twice)
    rest = code.divide(code.fma(code.negate(main), lost, left), below)
    result = log1p_of_sum(code, main, rest, code.like(0.0, x))
    half = code.multiply(result, code.like(0.5, x))
    half = code.select(code.equal(size, one), code.like(math.inf, x), half)
    half = code.select(code.less(one, size), code.like(math.nan, x), half)
    return code.copy_sign(half, x)


def _or_infinite(code: Code, x: Number, result: Number) -> Number:
    """Return the result, but inf of inf and NaN of NaN."""
    return code.select(code.less(x, code.like(math.inf, x)), result, x)
