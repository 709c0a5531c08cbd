"""The remainder of a division, exact for any two numbers.

a less the whole multiple of b toward 0, which a floating-point number always holds. While |a| is
below 2^53 · |b|, the quotient's whole part is at most one too large, since rounding never carries a
quotient past a whole number: one fma gives the remainder, or the remainder less b. Larger quotients
go by b · 2^52j, from the largest j on. Floats are worked out in double, where few rounds do.
"""

from __future__ import annotations

import math

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import BIAS, shift_up

# Quotients below this leave a remainder at once.
SIMPLE = 2.0**53
# So many binary digits of the quotient go by in a round; it has up to 2046 of doubles, 277 of
# floats.
STEP = 52
ROUNDS = {"double": 40, "float": 6}
# Below SMALL, differences may be subnormal, which are zeros; times LARGER they are not.
SMALL, LARGER = 2.0**-900, 2.0**120


def remainder(code: Code, a: Number, b: Number, *, down: bool = False) -> Number:
    """Return a − n · b; NaN of an infinite a and for a zero b.

    n is a / b rounded toward 0, so that the result has the sign of a; with `down` it is rounded
    down, and the result has the sign of b.
    """
    rounds = ROUNDS[a.llvm_type]
    if a.llvm_type != "double":
        wide, wide_b = code.convert(a, "double"), code.convert(b, "double")
        return code.convert(_remainder(code, wide, wide_b, rounds, down), "float")
    return _remainder(code, a, b, rounds, down)


def _remainder(code: Code, a: Number, b: Number, rounds: int, down: bool) -> Number:
    left, below = code.absolute(a), code.absolute(b)
    infinite, zero = code.like(math.inf, a), code.like(0.0, a)
    possible = code.and_(code.less(left, infinite), code.less(zero, below))
    # Where the result is a or NaN anyway, nothing is divided.
    left = code.select(possible, left, zero)
    below = code.select(code.and_(possible, code.less(below, infinite)), below, infinite)
    large = code.less_equal(code.multiply(below, code.like(SIMPLE, a)), left)
    some = code.intrinsic("llvm.vector.reduce.or", large, lanes=0) if large.lanes else large
    before = code.block
    with code.when(some, "large_quotient"):
        with code.loop(1, rounds, loop_carried=[left], hint="digits") as loop:
            # 2^52j in two halves, since it may be too large alone.
            j = code.subtract(code.index(rounds), loop.index)
            half = code.add(code.multiply(j, code.index(STEP // 2)), code.index(BIAS))
            scale = code.splat(code.bits_as(shift_up(code, half, 52), "double"), a.lanes)
            multiple = code.multiply(code.multiply(below, scale), scale)
            loop.next = [_less_multiples(code, loop.values[0], multiple)]
        reduced, after = loop.results[0], code.block
    left = code.result(
        f"phi {left.type} [ {left.text}, %{before} ], [ {reduced.text}, %{after} ]",
        left.llvm_type,
        left.lanes,
    )
    opposite = code.xor(code.less(a, zero), code.less(b, zero)) if down else None
    result = code.copy_sign(_less_multiples(code, left, below, opposite), b if down else a)
    # The remainder by an infinite number is the number itself.
    whole = a
    if opposite is not None:
        moved = code.and_(opposite, code.not_(code.equal(a, zero)))
        whole = code.select(moved, b, code.copy_sign(a, b))
    return code.select(
        possible,
        code.select(code.less(code.absolute(b), infinite), result, whole),
        code.like(math.nan, a),
    )


def _less_multiples(
    code: Code, left: Number, below: Number, opposite: Number | None = None
) -> Number:
    """Return what is left of numbers of 0 or more, below 2^53 · below, after whole multiples.

    `opposite`: where, if anything is left, what lacks to the next multiple is wanted instead.
    """
    one = code.like(1.0, left)
    # What is less than 0 by a subnormal number must not become 0.
    small = code.less(below, code.like(SMALL, below))
    larger = code.select(small, code.like(LARGER, below), one)
    smaller = code.select(small, code.like(1.0 / LARGER, below), one)
    left, below = code.multiply(left, larger), code.multiply(below, larger)
    fits = code.less_equal(below, left)
    divisor, number = code.select(fits, below, one), code.select(fits, left, one)
    quotient = code.truncate(code.divide(number, divisor))
    rest = code.fma(code.negate(quotient), divisor, number)
    rest = code.select(code.less(rest, code.like(0.0, left)), code.add(rest, divisor), rest)
    rest = code.select(fits, rest, left)
    if opposite is not None:
        some = code.less(code.like(0.0, rest), rest)
        rest = code.select(code.and_(opposite, some), code.subtract(below, rest), rest)
    return code.multiply(rest, smaller)
