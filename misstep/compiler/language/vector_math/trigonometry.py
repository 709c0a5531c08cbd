"""Sine, cosine and tangent of angles in radians."""

from __future__ import annotations

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.angles import Angle, reduced, reduced_for_float
from misstep.compiler.language.vector_math.evaluation import (
    bits_of,
    fast_two_sum,
    polynomial,
    shift_up,
)

# (sin(r) − r) / r³ and (cos(r) − 1) / r² in terms of r², |r| ≤ π/4; errors: 2^−37.6, 2^−34.1.
SIN_SHORT = (
    -0.16666666641424824,
    0.008333329362090892,
    -0.00019839327082244205,
    2.7182368124654084e-06,
)
COS_SHORT = (
    -0.4999999972288913,
    0.04166662306255875,
    -0.001388675526562022,
    2.4389629267910972e-05,
)
# (sin(r) − r) / r³ and (cos(r) − 1 + r²/2) / r⁴ in terms of r²; errors: 2^−56.8, 2^−59.5.
SIN_LONG = (
    -0.16666666666666632,
    0.008333333333322314,
    -0.0001984126982972472,
    2.7557313661895035e-06,
    -2.5050753239064168e-08,
    1.5896503451938424e-10,
)
COS_LONG = (
    0.0416666666666666,
    -0.001388888888887399,
    2.4801587289395096e-05,
    -2.755731432604983e-07,
    2.0875719558466257e-09,
    -1.1359448563200786e-11,
)


def sin(code: Code, x: Number) -> Number:
    """Return the sine of x."""
    if x.llvm_type == "float":
        return code.convert(_short(code, code.convert(x, "double"), 0), "float")
    # The sums lose the sign of 0.
    return code.select(code.equal(x, code.like(0.0, x)), code.flushed(x), _long(code, x, 0))


def cos(code: Code, x: Number) -> Number:
    """Return the cosine of x."""
    if x.llvm_type == "float":
        return code.convert(_short(code, code.convert(x, "double"), 1), "float")
    return _long(code, x, 1)


def tan(code: Code, x: Number) -> Number:
    """Return the tangent of x."""
    if x.llvm_type == "float":
        angle = reduced_for_float(code, code.convert(x, "double"))
        sine, cosine = _short_parts(code, angle)
        odd = _is_odd(code, angle.quarter)
        above = code.select(odd, code.negate(cosine), sine)
        return code.convert(code.divide(above, code.select(odd, sine, cosine)), "float")
    angle = reduced(code, x)
    square = code.multiply(angle.r, angle.r)
    odd = _is_odd(code, angle.quarter)
    sine, sine_rest = fast_two_sum(code, *_sine(code, angle, square))
    cosine, cosine_rest = fast_two_sum(code, *_cosine(code, angle, square))
    above, above_rest = (
        code.select(odd, code.negate(of_cosine), of_sine)
        for of_sine, of_cosine in ((sine, cosine), (sine_rest, cosine_rest))
    )
    below, below_rest = (
        code.select(odd, of_sine, of_cosine)
        for of_sine, of_cosine in ((sine, cosine), (sine_rest, cosine_rest))
    )
    quotient = code.divide(above, below)
    # What is left of the numerator after quotient · denominator, divided by the denominator.
    left = code.add(code.fma(code.negate(quotient), below, above), above_rest)
    left = code.fma(code.negate(quotient), below_rest, left)
    result = code.add(quotient, code.divide(left, below))
    # The sums lose the sign of 0.
    return code.select(code.equal(x, code.like(0.0, x)), code.flushed(x), result)


def _short(code: Code, x: Number, further: int) -> Number:
    """Return the sine of x and `further` quarter turns, good enough for a float."""
    angle = reduced_for_float(code, x)
    return _turned(code, angle.quarter, further, *_short_parts(code, angle))


def _short_parts(code: Code, angle: Angle) -> tuple[Number, Number]:
    """Return sine and cosine of what is left of an angle, good enough for a float."""
    square = code.multiply(angle.r, angle.r)
    one = code.like(1.0, square)
    sine = code.multiply(angle.r, code.fma(square, polynomial(code, square, SIN_SHORT), one))
    return sine, code.fma(square, polynomial(code, square, COS_SHORT), one)


def _long(code: Code, x: Number, further: int) -> Number:
    angle = reduced(code, x)
    square = code.multiply(angle.r, angle.r)
    sine, cosine = (code.add(*part(code, angle, square)) for part in (_sine, _cosine))
    return _turned(code, angle.quarter, further, sine, cosine)


def _sine(code: Code, angle: Angle, square: Number) -> tuple[Number, Number]:
    """Return sin(r + rest) as a sum, r and r³ P(r²) + rest · (1 − r²/2)."""
    slope = code.fma(square, code.like(-0.5, square), code.like(1.0, square))
    cube = code.multiply(square, angle.r)
    tail = code.fma(cube, polynomial(code, square, SIN_LONG), code.multiply(angle.rest, slope))
    return angle.r, tail


def _cosine(code: Code, angle: Angle, square: Number) -> tuple[Number, Number]:
    """Return cos(r + rest) as a sum, 1 − r²/2 and r⁴ P(r²) − r · rest with what that lost."""
    one, half = code.like(1.0, square), code.multiply(square, code.like(0.5, square))
    main = code.subtract(one, half)
    lost = code.subtract(code.subtract(one, main), half)
    fourth = code.multiply(square, square)
    tail = code.fma(
        fourth, polynomial(code, square, COS_LONG), code.negate(code.multiply(angle.r, angle.rest))
    )
    return main, code.add(lost, tail)


def _turned(code: Code, quarter: Number, further: int, sine: Number, cosine: Number) -> Number:
    """Return the sine of an angle after quarter turns: sin, cos, −sin, −cos."""
    turns = code.add(quarter, code.like(further, quarter)) if further else quarter
    odd = _is_odd(code, turns)
    sign = shift_up(code, code.and_(turns, code.like(2, turns)), 62)
    return code.bits_as(
        code.xor(bits_of(code, code.select(odd, cosine, sine)), sign), sine.llvm_type
    )


def _is_odd(code: Code, quarter: Number) -> Number:
    one = code.like(1, quarter)
    return code.equal(code.and_(quarter, one), one)
