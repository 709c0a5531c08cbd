"""Arithmetic, entry by entry: sums, differences, products, quotients, powers.

What each gradient is at a kink stands in docs/subgradients.md and is pinned by tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import Array, Type, Value
from misstep.ir.op import Example, broadcast_shape, float_dtype
from misstep.ops.comparison import logical_and, where
from misstep.ops.elementwise import Binary, Gradients, Types, Unary, binary_function, unary_function
from misstep.ops.functions import log


@dataclass(frozen=True)
class Add(Binary):
    """a + b."""

    name = "add"
    words = "the sum of {0} and {1}"
    formula = "{0} + {1}"
    local_derivatives = ("1", "1")
    numpy = "{0} + {1}"

    def run(self, a: Array, b: Array) -> Array:
        return a + b

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        # Of truth values, or.
        return code.or_(a, b) if types[0].dtype == "bool" else code.add(a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return upstream, upstream


@dataclass(frozen=True)
class Subtract(Binary):
    """a − b."""

    name = "subtract"
    words = "{0} less {1}"
    formula = "{0} − {1}"
    local_derivatives = ("1", "−1")
    numpy = "{0} - {1}"

    def run(self, a: Array, b: Array) -> Array:
        return a - b

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.subtract(a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return upstream, -upstream

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield from super().bad_examples()
        yield cls(), (np.zeros(2, bool), np.zeros(2, bool))

    def type(self, *inputs: Type) -> Type:
        if inputs[0].dtype == "bool" == inputs[1].dtype:
            raise DtypeError(self.name, needed="numbers", got="truth values")
        return super().type(*inputs)


@dataclass(frozen=True)
class Multiply(Binary):
    """a · b."""

    name = "multiply"
    words = "the product of {0} and {1}"
    formula = "{0} · {1}"
    local_derivatives = ("{1}", "{0}")
    numpy = "{0} * {1}"

    def run(self, a: Array, b: Array) -> Array:
        return a * b

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.multiply(a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        return upstream * b, upstream * a


@dataclass(frozen=True)
class Divide(Binary):
    """a / b for floating-point numbers; x / 0 is ±inf or NaN as in IEEE 754."""

    name = "divide"
    cost = 4
    words = "{0} divided by {1}"
    formula = "{0} / {1}"
    local_derivatives = ("1 / {1}", "−{out} / {1}")
    numpy = "{0} / {1}"
    second_domain = (0.5, 3.0)

    def type(self, *inputs: Type) -> Type:
        return Type(broadcast_shape(self, *inputs), float_dtype(self, *inputs))

    def run(self, a: Array, b: Array) -> Array:
        return a / b

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.divide(a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        _, b = value.inputs
        return upstream / b, -upstream * value / b


@dataclass(frozen=True)
class Power(Binary):
    """a to the power of b for floating-point numbers."""

    name = "power"
    cost = 60
    words = "{0} to the power of {1}"
    formula = "{0}^({1})"
    local_derivatives = ("{1} · {0}^({1} − 1)", "{out} · ln {0}")
    numpy = "np.power({0}, {1})"
    domain = (0.3, 3.0)
    second_domain = (-2.0, 3.0)

    def type(self, *inputs: Type) -> Type:
        return Type(broadcast_shape(self, *inputs), float_dtype(self, *inputs))

    def run(self, a: Array, b: Array) -> Array:
        return np.power(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.power(a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        by_base = b * a ** (b - 1)
        if not (b.is_literal and np.all(b.data != 0)):
            # a**0 is 1 everywhere, so its slope is 0 even at a = 0, where 0 · 0**(−1) would be NaN.
            by_base = where(b == 0, 0.0, by_base)
        # 0**b stays 0 when b > 0 moves a little; 0 · ln 0 would be NaN. Below 0 it is a pole, and
        # for NaN there is no slope: there the formula says what is.
        flat = logical_and(a == 0, b >= 0)
        by_exponent = where(flat, 0.0, value * log(where(flat, 1.0, a)))
        return upstream * by_base, upstream * by_exponent


@dataclass(frozen=True)
class Negative(Unary):
    """−x."""

    name = "negative"
    words = "minus {0}"
    formula = "−{0}"
    local_derivatives = ("−1",)
    numpy = "-{0}"

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.dtype in ("bool", "uint32"):
            raise DtypeError(self.name, needed="numbers with a sign", got=str(x))
        return x

    def run(self, x: Array) -> Array:
        return -x

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.negate(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (-upstream,)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(2, bool),)


add = binary_function(Add, "[1.0, 2.0], 3.0", "[4., 5.]")
subtract = binary_function(Subtract, "[1.0, 2.0], 3.0", "[-2., -1.]")
multiply = binary_function(Multiply, "[1.0, 2.0], 3.0", "[3., 6.]")
divide = binary_function(Divide, "[1.0, 2.0], 4.0", "[0.25, 0.5 ]")
power = binary_function(Power, "[2.0, 9.0], [3.0, 0.5]", "[8., 3.]")
negative = unary_function(Negative, "[1.0, -2.0]", "[-1.,  2.]")
