"""Angles less whole quarter turns: x = n · π/2 + r with |r| ≤ π/4, for every x that there is.

Up to 2^27 by subtracting n times π/2, given in three parts (W. Cody and W. Waite, "Software Manual
for the Elementary Functions", 1980). Beyond, π/2 would have to have more digits the larger x is;
`large_angles.py` takes the digits that matter. It is asked only if some lane needs it: this is the
one branch among the functions of this room.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math.evaluation import WHOLE, bits_of, two_sum
from misstep.compiler.language.vector_math.large_angles import (
    QUARTER_TURN,
    RESULT_TYPES,
    reduce_large_angle,
)

TWO_OVER_PI = 0.6366197723675814
# Below this, n · π/2 has so few digits that x less n times the first part of π/2 is exact.
SIMPLE = 2.0**27


@dataclass(frozen=True)
class Angle:
    """r + rest, and `quarter`: an i64 whose lowest two bits say how many quarter turns more."""

    r: Number
    rest: Number
    quarter: Number


def reduced(code: Code, x: Number) -> Angle:
    """Return double angles less whole quarter turns; r is NaN for inf and NaN."""
    n, quarter, first = _quarter_turns(code, x)
    second = code.multiply(n, code.like(QUARTER_TURN[1], x))
    beyond = code.fma(n, code.like(QUARTER_TURN[1], x), code.negate(second))
    r, lost = two_sum(code, first, code.negate(second))
    rest = code.fma(n, code.like(-QUARTER_TURN[2], x), code.subtract(lost, beyond))
    return _with_large_ones(code, x, Angle(r, rest, quarter))


def reduced_for_float(code: Code, x: Number) -> Angle:
    """Return the same for doubles that were floats; the rest does not matter."""
    n, quarter, first = _quarter_turns(code, x)
    r = code.fma(n, code.like(-QUARTER_TURN[1], x), first)
    return _with_large_ones(code, x, Angle(r, code.like(0.0, x), quarter))


def _quarter_turns(code: Code, x: Number) -> tuple[Number, Number, Number]:
    """Return n, its lowest bits, and x less n times the first part of π/2, which is exact."""
    around = code.like(WHOLE, x)
    turned = code.fma(x, code.like(TWO_OVER_PI, x), around)
    n = code.subtract(turned, around)
    return n, bits_of(code, turned), code.fma(n, code.like(-QUARTER_TURN[0], x), x)


def _with_large_ones(code: Code, x: Number, simple: Angle) -> Angle:
    """Return the angle, anew in those lanes where x is too large for what was done."""
    size = code.absolute(x)
    least, infinite = code.like(SIMPLE, x), code.like(math.inf, x)
    large = code.and_(code.less_equal(least, size), code.less(size, infinite))
    some = code.intrinsic("llvm.vector.reduce.or", large, lanes=0) if large.lanes else large
    before, simple_parts = code.block, (simple.r, simple.rest, simple.quarter)
    with code.when(some, "large_angle"):
        large_parts = _one_by_one(code, code.select(large, x, least))
        large_parts = [
            code.select(large, new, old) for new, old in zip(large_parts, simple_parts, strict=True)
        ]
        after = code.block
    return Angle(
        *(
            code.result(
                f"phi {old.type} [ {old.text}, %{before} ], [ {new.text}, %{after} ]",
                old.llvm_type,
                old.lanes,
            )
            for new, old in zip(large_parts, simple_parts, strict=True)
        )
    )


def _one_by_one(code: Code, x: Number) -> list[Number]:
    """Return r, rest and quarter of large angles, lane by lane."""
    if not x.lanes:
        return reduce_large_angle(code, x)
    start = [Number("poison", llvm_type, x.lanes) for llvm_type in RESULT_TYPES]
    with code.loop(0, x.lanes, loop_carried=start, hint="lane") as loop:
        parts = reduce_large_angle(code, code.lane(x, loop.index))
        loop.next = [
            code.result(
                f"insertelement {whole}, {part}, {loop.index}", whole.llvm_type, whole.lanes
            )
            for whole, part in zip(loop.values, parts, strict=True)
        ]
    return loop.results
