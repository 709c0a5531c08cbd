"""A large angle less whole quarter turns: a function of one number, from the digits of 2/π.

|x| = m · 2^e with m whole, below 2^53. The digits of 2/π whose product with 2^e is a multiple of 4
only add whole turns, so the first ones that matter can be looked up (M. Payne and R. Hanek,
"Radian reduction for trigonometric functions", 1983). 192 binary digits are taken as a whole number
w: m · w modulo 2^192, over 2^190, is the angle in quarter turns, modulo 4; the digits left out do
not reach the first 137 bits behind its point. That is enough, since no double is nearer to a
multiple of π/2 than 2^−61 (J.-M. Muller, "Elementary Functions", 3rd edition, chapter 11).
"""

from __future__ import annotations

from functools import cache

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import BIAS, bits_of, shift_down, shift_up

# π/2 as a sum of three doubles.
QUARTER_TURN = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
# 64 zeros, and the bits of 2/π behind its point.
TWO_OVER_PI_BITS = (
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
)

# What the function gives: r, rest and how many quarter turns more (`angles.Angle`).
RESULT_TYPES = ("double", "double", "i64")
_RESULT = f"{{ {', '.join(RESULT_TYPES)} }}"
_NAME = "@misstep_large_angle"
_TABLE = "@misstep_two_over_pi"


def reduce_large_angle(code: Code, x: Number) -> list[Number]:
    """Return r, rest and quarter of a finite angle of size 2^20 or more."""
    code.declarations |= _definitions()
    result = code.result(f"call {_RESULT} {_NAME}({x})", _RESULT)
    return [
        code.result(f"extractvalue {result}, {index}", llvm_type)
        for index, llvm_type in enumerate(RESULT_TYPES)
    ]


@cache
def _definitions() -> frozenset[str]:
    """Return the function and what it uses, each a text of its own: a module holds them once."""
    code = Code()
    r, rest, quarter = _write(code, Number("%x", "double"))
    result = f"{_RESULT} poison"
    for index, part in enumerate((r, rest, quarter)):
        result = str(code.result(f"insertvalue {result}, {part}, {index}", _RESULT))
    body = "\n".join(code.lines)
    words = ", ".join(f"i64 {word}" for word in TWO_OVER_PI_BITS)
    return frozenset(code.declarations) | {
        f"define internal {_RESULT} {_NAME}(double %x) cold noinline nounwind "
        f"{{\nentry:\n{body}\n  ret {result}\n}}",
        f"{_TABLE} = internal unnamed_addr constant [{len(TWO_OVER_PI_BITS)} x i64] [{words}]",
    }


def _write(code: Code, x: Number) -> tuple[Number, Number, Number]:
    signed_bits = bits_of(code, x)
    bits = code.and_(signed_bits, code.index(2**63 - 1))
    m = code.or_(code.and_(bits, code.index(2**52 - 1)), code.index(2**52))
    turns = _product(code, m, _digits(code, shift_down(code, bits, 52)))

    # To the nearest quarter turn, so that the fraction is between −½ and ½: it is a signed number.
    fraction = shift_up(code, turns, 2)
    negative = code.less(fraction, code.like(0, fraction))
    quarter = code.add(_cut(code, shift_down(code, turns, 126)), code.convert(negative, "i64"))
    size = code.select(negative, code.negate(fraction), fraction)

    # All of it for |x|; now for x.
    below = code.less(signed_bits, code.index(0))
    quarter = code.select(below, code.negate(quarter), quarter)
    sign = code.select(
        code.xor(negative, below), code.constant(-1.0, "double"), code.constant(1.0, "double")
    )
    high, low = (code.multiply(part, sign) for part in _as_doubles(code, size))
    first, second = (code.constant(part, "double") for part in QUARTER_TURN[:2])
    r = code.multiply(high, first)
    rest = code.fma(low, first, code.fma(high, second, code.fma(high, first, code.negate(r))))
    return r, rest, quarter


def _digits(code: Code, exponent: Number) -> list[Number]:
    """Return the three words of 2/π that matter to a number with this biased exponent."""
    # x = m · 2^(exponent − 1075), of which a digit 2^−j with exponent − 1075 − j ≥ 2 is left out.
    skipped = code.add(exponent, code.index(64 - 1075 - 2))
    word, shift = shift_down(code, skipped, 6), code.and_(skipped, code.index(63))
    table = Number(_TABLE, "ptr")
    words = [
        code.load(code.address(table, code.add(word, code.index(k)), "i64"), "i64")
        for k in range(4)
    ]
    return [code.intrinsic("llvm.fshl", words[k], words[k + 1], shift) for k in range(3)]


def _product(code: Code, m: Number, digits: list[Number]) -> Number:
    """Return m times the digits modulo 2^192, its first 128 bits."""
    first, second, third = (code.multiply(_wide(code, m), _wide(code, digit)) for digit in digits)
    return code.add(code.add(shift_up(code, first, 64), second), shift_down(code, third, 64))


def _as_doubles(code: Code, size: Number) -> tuple[Number, Number]:
    """Return a whole number of up to 127 bits, over 2^128, as a sum of two doubles."""
    code.declarations.add("declare i128 @llvm.ctlz.i128(i128, i1 immarg)")
    zeros = code.result(f"call i128 @llvm.ctlz.i128({size}, i1 true)", "i128")
    size = code.shift_left(size, zeros)
    exponent = code.subtract(code.index(BIAS), _cut(code, zeros))
    scale = code.bits_as(shift_up(code, exponent, 52), "double")
    low_bits = code.and_(_cut(code, shift_down(code, size, 22)), code.index(2**53 - 1))
    parts = (_cut(code, shift_down(code, size, 75)), -53), (low_bits, -106)
    high, low = (
        code.multiply(
            code.multiply(code.convert(part, "double"), scale),
            code.constant(2.0**exponent, "double"),
        )
        for part, exponent in parts
    )
    return high, low


def _wide(code: Code, word: Number) -> Number:
    return code.result(f"zext {word} to i128", "i128")


def _cut(code: Code, whole: Number) -> Number:
    return code.result(f"trunc {whole} to i64", "i64")
