"""Smooth functions of one input, entry by entry, and the ReLU.

What each gradient is at a kink stands in docs/subgradients.md and is pinned by tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, Value
from misstep.ops.comparison import where
from misstep.ops.elementwise import Gradients, Types, Unary, unary_function


@dataclass(frozen=True)
class Abs(Unary):
    """|x|; the slope at 0 is taken as 0."""

    name = "abs"
    words = "the size of {0}"
    formula = "|{0}|"
    local_derivatives = ("sign {0}",)
    numpy = "np.abs({0})"
    kinks = (0.0,)

    def run(self, x: Array) -> Array:
        return np.abs(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.absolute(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * sign(value.inputs[0]),)


@dataclass(frozen=True)
class Sign(Unary):
    """−1, 0 or 1; its slope is 0 everywhere."""

    name = "sign"
    words = "the sign of {0}"
    formula = "sign {0}"
    local_derivatives = ("0",)
    numpy = "np.sign({0})"
    kinks = (0.0,)

    def run(self, x: Array) -> Array:
        return np.sign(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        one, zero = code.like(1, x), code.like(0, x)
        magnitude = code.select(
            code.less(zero, x), one, code.add(x, zero)
        )  # −0 + 0 is 0; NaN stays
        return code.select(code.less(x, zero), code.negate(one), magnitude)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (None,)


@dataclass(frozen=True)
class Exp(Unary):
    """e to the power of x."""

    name = "exp"
    cost = 12
    words = "e to the power of {0}"
    formula = "exp({0})"
    local_derivatives = ("{out}",)
    numpy = "np.exp({0})"

    def run(self, x: Array) -> Array:
        return np.exp(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.exp(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * value,)


@dataclass(frozen=True)
class Expm1(Unary):
    """e to the power of x, less 1, exact for small x."""

    name = "expm1"
    cost = 15
    words = "e to the power of {0}, less 1"
    formula = "exp({0}) − 1"
    local_derivatives = ("{out} + 1",)
    numpy = "np.expm1({0})"

    def run(self, x: Array) -> Array:
        return np.expm1(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.expm1(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * (value + 1),)


@dataclass(frozen=True)
class Log(Unary):
    """The natural logarithm: −inf at 0 (with slope inf), NaN below."""

    name = "log"
    cost = 15
    words = "the natural logarithm of {0}"
    formula = "ln {0}"
    local_derivatives = ("1 / {0}",)
    numpy = "np.log({0})"
    domain = (0.2, 4.0)

    def run(self, x: Array) -> Array:
        return np.log(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.log(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream / value.inputs[0],)


@dataclass(frozen=True)
class Log1p(Unary):
    """The natural logarithm of 1 + x, exact for small x."""

    name = "log1p"
    cost = 15
    words = "the natural logarithm of 1 + {0}"
    formula = "ln(1 + {0})"
    local_derivatives = ("1 / (1 + {0})",)
    numpy = "np.log1p({0})"
    domain = (-0.7, 4.0)

    def run(self, x: Array) -> Array:
        return np.log1p(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.log1p(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream / (value.inputs[0] + 1),)


@dataclass(frozen=True)
class Sqrt(Unary):
    """The square root: slope inf at 0, NaN below."""

    name = "sqrt"
    cost = 4
    words = "the square root of {0}"
    formula = "√({0})"
    local_derivatives = ("1 / (2 · {out})",)
    numpy = "np.sqrt({0})"
    domain = (0.2, 4.0)

    def run(self, x: Array) -> Array:
        return np.sqrt(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.sqrt(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * 0.5 / value,)


@dataclass(frozen=True)
class Sin(Unary):
    """The sine of x in radians."""

    name = "sin"
    cost = 20
    words = "the sine of {0}"
    formula = "sin {0}"
    local_derivatives = ("cos {0}",)
    numpy = "np.sin({0})"

    def run(self, x: Array) -> Array:
        return np.sin(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.sin(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * cos(value.inputs[0]),)


@dataclass(frozen=True)
class Cos(Unary):
    """The cosine of x in radians."""

    name = "cos"
    cost = 20
    words = "the cosine of {0}"
    formula = "cos {0}"
    local_derivatives = ("−sin {0}",)
    numpy = "np.cos({0})"

    def run(self, x: Array) -> Array:
        return np.cos(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.cos(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (-upstream * sin(value.inputs[0]),)


def stable_sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(−x)) without ever raising e to a positive power, so nothing overflows."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def stable_softplus(x: Array) -> Array:
    """Return ln(1 + exp(x)) without ever raising e to a positive power, so nothing overflows."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@dataclass(frozen=True)
class Sigmoid(Unary):
    """1 / (1 + e^(−x)), between 0 and 1; stays finite however large |x| is."""

    name = "sigmoid"
    cost = 16
    words = "the sigmoid of {0}"
    formula = "σ({0})"
    local_derivatives = ("{out} · (1 − {out})",)
    numpy = "stable_sigmoid({0})"

    def run(self, x: Array) -> Array:
        return stable_sigmoid(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.sigmoid(x)

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_sigmoid,)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * value * (1 - value),)


@dataclass(frozen=True)
class Tanh(Unary):
    """The hyperbolic tangent, between −1 and 1."""

    name = "tanh"
    cost = 16
    words = "the hyperbolic tangent of {0}"
    formula = "tanh({0})"
    local_derivatives = ("1 − {out}²",)
    numpy = "np.tanh({0})"

    def run(self, x: Array) -> Array:
        return np.tanh(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.tanh(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * (1 - value * value),)


@dataclass(frozen=True)
class Relu(Unary):
    """x where x is positive, else 0; the slope at 0 is taken as 0."""

    name = "relu"
    words = "{0} if positive, else 0"
    formula = "max({0}, 0)"
    local_derivatives = ("1 if {0} > 0, else 0",)
    numpy = "np.maximum({0}, 0)"
    kinks = (0.0,)

    def run(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        zero = code.like(0, x)
        return code.select(code.less(x, zero), zero, x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (where(value.inputs[0] > 0, upstream, 0.0),)


@dataclass(frozen=True)
class Softplus(Unary):
    """ln(1 + e^x), a smooth ReLU; stays finite however large |x| is."""

    name = "softplus"
    cost = 30
    words = "the softplus of {0}"
    formula = "ln(1 + exp({0}))"
    local_derivatives = ("σ({0})",)
    numpy = "stable_softplus({0})"

    def run(self, x: Array) -> Array:
        return stable_softplus(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.softplus(x)

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_softplus,)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream * sigmoid(value.inputs[0]),)


def error_function(x: Array) -> Array:
    """Return 2/√π times the integral of exp(−t²) from 0 to x, entry by entry."""
    from scipy.special import erf

    return np.asarray(erf(x))


@dataclass(frozen=True)
class Erf(Unary):
    """The error function, 2/√π ∫₀ˣ e^(−t²) dt."""

    name = "erf"
    cost = 30
    words = "the error function of {0}"
    formula = "erf({0})"
    local_derivatives = ("2/√π · exp(−{0}²)",)
    numpy = "error_function({0})"

    def run(self, x: Array) -> Array:
        return error_function(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.erf(x)

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (error_function,)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        return (upstream * (2 / math.sqrt(math.pi)) * exp(-x * x),)


exp = unary_function(Exp, "[0.0, 1.0]", "[1.      , 2.718282]")
expm1 = unary_function(Expm1, "[0.0, 1e-9]", "[0.e+00, 1.e-09]")
log = unary_function(Log, "[1.0, 2.0]", "[0.      , 0.693147]")
log1p = unary_function(Log1p, "[0.0, 1e-9]", "[0.e+00, 1.e-09]")
sqrt = unary_function(Sqrt, "[4.0, 2.0]", "[2.      , 1.414214]")
sin = unary_function(Sin, "[0.0, 1.0]", "[0.      , 0.841471]")
cos = unary_function(Cos, "[0.0, 1.0]", "[1.      , 0.540302]")
absolute = unary_function(Abs, "[-2.0, 3.0]", "[2., 3.]", name="absolute")
sign = unary_function(Sign, "[-2.0, 0.0, 3.0]", "[-1.,  0.,  1.]")
sigmoid = unary_function(Sigmoid, "[0.0, 800.0]", "[0.5, 1. ]")
tanh = unary_function(Tanh, "[0.0, 1.0]", "[0.      , 0.761594]")
relu = unary_function(Relu, "[-1.0, 2.0]", "[0., 2.]")
softplus = unary_function(Softplus, "[0.0, 8.0]", "[0.693147, 8.000335]")
erf = unary_function(Erf, "[0.0, 1.0]", "[0.      , 0.842701]")
