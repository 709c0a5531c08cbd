"""Angles from their sine, cosine and tangent.

Each is a polynomial near 0. Further out, asin and acos go by the half angle, asin x = π/2 −
2 asin √((1 − x)/2), and atan by the difference from an angle whose tangent is 1 or infinite (W.
Cody and W. Waite, "Software Manual for the Elementary Functions", 1980). Floats are worked out in
double and rounded once.
"""

from __future__ import annotations

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import (
    fast_two_sum,
    long_polynomial,
    polynomial,
)

# (asin(x) − x) / x³ in terms of x², |x| ≤ ½; relative error of asin: 2^−55.7.
ASIN = (
    0.16666666666665408,
    0.07500000000336982,
    0.044642856828352534,
    0.0303819591360578,
    0.022371758070587177,
    0.017359704477099905,
    0.013885238176088586,
    0.012169194358050807,
    0.006528048416228418,
    0.019528068582775445,
    -0.01622394911896966,
    0.03191206466180187,
)
# (atan(x) − x) / x³ in terms of x², |x| ≤ ½; relative error of atan: 2^−57.5.
ATAN = (
    -0.3333333333333298,
    0.1999999999990316,
    -0.14285714276389855,
    0.11111110659793816,
    -0.09090896248343598,
    0.07692073964537048,
    -0.06663811108771184,
    0.05858302016860995,
    -0.05122018700678686,
    0.04186538396828733,
    -0.027435466518677426,
    0.0101171906758769,
)
NEAR = 0.5
# tan(3π/8): further out, the tangent of the rest of a right angle is the smaller number.
FAR_TANGENT = 2.414213562373095
# π/2 as a sum of two doubles; halves and doubles of it are exact.
RIGHT_ANGLE = (1.5707963267948966, 6.123233995736766e-17)


def asin(code: Code, x: Number) -> Number:
    """Return the angle in radians from −π/2 to π/2 whose sine is x; NaN beyond −1 and 1."""
    if x.llvm_type != "double":
        return code.convert(asin(code, code.convert(x, "double")), "float")
    near, main, rest = _asin_parts(code, code.absolute(x))
    twice, twice_rest = (code.add(part, part) for part in (main, rest))
    far, lost = fast_two_sum(code, code.like(RIGHT_ANGLE[0], x), code.negate(twice))
    lost = code.add(lost, code.subtract(code.like(RIGHT_ANGLE[1], x), twice_rest))
    size = code.select(near, code.add(main, rest), code.add(far, lost))
    return code.copy_sign(size, x)


def acos(code: Code, x: Number) -> Number:
    """Return the angle in radians from 0 to π whose cosine is x; NaN beyond −1 and 1."""
    if x.llvm_type != "double":
        return code.convert(acos(code, code.convert(x, "double")), "float")
    near, main, rest = _asin_parts(code, code.absolute(x))
    # π/2 − asin x near 0; else π − 2 asin … of a negative number, 2 asin … of another.
    zero = code.like(0.0, x)
    below = code.less(x, zero)
    base, base_rest = (
        code.select(near, code.like(part, x), code.select(below, code.like(part + part, x), zero))
        for part in RIGHT_ANGLE
    )
    taken, taken_rest = (
        code.select(near, code.copy_sign(part, x), code.add(part, part)) for part in (main, rest)
    )
    # The rest has the sign of the main part: both are of one odd function.
    turned = code.not_(code.or_(near, below))
    taken, taken_rest = (
        code.select(turned, code.negate(part), part) for part in (taken, taken_rest)
    )
    total, lost = fast_two_sum(code, base, code.negate(taken))
    return code.add(total, code.add(lost, code.subtract(base_rest, taken_rest)))


def _asin_parts(code: Code, size: Number) -> tuple[Number, Number, Number]:
    """Return whether 0 ≤ size < ½, and asin of it or else of √((1 − size)/2), as a sum."""
    near = code.less(size, code.like(NEAR, size))
    half, zero = code.like(0.5, size), code.like(0.0, size)
    left = code.multiply(code.subtract(code.like(1.0, size), size), half)
    square = code.select(near, code.multiply(size, size), left)
    root = code.sqrt(left)
    # What the root's rounding left out; at 1 there is no root to divide by.
    twice = code.add(root, root)
    below = code.select(code.equal(root, zero), code.like(1.0, size), twice)
    root_rest = code.divide(code.fma(code.negate(root), root, left), below)
    main = code.select(near, size, root)
    rise = code.multiply(square, long_polynomial(code, square, ASIN))
    return near, main, code.fma(main, rise, code.select(near, zero, root_rest))


def atan(code: Code, x: Number) -> Number:
    """Return the angle in radians from −π/2 to π/2 whose tangent is x."""
    if x.llvm_type != "double":
        return code.convert(atan(code, code.convert(x, "double")), "float")
    size, one, zero = code.absolute(x), code.like(1.0, x), code.like(0.0, x)
    near = code.less(size, code.like(NEAR, x))
    far = code.less(code.like(FAR_TANGENT, x), size)
    above = code.select(near, size, code.select(far, code.negate(one), code.subtract(size, one)))
    below = code.select(near, one, code.select(far, size, code.add(size, one)))
    ratio = code.divide(above, below)
    base, base_rest = (
        code.select(near, zero, code.select(far, code.like(part, x), code.like(part / 2, x)))
        for part in RIGHT_ANGLE
    )
    square = code.multiply(ratio, ratio)
    rise = code.multiply(square, polynomial(code, square, ATAN))
    tail = code.fma(ratio, rise, base_rest)
    result = code.add(base, code.add(ratio, tail))
    return code.copy_sign(result, x)
