"""e^x in single precision from beginning to end: twice the lanes of a double, half of the work.

x = n · ln 2 + r with n whole and |r| ≤ ½ ln 2, so that e^x = 2^n · (1 + rise), as in
`exponentials.py`, but ln 2 in two floats and no double anywhere. Each result is off by less than
one unit in the last place more than rounding alone. Knows floats as they look in memory (IEEE 754).
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import LOG2_E, at_least, at_most, polynomial

# (e^r − 1 − r) / r² where |r| ≤ ½ ln 2; relative error of e^r: 2^−28.3.
RISE = (
    0.49999993443787366,
    0.16666520632824797,
    0.04166838854102743,
    0.008368717063466835,
    0.0013814587821990995,
)
# ln 2 in two floats; the first has 15 bits, so that its product with an exponent is exact.
LN2_HIGH, LN2_LOW = 0.693145751953125, 1.4286068203094172e-06
# Near this number floats are whole: adding it rounds to the nearest whole number, which then stands
# in the lowest bits.
WHOLE = 1.5 * 2.0**23
BIAS = 127
EXPONENT_MASK = 0x7F800000
# Further out, e^x rounds to 0 (below half of the least float above 0) or to inf.
LOW, HIGH = -104.0, 89.0


@dataclass(frozen=True)
class Parts:
    """e^x = 2^n · (1 + rise); `turned`: a float whose lowest bits hold n and a bias."""

    turned: Number
    rise: Number

    def power_of_two(self, code: Code) -> Number:
        """Return 2^n for n + BIAS in the lowest bits of `turned`."""
        bits = code.bits_as(self.turned, "i32")
        return code.bits_as(code.shift_left(bits, code.like(23, bits)), "float")


def parts(code: Code, x: Number, bias: int) -> Parts:
    """Return e^x of floats of size up to 104 in parts."""
    around = code.like(WHOLE + bias, x)
    turned = code.fma(x, code.like(LOG2_E, x), around)
    n = code.subtract(turned, around)
    r = code.fma(n, code.like(-LN2_HIGH, x), x)
    r = code.fma(n, code.like(-LN2_LOW, x), r)
    return Parts(turned, code.fma(code.multiply(r, r), polynomial(code, r, RISE), r))


def power(code: Code, x: Number) -> Number:
    """Return e^x of floats from LOW to HIGH.

    2^n alone may be too large or too small for a float, so it is multiplied by in two halves: only
    the second product rounds, and only where the result has fewer bits.
    """
    split = parts(code, x, 2 * BIAS)
    result = code.add(code.like(1.0, x), split.rise)
    bits = code.bits_as(split.turned, "i32")
    for whole in (bits, code.add(bits, code.like(1, bits))):  # n/2 rounded down, and up
        half = code.shift_left(whole, code.like(22, bits))
        half = code.and_(half, code.like(EXPONENT_MASK, bits))
        result = code.multiply(result, code.bits_as(half, "float"))
    return result


def exp(code: Code, x: Number) -> Number:
    """Return e^x of any floats."""
    return power(code, at_least(code, at_most(code, x, HIGH), LOW))
