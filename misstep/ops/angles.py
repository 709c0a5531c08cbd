"""Tangent, inverse trigonometric functions, and hyperbolic functions with their inverses.

Sine, cosine and the hyperbolic tangent stand in `functions.py`. What each gradient is where a
function ends stands in docs/subgradients.md and is pinned by tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, Value
from misstep.ops.elementwise import Gradients, Types, Unary, unary_function
from misstep.ops.functions import sqrt


@dataclass(frozen=True)
class Tan(Unary):
    """The tangent of x in radians."""

    name = "tan"
    cost = 30
    words = "the tangent of {0}"
    formula = "tan({0})"
    local_derivatives = ("1 + {out}²",)
    numpy = "np.tan({0})"
    domain = (-1.2, 1.2)

    def run(self, x: Array) -> Array:
        return np.tan(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.tan(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * (value * value + 1),)


@dataclass(frozen=True)
class Asin(Unary):
    """The angle in radians from −π/2 to π/2 whose sine is x: slope inf at ±1, NaN beyond."""

    name = "asin"
    cost = 30
    words = "the angle whose sine is {0}"
    formula = "arcsin({0})"
    local_derivatives = ("1 / √(1 − {0}²)",)
    numpy = "np.arcsin({0})"
    domain = (-0.78, 0.78)

    def run(self, x: Array) -> Array:
        return np.arcsin(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.asin(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream / _opposite(value.inputs[0]),)


@dataclass(frozen=True)
class Acos(Unary):
    """The angle in radians from 0 to π whose cosine is x: slope −inf at ±1, NaN beyond."""

    name = "acos"
    cost = 30
    words = "the angle whose cosine is {0}"
    formula = "arccos({0})"
    local_derivatives = ("−1 / √(1 − {0}²)",)
    numpy = "np.arccos({0})"
    domain = (-0.78, 0.78)

    def run(self, x: Array) -> Array:
        return np.arccos(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.acos(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (-upstream / _opposite(value.inputs[0]),)


def _opposite(x: Value) -> Value:
    """Return √(1 − x²); of two factors, so that no digit is lost near 1."""
    return sqrt((1 - x) * (1 + x))


@dataclass(frozen=True)
class Atan(Unary):
    """The angle in radians from −π/2 to π/2 whose tangent is x."""

    name = "atan"
    cost = 30
    words = "the angle whose tangent is {0}"
    formula = "arctan({0})"
    local_derivatives = ("1 / (1 + {0}²)",)
    numpy = "np.arctan({0})"

    def run(self, x: Array) -> Array:
        return np.arctan(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.atan(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        return (upstream / (x * x + 1),)


@dataclass(frozen=True)
class Sinh(Unary):
    """The hyperbolic sine, (e^x − e^(−x)) / 2."""

    name = "sinh"
    cost = 30
    words = "the hyperbolic sine of {0}"
    formula = "sinh({0})"
    local_derivatives = ("cosh({0})",)
    numpy = "np.sinh({0})"

    def run(self, x: Array) -> Array:
        return np.sinh(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.sinh(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * cosh(value.inputs[0]),)


@dataclass(frozen=True)
class Cosh(Unary):
    """The hyperbolic cosine, (e^x + e^(−x)) / 2."""

    name = "cosh"
    cost = 30
    words = "the hyperbolic cosine of {0}"
    formula = "cosh({0})"
    local_derivatives = ("sinh({0})",)
    numpy = "np.cosh({0})"

    def run(self, x: Array) -> Array:
        return np.cosh(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.cosh(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * sinh(value.inputs[0]),)


@dataclass(frozen=True)
class Asinh(Unary):
    """The number whose hyperbolic sine is x, ln(x + √(x² + 1))."""

    name = "asinh"
    cost = 40
    words = "the number whose hyperbolic sine is {0}"
    formula = "arsinh({0})"
    local_derivatives = ("1 / √({0}² + 1)",)
    numpy = "np.arcsinh({0})"

    def run(self, x: Array) -> Array:
        return np.arcsinh(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.asinh(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        return (upstream / sqrt(x * x + 1),)


@dataclass(frozen=True)
class Acosh(Unary):
    """The number from 0 on whose hyperbolic cosine is x: slope inf at 1, NaN below."""

    name = "acosh"
    cost = 40
    words = "the number whose hyperbolic cosine is {0}"
    formula = "arcosh({0})"
    local_derivatives = ("1 / √({0}² − 1)",)
    numpy = "np.arccosh({0})"
    domain = (1.2, 4.0)

    def run(self, x: Array) -> Array:
        return np.arccosh(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.acosh(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        # Two roots, so that there is no slope where there is no value.
        return (upstream / (sqrt(x - 1) * sqrt(x + 1)),)


@dataclass(frozen=True)
class Atanh(Unary):
    """The number whose hyperbolic tangent is x: ±inf at ±1 (with slope inf), NaN beyond."""

    name = "atanh"
    cost = 40
    words = "the number whose hyperbolic tangent is {0}"
    formula = "artanh({0})"
    local_derivatives = ("1 / (1 − {0}²)",)
    numpy = "np.arctanh({0})"
    domain = (-0.78, 0.78)

    def run(self, x: Array) -> Array:
        return np.arctanh(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.atanh(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        return (upstream / ((1 - x) * (1 + x)),)


tan = unary_function(Tan, "[0.0, 1.0]", "[0.      , 1.557408]")
asin = unary_function(Asin, "[0.0, 1.0]", "[0.      , 1.570796]")
acos = unary_function(Acos, "[1.0, 0.0]", "[0.      , 1.570796]")
atan = unary_function(Atan, "[0.0, 1.0]", "[0.      , 0.785398]")
sinh = unary_function(Sinh, "[0.0, 1.0]", "[0.      , 1.175201]")
cosh = unary_function(Cosh, "[0.0, 1.0]", "[1.      , 1.543081]")
asinh = unary_function(Asinh, "[0.0, 1.0]", "[0.      , 0.881374]")
acosh = unary_function(Acosh, "[1.0, 2.0]", "[0.      , 1.316958]")
atanh = unary_function(Atanh, "[0.0, 0.5]", "[0.      , 0.549306]")
