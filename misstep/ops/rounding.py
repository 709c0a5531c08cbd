"""Ops that round to whole numbers, entry by entry: down, up, to the nearest one, toward 0.

What comes out stays floating-point. Flat nearly everywhere: nothing flows back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, Value
from misstep.ops.elementwise import Gradients, Types, Unary, unary_function


class Rounding(Unary, abstract=True):
    """A function of one input whose results are whole; nothing flows back through it."""

    smooth = False
    local_derivatives = ("0",)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (None,)


@dataclass(frozen=True)
class Floor(Rounding):
    """The largest whole number that is at most x."""

    name = "floor"
    words = "{0} rounded down"
    formula = "floor({0})"
    numpy = "np.floor({0})"

    def run(self, x: Array) -> Array:
        return np.floor(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.floor(x)


@dataclass(frozen=True)
class Ceil(Rounding):
    """The smallest whole number that is at least x."""

    name = "ceil"
    words = "{0} rounded up"
    formula = "ceil({0})"
    numpy = "np.ceil({0})"

    def run(self, x: Array) -> Array:
        return np.ceil(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.ceil(x)


@dataclass(frozen=True)
class Round(Rounding):
    """The nearest whole number, the even one at a tie."""

    name = "round"
    words = "{0} rounded to the nearest whole number"
    formula = "round({0})"
    numpy = "np.rint({0})"

    def run(self, x: Array) -> Array:
        return np.rint(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.round_even(x)


@dataclass(frozen=True)
class Truncate(Rounding):
    """The whole part of x: what stands before the point."""

    name = "trunc"
    words = "{0} rounded toward 0"
    formula = "trunc({0})"
    numpy = "np.trunc({0})"

    def run(self, x: Array) -> Array:
        return np.trunc(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.truncate(x)


floor = unary_function(Floor, "[1.5, -1.5]", "[ 1., -2.]")
ceil = unary_function(Ceil, "[1.5, -1.5]", "[ 2., -1.]")
round = unary_function(Round, "[1.5, 2.5, -0.7]", "[ 2.,  2., -1.]")
trunc = unary_function(Truncate, "[1.5, -1.5]", "[ 1., -1.]")
