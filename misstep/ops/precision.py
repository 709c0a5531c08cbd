"""Lower precision: numbers rounded to bfloat16, and products of such numbers.

bfloat16 has float32's sign and exponent and 8 significant bits. Rounded numbers stay float32 here,
so whatever takes them computes as ever: a matrix product of two rounded operands is a chain of
float32 multiply-adds. Knows the program form and nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, Value
from misstep.ops.contraction import matmul
from misstep.ops.elementwise import Gradients, Types, Unary, unary_function

# Bits of a float32 that a bfloat16 has not; the largest number in them that is below a tie.
DROPPED = 16
BELOW_TIE = 2 ** (DROPPED - 1) - 1
KEPT = 0xFFFFFFFF ^ (2**DROPPED - 1)


def rounded_to_bfloat16(x: Array) -> Array:
    """Return float32 numbers with 8 significant bits, the even one at a tie; float64 as it is.

    NaN stays NaN; what is nearer to 2¹²⁸ than to the largest bfloat16 becomes infinite.
    """
    x = np.asarray(x)
    if x.dtype != np.float32:
        return x.copy()
    bits = x.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), x, rounded.view(np.float32))


@dataclass(frozen=True)
class RoundToBfloat16(Unary):
    """The nearest number of 8 significant bits, the even one at a tie; its slope is taken as 1.

    The slope of the steps themselves is 0 nearly everywhere and would end all learning; gradients
    pass as if nothing were rounded. float64 numbers, in which programs are checked and explained,
    stay as they are.
    """

    name = "round_to_bfloat16"
    words = "{0}, of which float32 keeps 8 significant bits"
    # As explanations compute it, in float64.
    formula = "{0}"
    local_derivatives = ("1",)
    numpy = "rounded_to_bfloat16({0})"
    cost = 6

    def run(self, x: Array) -> Array:
        return rounded_to_bfloat16(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        if types[0].dtype != "float32":
            return x
        x = code.flushed(x)
        bits = code.bits_as(x, "i32")
        odd = code.and_(code.shift_right(bits, code.like(DROPPED, bits)), code.like(1, bits))
        rounded = code.add(code.add(bits, code.like(BELOW_TIE, bits)), odd)
        rounded = code.and_(rounded, code.like(KEPT - 2**32, bits))
        return code.select(code.is_nan(x), x, code.bits_as(rounded, "float"))

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (rounded_to_bfloat16,)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream,)


@dataclass(frozen=True)
class RoundSlope(Unary):
    """x as it is; the gradient that comes back through it is rounded to bfloat16."""

    name = "round_slope"
    words = "{0}"
    formula = "{0}"
    local_derivatives = ("1",)
    numpy = "{0}.copy()"
    cost = 0

    def run(self, x: Array) -> Array:
        return np.array(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return x

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (round_to_bfloat16(upstream),)


round_to_bfloat16 = unary_function(
    RoundToBfloat16, 'ms.ops.cast([3.0, 3.14159], "float32")', "[3.      , 3.140625]"
)


def rounded_product(a: Value, b: Value) -> Value:
    """Return the matrix product of `a` and `b`, both rounded to bfloat16, summed in their dtype.

    So are the products of its gradients: of each operand, rounded, and the gradient that comes
    back, rounded.
    """
    return RoundSlope()(matmul(round_to_bfloat16(a), round_to_bfloat16(b)))
