"""What is left after a division, and whole numbers divided, entry by entry.

`mod` has the sign of the divisor, as Python's %; `fmod` that of the number, as C's. Both are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import Array, Type, Value
from misstep.ir.op import Example
from misstep.ops.elementwise import (
    Binary,
    Gradients,
    Types,
    binary_function,
    draw,
    draw_broadcast,
    has_sign,
)
from misstep.ops.lifting import Operand, together
from misstep.ops.rounding import floor, trunc


class _Remainder(Binary, abstract=True):
    """The first input less a whole multiple of the second."""

    cost = 40

    def type(self, *inputs: Type) -> Type:
        if "bool" in (one.dtype for one in inputs):
            raise DtypeError(self.name, needed="numbers", got="truth values")
        return super().type(*inputs)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        # Away from whole multiples, at which the remainder jumps.
        first, second = draw_broadcast(random)
        b = draw(random, second, 0.5, 3.0) * random.choice([-1.0, 1.0], second)
        shape = np.broadcast_shapes(first, second)
        yield cls(), ((random.integers(-3, 4, shape) + random.uniform(0.2, 0.8, shape)) * b, b)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield from super().bad_examples()
        yield cls(), (np.zeros(2, bool), np.zeros(2, bool))


@dataclass(frozen=True)
class Mod(_Remainder):
    """What is left of a after whole multiples of b, with the sign of b; NaN (or 0) for b = 0."""

    name = "mod"
    words = "what is left of {0} after whole multiples of {1}"
    formula = "mod({0}, {1})"
    local_derivatives = ("1", "−floor({0} / {1})")
    numpy = "np.mod({0}, {1})"

    def run(self, a: Array, b: Array) -> Array:
        return np.mod(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.remainder(a, b, signed=has_sign(types[0]), down=True)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        return upstream, -upstream * floor(a / b)


@dataclass(frozen=True)
class Fmod(_Remainder):
    """What is left of a after whole multiples of b, with the sign of a; NaN (or 0) for b = 0."""

    name = "fmod"
    words = "what is left of {0} after whole multiples of {1}, toward 0"
    formula = "fmod({0}, {1})"
    local_derivatives = ("1", "−trunc({0} / {1})")
    numpy = "np.fmod({0}, {1})"

    def run(self, a: Array, b: Array) -> Array:
        return np.fmod(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.remainder(a, b, signed=has_sign(types[0]))

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        return upstream, -upstream * trunc(a / b)


@dataclass(frozen=True)
class FloorDivide(Binary):
    """a / b of whole numbers, rounded down; 0 for b = 0."""

    name = "floor_divide"
    cost = 10
    words = "{0} divided by {1}, rounded down"
    formula = "floor({0} / {1})"
    local_derivatives = ("0", "0")
    smooth = False
    numpy = "np.floor_divide({0}, {1})"

    def type(self, *inputs: Type) -> Type:
        for one in inputs:
            if one.is_float or one.dtype == "bool":
                raise DtypeError(
                    self.name,
                    needed="whole numbers",
                    got=str(one),
                    try_="ms.ops.floor(a / b) of floating-point numbers",
                )
        return super().type(*inputs)

    def run(self, a: Array, b: Array) -> Array:
        return np.floor_divide(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.floor_quotient(a, b, signed=has_sign(types[0]))

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return None, None

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        yield cls(), (random.integers(-9, 10, first), random.integers(-3, 4, second))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield from super().bad_examples()
        yield cls(), (np.zeros(2, bool), np.zeros(2, bool))


# --- functions for people -----------------------------------------------------------------------

mod = binary_function(Mod, "[5.0, -5.0], 3.0", "[2., 1.]")
fmod = binary_function(Fmod, "[5.0, -5.0], 3.0", "[ 2., -2.]")


def floor_divide(a: Operand, b: Operand) -> Value:
    """Return, entry by entry, a / b of whole numbers, rounded down; 0 for b = 0. Shapes broadcast.

    >>> import numpy as np
    >>> import misstep as ms
    >>> ms.ops.floor_divide(np.array([7, -7]), np.array(2))
    [ 3, -4]
    """
    return FloorDivide()(*together(a, b))


def truncated_divide(a: Operand, b: Operand) -> Value:
    """Return, entry by entry, a / b of whole numbers, rounded toward 0; 0 for b = 0.

    >>> import numpy as np
    >>> import misstep as ms
    >>> ms.ops.truncated_divide(np.array([7, -7]), np.array(2))
    [ 3, -3]
    """
    first, second = together(a, b)
    return FloorDivide()(first - Fmod()(first, second), second)
