"""The natural logarithm, and that of one more.

x = 2^n · (1 + f) with √½ ≤ 1 + f < √2, so that ln x = n · ln 2 + ln(1 + f). For floats ln(1 + f) is
f times a polynomial; for doubles it is 2 artanh(s) with s = f / (2 + f), whose series needs few
terms (K. Ng, in "fdlibm", Sun Microsystems, 1993, from which the order of the last sum is taken).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import (
    BIAS,
    EXPONENT_MASK,
    LN2,
    LN2_HIGH,
    LN2_LOW,
    MANTISSA_MASK,
    bits_of,
    long_polynomial,
    polynomial,
    shift_down,
)

# ln(1 + f) / f where √½ ≤ 1 + f ≤ √2; relative error: 2^−33.2.
SHORT = (
    1.000000000034891,
    -0.500000003305982,
    0.3333333151541938,
    -0.24999933477111996,
    0.2000011333138054,
    -0.16670479076898295,
    0.14285504398777266,
    -0.12410588841251591,
    0.11021139615485956,
    -0.10881178556497186,
    0.10733919415993014,
    -0.05985064041324815,
)
# (2 artanh(s)/s − 2) / s² in terms of s², |s| ≤ 0.1716; relative error of artanh: 2^−58.4.
LONG = (
    0.6666666666666711,
    0.39999999999516855,
    0.28571428729756804,
    0.22222199055699618,
    0.18183572849866605,
    0.1531314125502064,
    0.1481066913031056,
)

ONE_BITS = 0x3FF0000000000000
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


@dataclass(frozen=True)
class Split:
    """x = 2^n · (1 + f). `above`: the bits of x moved up so that they begin with n + BIAS."""

    n: Number
    f: Number
    above: Number


def split(code: Code, x: Number) -> Split:
    """Return the parts of positive doubles that are not subnormal."""
    bits = bits_of(code, x)
    above = code.add(bits, code.like(ONE_BITS - ROOT_HALF_BITS, bits))
    # The exponent becomes a number by standing in the lowest bits of 2^52.
    counted = code.or_(shift_down(code, above, 52), code.like(0x4330000000000000, bits))
    n = code.subtract(code.bits_as(counted, "double"), code.like(2.0**52 + BIAS, x))
    rest = code.and_(above, code.like(MANTISSA_MASK, above))
    mantissa = code.bits_as(code.add(rest, code.like(ROOT_HALF_BITS, rest)), "double")
    return Split(n, code.subtract(mantissa, code.like(1.0, x)), above)


def log_of_parts(code: Code, n: Number, f: Number, extra: Number | None = None) -> Number:
    """Return n · ln 2 + ln(1 + f) + extra as a double, an extra being below the last bit of f."""
    s = code.divide(f, code.add(code.like(2.0, f), f))
    square = code.multiply(s, s)
    half = code.multiply(code.multiply(f, code.like(0.5, f)), f)
    # ln(1 + f) = f − (f²/2 − s · (f²/2 + s² · P(s²)))
    inner = code.fma(square, polynomial(code, square, LONG), half)
    low = code.multiply(n, code.like(LN2_LOW, n))
    if extra is not None:
        low = code.add(low, extra)
    tail = code.subtract(half, code.fma(s, inner, low))
    return code.fma(n, code.like(LN2_HIGH, n), code.subtract(f, tail))


def with_limits(code: Code, x: Number, least: float, result: Number) -> Number:
    """Return a logarithm that is −inf at `least`, NaN below, and inf at inf."""
    result = code.select(code.less(x, code.like(math.inf, x)), result, x)  # NaN stays
    end = code.like(least, x)
    result = code.select(code.equal(x, end), code.like(-math.inf, x), result)
    return code.select(code.less(x, end), code.like(math.nan, x), result)


def log(code: Code, x: Number) -> Number:
    """Return ln x."""
    if x.llvm_type == "double":
        parts = split(code, x)
        return with_limits(code, x, 0.0, log_of_parts(code, parts.n, parts.f))
    return with_limits(
        code, x, 0.0, code.convert(_short_log(code, code.convert(x, "double")), "float")
    )


def _short_log(code: Code, x: Number, same: Number | None = None) -> Number:
    """Return ln x good enough for a float; where x is near 1, `same` is x − 1 more exactly."""
    parts = split(code, x)
    f = parts.f
    if same is not None:
        f = code.select(code.equal(parts.n, code.like(0.0, x)), same, f)
    return code.fma(parts.n, code.like(LN2, x), code.multiply(f, long_polynomial(code, f, SHORT)))


def log1p(code: Code, x: Number) -> Number:
    """Return ln(1 + x)."""
    if x.llvm_type == "double":
        result = _log1p_of_double(code, x)
    else:
        wide = code.convert(x, "double")
        one_more = code.add(wide, code.like(1.0, wide))
        result = code.convert(_short_log(code, one_more, wide), "float")
    # It has the sign of x, which sums lose where x is 0.
    return code.copy_sign(with_limits(code, x, -1.0, result), x)


def _log1p_of_double(code: Code, x: Number) -> Number:
    zero = code.like(0.0, x)
    one_more, lost = _one_more(code, x)
    parts = split(code, one_more)
    near = code.equal(parts.n, zero)
    f = code.select(near, x, parts.f)
    # Elsewhere what 1 + x lost counts.
    correction = _small_change(code, parts, f, lost)
    return log_of_parts(code, parts.n, f, code.select(near, zero, correction))


def log1p_of_sum(code: Code, x: Number, rest: Number, twice: Number) -> Number:
    """Return ln(1 + x + rest) + twice · ln 2 for doubles x of 0 or more, finite.

    `rest`: what is too small for x. `twice`: a whole number in each lane.
    """
    zero = code.like(0.0, x)
    one_more, lost = _one_more(code, x)
    parts = split(code, one_more)
    near = code.equal(parts.n, zero)
    f = code.select(near, x, parts.f)
    lost = code.select(near, rest, code.add(lost, rest))
    correction = _small_change(code, parts, f, lost)
    return log_of_parts(code, code.add(parts.n, twice), f, correction)


def _one_more(code: Code, x: Number) -> tuple[Number, Number]:
    """Return 1 + x and what rounding left out."""
    one = code.like(1.0, x)
    one_more = code.add(x, one)
    return one_more, code.subtract(x, code.subtract(one_more, one))


def _small_change(code: Code, parts: Split, f: Number, lost: Number) -> Number:
    """Return c / (1 + f) with c = lost · 2^−n: ln(1 + f + c) is ln(1 + f) + c / (1 + f)."""
    exponent = code.and_(parts.above, code.like(EXPONENT_MASK, parts.above))
    inverse = code.subtract(code.like((2 * BIAS + 1) << 52, exponent), exponent)  # of 2^(1 − n)
    c = code.multiply(code.multiply(lost, code.like(0.5, lost)), code.bits_as(inverse, "double"))
    return code.divide(c, code.add(code.like(1.0, f), f))
