"""The exponential function, and the same less one.

x = n · ln 2 + r with n whole and |r| ≤ ½ ln 2, so that e^x = 2^n · e^r (W. Cody and W. Waite,
"Software Manual for the Elementary Functions", 1980). e^r − 1 is a polynomial, accurate relative to
itself also near 0. `short` and `Long` are also what tanh, sigmoid and others are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math import powers_of_e
from misstep.compiler.language.vector_math.evaluation import (
    BIAS,
    EXPONENT_MASK,
    LN2,
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    WHOLE,
    at_least,
    at_most,
    bits_of,
    fast_two_sum,
    polynomial,
    shift_up,
)

# (e^r − 1) / r where |r| ≤ ½ ln 2; relative error of e^r − 1: 2^−32.0.
SHORT = (
    1.0000000000312632,
    0.5000000046679056,
    0.16666666249081458,
    0.04166635432703891,
    0.008333402992118542,
    0.0013941015342390523,
    0.00019841214780906154,
)
# (e^r − 1 − r) / r² where |r| ≤ ½ ln 2; relative error of e^r − 1: 2^−56.2.
LONG = (
    0.5000000000000001,
    0.1666666666666667,
    0.04166666666665229,
    0.008333333333326153,
    0.001388888889559703,
    0.00019841269874764703,
    2.480157453823741e-05,
    2.755725546232946e-06,
    2.7567927102280625e-07,
    2.5105194007043285e-08,
    1.768774118516776e-09,
)

# Further out, e^x rounds to 0 (below half of the least number above 0) or to inf.
FLOAT_LOW, FLOAT_HIGH = -104.0, 89.0
DOUBLE_LOW, DOUBLE_HIGH = -746.0, 710.0
# Further down, e^x − 1 rounds to −1.
MINUS_ONE = -40.0
# Closer to 0, x²/2 is too small to matter beside x.
TINY = 2.0**-54


@dataclass(frozen=True)
class Short:
    """e^x = scale + rise · slope, good enough for a float; scale is 2^n."""

    scale: Number
    rise: Number
    slope: Number

    def plus(self, code: Code, number: float) -> Number:
        """Return e^x + number; for −1 accurate near x = 0 too."""
        base = code.add(self.scale, code.like(number, self.scale)) if number else self.scale
        return code.fma(self.rise, self.slope, base)


def short(code: Code, x: Number) -> Short:
    """Return e^x of doubles x of size up to 700, good enough for a float."""
    bias = code.like(WHOLE + BIAS, x)
    turned = code.fma(x, code.like(LOG2_E, x), bias)
    r = code.fma(code.subtract(turned, bias), code.like(-LN2, x), x)
    scale = code.bits_as(shift_up(code, bits_of(code, turned), 52), "double")
    return Short(scale, code.multiply(scale, r), polynomial(code, r, SHORT))


@dataclass(frozen=True)
class Long:
    """e^x = 2^n · (1 + r + rest), good enough for a double: r + rest is e^r − 1.

    `turned`: a double whose lowest bits hold n and a bias.
    """

    turned: Number
    r: Number
    rest: Number

    def one_and(self, code: Code) -> tuple[Number, Number]:
        """Return 1 + r + rest as a sum of a double and what is too small for it."""
        main, lost = fast_two_sum(code, code.like(1.0, self.r), self.r)
        return fast_two_sum(code, main, code.add(self.rest, lost))


def long(code: Code, x: Number, bias: int, extra: Number | None = None) -> Long:
    """Return e^(x + extra) of doubles x of size up to 800; an extra is smaller than 2^−40.

    `bias`: is added to n where the lowest bits of `turned` hold it.
    """
    around = code.like(WHOLE + bias, x)
    turned = code.fma(x, code.like(LOG2_E, x), around)
    n = code.subtract(turned, around)
    low = code.like(-LN2_LOW, x)
    exact = code.fma(n, code.like(-LN2_HIGH, x), x)
    correction = code.multiply(n, low) if extra is None else code.fma(n, low, extra)
    r, lost = fast_two_sum(code, exact, correction)
    square = code.multiply(r, r)
    return Long(turned, r, code.fma(square, polynomial(code, r, LONG), lost))


def power_of_two(code: Code, turned: Number) -> Number:
    """Return 2^n for n + BIAS in the lowest bits of `turned`."""
    return code.bits_as(shift_up(code, bits_of(code, turned), 52), "double")


def scaled(code: Code, turned: Number, *numbers: Number) -> list[Number]:
    """Return numbers times 2^n for n + 2 · BIAS in the lowest bits of `turned`; |n| up to 1100.

    2^n alone may be too large or too small for a double, so it is multiplied by in two halves: only
    the second product rounds, and only where the result has fewer bits.
    """
    bits = bits_of(code, turned)
    scaled_numbers = list(numbers)
    for whole in (bits, code.add(bits, code.like(1, bits))):  # n/2 rounded down, and up
        half = code.and_(shift_up(code, whole, 51), code.like(EXPONENT_MASK, bits))
        scaled_numbers = [
            code.multiply(number, code.bits_as(half, "double")) for number in scaled_numbers
        ]
    return scaled_numbers


def exp_of_double(code: Code, x: Number, extra: Number | None = None) -> Number:
    """Return e^(x + extra) for any double x; an extra is smaller than 2^−40."""
    parts = long(code, _within_doubles(code, x), 2 * BIAS, extra)
    return scaled(code, parts.turned, parts.one_and(code)[0])[0]


def exp_as_sum(code: Code, x: Number) -> tuple[Number, Number]:
    """Return e^x for any double x as a sum of a double and what is too small for it."""
    parts = long(code, _within_doubles(code, x), 2 * BIAS)
    main, rest = scaled(code, parts.turned, *parts.one_and(code))
    return main, rest


def _within_doubles(code: Code, x: Number) -> Number:
    return at_least(code, at_most(code, x, DOUBLE_HIGH), DOUBLE_LOW)


def exp(code: Code, x: Number) -> Number:
    """Return e^x."""
    if x.llvm_type == "double":
        return exp_of_double(code, x)
    return powers_of_e.exp(code, x)


def expm1(code: Code, x: Number) -> Number:
    """Return e^x − 1."""
    if x.llvm_type == "double":
        return _expm1_of_double(code, x)
    less_one = _of_float(code, x).plus(code, -1)
    # The sum above loses the sign of 0.
    return code.copy_sign(code.convert(less_one, "float"), x)


def _of_float(code: Code, x: Number) -> Short:
    bounded = at_least(code, at_most(code, x, FLOAT_HIGH), FLOAT_LOW)
    return short(code, code.convert(bounded, "double"))


def _expm1_of_double(code: Code, x: Number) -> Number:
    bounded = at_least(code, at_most(code, x, DOUBLE_HIGH), MINUS_ONE)
    # Half of everything, since 2^1024 is too large.
    parts = long(code, bounded, BIAS - 1)
    scale = power_of_two(code, parts.turned)
    # 2^n r + (2^n − 1) is the larger part of the result, the rest rounds on its own.
    larger = code.fma(scale, parts.r, code.subtract(scale, code.like(0.5, x)))
    half = code.fma(scale, parts.rest, larger)
    tiny = code.less(code.absolute(x), code.like(TINY, x))
    return code.select(tiny, code.flushed(x), code.add(half, half))
