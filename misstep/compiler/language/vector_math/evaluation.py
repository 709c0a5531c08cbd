"""What the functions of this room are made of: polynomials, bounds, exact sums, numbers' bits.

Polynomials come lowest coefficient first. Those of this room have the least largest error on their
interval that their degree allows, by the exchange algorithm of E. Remez (1934) in 60 digits, then
rounded; `tests/compiler/minimax.py` makes them anew. Knows how doubles look in memory (IEEE 754)
and no function by name.
"""

from __future__ import annotations

from collections.abc import Sequence

from misstep.compiler.language.code import Code, Number

# Near this number doubles are whole: adding it rounds to the nearest whole number (the even one at
# a tie), which then stands in the lowest bits.
WHOLE = 1.5 * 2.0**52
BIAS = 1023
EXPONENT_MASK = 0x7FF0000000000000
MANTISSA_MASK = 0x000FFFFFFFFFFFFF

LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
# ln 2 in two parts; the first has 42 bits, so that its product with an exponent is exact.
LN2_HIGH, LN2_LOW = 0.6931471805598903, 5.497923018708371e-14


def polynomial(code: Code, x: Number, coefficients: Sequence[float]) -> Number:
    """Return c₀ + c₁x + c₂x² + … by Horner's rule."""
    *lower, highest = coefficients
    total = code.like(highest, x)
    for coefficient in reversed(lower):
        total = code.fma(total, x, code.like(coefficient, x))
    return total


def long_polynomial(code: Code, x: Number, coefficients: Sequence[float]) -> Number:
    """Return c₀ + c₁x + c₂x² + … by pairs, pairs of pairs and so on (G. Estrin, 1960).

    More multiplications than Horner's rule, fewer that wait for each other: faster from about 10
    coefficients on (18: by a sixth).
    """
    terms, power = [code.like(coefficient, x) for coefficient in coefficients], x
    while True:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        joined = [code.fma(upper, power, lower) for lower, upper in pairs]
        terms = joined + terms[len(joined) * 2 :]
        if len(terms) == 1:
            return terms[0]
        power = code.multiply(power, power)


def at_most(code: Code, x: Number, bound: float) -> Number:
    """Return the smaller of x and a bound; NaN stays."""
    limit = code.like(bound, x)
    return code.select(code.less(limit, x), limit, x)


def at_least(code: Code, x: Number, bound: float) -> Number:
    """Return the larger of x and a bound; NaN stays."""
    limit = code.like(bound, x)
    return code.select(code.less(x, limit), limit, x)


def bits_of(code: Code, x: Number) -> Number:
    """Return the bits of doubles."""
    return code.bits_as(x, "i64")


def shift_up(code: Code, bits: Number, count: int) -> Number:
    """Return bits moved up."""
    return code.shift_left(bits, code.like(count, bits))


def shift_down(code: Code, bits: Number, count: int) -> Number:
    """Return bits moved down."""
    return code.shift_right(bits, code.like(count, bits))


def two_sum(code: Code, a: Number, b: Number) -> tuple[Number, Number]:
    """Return a + b and what rounding left out (D. Knuth, The Art of Computer Programming 4.2.2)."""
    total = code.add(a, b)
    from_b = code.subtract(total, a)
    left_of_a = code.subtract(a, code.subtract(total, from_b))
    return total, code.add(left_of_a, code.subtract(b, from_b))


def fast_two_sum(code: Code, a: Number, b: Number) -> tuple[Number, Number]:
    """Return a + b and what rounding left out, where |a| ≥ |b| or a = 0 (T. Dekker, 1971)."""
    total = code.add(a, b)
    return total, code.subtract(b, code.subtract(total, a))


def two_product(code: Code, a: Number, b: Number) -> tuple[Number, Number]:
    """Return a · b and what rounding left out."""
    product = code.multiply(a, b)
    return product, code.fma(a, b, code.negate(product))
