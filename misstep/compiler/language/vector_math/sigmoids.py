"""Sigmoid, hyperbolic tangent and softplus: what networks bend numbers with, from e^x.

None raises e to a large power, so nothing overflows on the way.
"""

from __future__ import annotations

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math import powers_of_e
from misstep.compiler.language.vector_math.evaluation import (
    BIAS,
    at_least,
    at_most,
    fast_two_sum,
    long_polynomial,
    polynomial,
)
from misstep.compiler.language.vector_math.exponentials import exp_as_sum, long, power_of_two, short
from misstep.compiler.language.vector_math.logarithms import log_of_parts

# ln(1 + y) / y where 0 ≤ y ≤ 1; relative error: 2^−33.0.
SOFTPLUS_SHORT = (
    0.999999999882058,
    -0.49999996501110744,
    0.33333160248812976,
    -0.24996613460233172,
    0.19965303716369587,
    -0.16452876811618788,
    0.13426548931300208,
    -0.10124376952694786,
    0.0640078605049264,
    -0.030172534737881736,
    0.009080962782184957,
    -0.0012805996613463305,
)
# (tanh(x) − x) / x³ in terms of x², |x| ≤ 0.5502; relative error of tanh: 2^−29.0.
TANH_SHORT = (
    -0.33333320648341247,
    0.13332619949975386,
    -0.053851214283418734,
    0.021054391912951522,
    -0.006237206868951401,
)
# (tanh(x) − x) / x³ in terms of x², |x| ≤ 0.5502; relative error of tanh: 2^−56.8.
TANH_LONG = (
    -0.33333333333333315,
    0.13333333333328962,
    -0.05396825396477431,
    0.021869488407059247,
    -0.008863232845662934,
    0.003592093643977376,
    -0.0014555486770397171,
    0.0005884527428266934,
    -0.00023336865190605002,
    8.325639106309745e-05,
    -1.9435529168961694e-05,
)
# ln(3)/2: where tanh is ½.
TANH_HALF = 0.5493061443340549
# Further out, the results round to 0, 1 or x.
FLOAT_SIGMOID, FLOAT_TANH, FLOAT_SOFTPLUS = 104.0, 9.5, -104.0
DOUBLE_TANH = 20.0
ROOT_TWO_LESS_ONE = 0.41421356237309503


def sigmoid(code: Code, x: Number) -> Number:
    """Return 1 / (1 + e^−x)."""
    if x.llvm_type == "double":
        return _sigmoid_of_double(code, x)
    one = code.like(1.0, x)
    size = at_most(code, code.absolute(x), FLOAT_SIGMOID)
    small = powers_of_e.power(code, code.negate(size))
    below, lost = fast_two_sum(code, one, small)
    right = code.less(code.like(0.0, x), x)
    above = code.select(right, one, small)
    quotient = code.divide(above, below)
    # What is left of the numerator after quotient · denominator, divided by the denominator.
    left = code.fma(code.negate(quotient), below, above)
    left = code.fma(code.negate(quotient), lost, left)
    inverse = code.select(right, quotient, code.subtract(one, quotient))
    return code.fma(left, inverse, quotient)


def _sigmoid_of_double(code: Code, x: Number) -> Number:
    """Return 1 / (1 + e^−x) or e^x / (1 + e^x), whichever has a small power."""
    one = code.like(1.0, x)
    small, small_rest = exp_as_sum(code, code.negate(code.absolute(x)))
    below, lost = fast_two_sum(code, one, small)
    right = code.less(code.like(0.0, x), x)
    above = code.select(right, one, small)
    above_rest = code.select(right, code.like(0.0, x), small_rest)
    quotient = code.divide(above, below)
    # What is left of the numerator after quotient · denominator, divided by the denominator.
    left = code.fma(code.negate(quotient), below, above)
    left = code.add(left, above_rest)
    left = code.fma(code.negate(quotient), code.add(lost, small_rest), left)
    inverse = code.select(right, quotient, code.subtract(one, quotient))
    return code.fma(left, inverse, quotient)


def tanh(code: Code, x: Number) -> Number:
    """Return the hyperbolic tangent of x."""
    size = code.absolute(x)
    if x.llvm_type == "double":
        return code.copy_sign(_tanh_of_positive(code, size), x)
    return code.copy_sign(_tanh_of_positive_float(code, size), x)


def _tanh_of_positive_float(code: Code, x: Number) -> Number:
    square, bounded = code.multiply(x, x), at_most(code, x, FLOAT_TANH)
    near = code.fma(code.multiply(x, square), polynomial(code, square, TANH_SHORT), x)
    twice = powers_of_e.parts(code, code.add(bounded, bounded), powers_of_e.BIAS)
    scale, one = twice.power_of_two(code), code.like(1.0, x)
    below = code.fma(scale, twice.rise, code.add(scale, one))
    far = code.subtract(one, code.divide(code.like(2.0, x), below))
    return code.select(code.less(x, code.like(TANH_HALF, x)), near, far)


def _tanh_of_positive(code: Code, x: Number) -> Number:
    bounded = at_most(code, x, DOUBLE_TANH)
    square = code.multiply(x, x)
    near = code.fma(code.multiply(x, square), polynomial(code, square, TANH_LONG), x)
    parts = long(code, code.add(bounded, bounded), BIAS)
    scale, one = power_of_two(code, parts.turned), code.like(1.0, x)
    below = code.fma(scale, code.add(parts.r, parts.rest), code.add(scale, one))
    far = code.subtract(one, code.divide(code.like(2.0, x), below))
    return code.select(code.less(x, code.like(TANH_HALF, x)), near, far)


def softplus(code: Code, x: Number) -> Number:
    """Return ln(1 + e^x), as max(x, 0) + ln(1 + e^−|x|)."""
    zero = code.like(0.0, x)
    above = code.select(code.less(x, zero), zero, x)
    down = code.negate(code.absolute(x))
    if x.llvm_type == "double":
        return code.add(above, _log_of_one_and(code, *exp_as_sum(code, down)))
    small = short(code, code.convert(at_least(code, down, FLOAT_SOFTPLUS), "double")).plus(code, 0)
    slope = long_polynomial(code, small, SOFTPLUS_SHORT)
    return code.convert(code.fma(small, slope, code.convert(above, "double")), "float")


def _log_of_one_and(code: Code, y: Number, rest: Number) -> Number:
    """Return ln(1 + y + rest) where 0 ≤ y ≤ 1."""
    one, zero = code.like(1.0, y), code.like(0.0, y)
    near = code.less(y, code.like(ROOT_TWO_LESS_ONE, y))
    # 1 + y = 2 · (1 + (y − 1)/2)
    halved = code.multiply(code.subtract(y, one), code.like(0.5, y))
    slope = code.divide(one, code.add(one, y))
    return log_of_parts(
        code, code.select(near, zero, one), code.select(near, y, halved), code.multiply(rest, slope)
    )
