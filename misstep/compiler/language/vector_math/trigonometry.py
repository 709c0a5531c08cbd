"""Sine and cosine of angles in radians."""

from __future__ import annotations

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.angles import Angle, reduced, reduced_for_float
from misstep.compiler.language.vector_math.evaluation import bits_of, polynomial, shift_up

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


def _short(code: Code, x: Number, further: int) -> Number:
    """Return the sine of x and `further` quarter turns, good enough for a float."""
    angle = reduced_for_float(code, x)
    square, one = code.multiply(angle.r, angle.r), code.like(1.0, x)
    sine = code.multiply(angle.r, code.fma(square, polynomial(code, square, SIN_SHORT), one))
    cosine = code.fma(square, polynomial(code, square, COS_SHORT), one)
    return _turned(code, angle.quarter, further, sine, cosine)


def _long(code: Code, x: Number, further: int) -> Number:
    angle = reduced(code, x)
    square = code.multiply(angle.r, angle.r)
    sine, cosine = _sine(code, angle, square), _cosine(code, angle, square)
    return _turned(code, angle.quarter, further, sine, cosine)


def _sine(code: Code, angle: Angle, square: Number) -> Number:
    """Return sin(r + rest) = r + (r³ P(r²) + rest · (1 − r²/2))."""
    slope = code.fma(square, code.like(-0.5, square), code.like(1.0, square))
    cube = code.multiply(square, angle.r)
    tail = code.fma(cube, polynomial(code, square, SIN_LONG), code.multiply(angle.rest, slope))
    return code.add(angle.r, tail)


def _cosine(code: Code, angle: Angle, square: Number) -> Number:
    """Return cos(r + rest) = 1 − r²/2 + (r⁴ P(r²) − r · rest), the first sum without loss."""
    one, half = code.like(1.0, square), code.multiply(square, code.like(0.5, square))
    main = code.subtract(one, half)
    lost = code.subtract(code.subtract(one, main), half)
    fourth = code.multiply(square, square)
    tail = code.fma(
        fourth, polynomial(code, square, COS_LONG), code.negate(code.multiply(angle.r, angle.rest))
    )
    return code.add(main, code.add(lost, tail))


def _turned(code: Code, quarter: Number, further: int, sine: Number, cosine: Number) -> Number:
    """Return the sine of an angle after quarter turns: sin, cos, −sin, −cos."""
    turns = code.add(quarter, code.like(further, quarter)) if further else quarter
    one = code.like(1, turns)
    odd = code.equal(code.and_(turns, one), one)
    sign = shift_up(code, code.and_(turns, code.like(2, turns)), 62)
    return code.bits_as(
        code.xor(bits_of(code, code.select(odd, cosine, sine)), sign), sine.llvm_type
    )
