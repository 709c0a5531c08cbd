"""Ops on the bits of whole numbers, entry by entry: and, or, exclusive or, not, shifts.

Nothing flows back through them. Shapes broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, broadcast_shape, same_dtype
from misstep.ops.elementwise import Gradients, Types, draw_broadcast, draw_shape, has_sign
from misstep.ops.lifting import Operand, as_value, together

_BITS = {"int32": 32, "uint32": 32, "int64": 64}


def _whole(op: Op, *inputs: Type) -> str:
    for one in inputs:
        if one.dtype not in _BITS:
            raise DtypeError(
                op.name,
                needed="whole numbers",
                got=str(one),
                try_="ms.ops.logical_and and its like for truth values",
            )
    return same_dtype(op, *inputs)


class _OfBits(Op, abstract=True):
    """An entry-by-entry function of the bits of two whole numbers."""

    smooth = False
    elementwise = True
    local_derivatives = ("0", "0")
    numpy = ""

    def type(self, *inputs: Type) -> Type:
        return Type(broadcast_shape(self, *inputs), _whole(self, *inputs))

    def python(self, *names: str) -> str:
        return f"{self.numpy}({', '.join(names)})"

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return None, None

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        yield cls(), (random.integers(-99, 100, first), random.integers(-99, 100, second))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(2), np.zeros(2))
        yield cls(), (np.zeros(2, bool), np.zeros(2, bool))
        yield cls(), (np.zeros(2, "int64"), np.zeros(3, "int64"))
        yield cls(), (np.zeros(2, "int64"), np.zeros(2, "int32"))


@dataclass(frozen=True)
class BitwiseAnd(_OfBits):
    """The bits that are set in a and in b."""

    name = "bitwise_and"
    words = "the bits set in {0} and in {1}"
    formula = "{0} & {1}"
    numpy = "np.bitwise_and"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(np.bitwise_and(a, b))

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.and_(a, b)


@dataclass(frozen=True)
class BitwiseOr(_OfBits):
    """The bits that are set in a or b or both."""

    name = "bitwise_or"
    words = "the bits set in {0} or in {1}"
    formula = "{0} | {1}"
    numpy = "np.bitwise_or"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(np.bitwise_or(a, b))

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.or_(a, b)


@dataclass(frozen=True)
class BitwiseXor(_OfBits):
    """The bits that are set in one of a and b."""

    name = "bitwise_xor"
    words = "the bits set in one of {0} and {1}"
    formula = "{0} ^ {1}"
    numpy = "np.bitwise_xor"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(np.bitwise_xor(a, b))

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.xor(a, b)


class _Shift(_OfBits, abstract=True):
    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        yield cls(), (random.integers(-99, 100, first), random.integers(0, 70, second))


@dataclass(frozen=True)
class LeftShift(_Shift):
    """The bits of a moved up by b places, zeros from below; 0 where there are not so many."""

    name = "left_shift"
    words = "the bits of {0} moved up by {1}"
    formula = "{0} << {1}"
    numpy = "np.left_shift"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(np.left_shift(a, b))

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        inside, count = _within(code, types, b)
        return code.select(inside, code.shift_left(a, count), code.like(0, a))


@dataclass(frozen=True)
class RightShift(_Shift):
    """The bits of a moved down by b places, from above those of its sign."""

    name = "right_shift"
    words = "the bits of {0} moved down by {1}"
    formula = "{0} >> {1}"
    numpy = "np.right_shift"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(np.right_shift(a, b))

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        inside, count = _within(code, types, b)
        if not has_sign(types[0]):
            return code.select(inside, code.shift_right(a, count), code.like(0, a))
        most = code.like(_BITS[types[0].dtype] - 1, b)
        return code.binary("ashr", a, code.select(inside, b, most))


def _within(code: Any, types: Types, count: Any) -> tuple[Any, Any]:
    """Return whether there are so many bits to shift by, and the number of bits where there are."""
    inside = code.less(count, code.like(_BITS[types[0].dtype], count), signed=False)
    return inside, code.select(inside, count, code.like(0, count))


@dataclass(frozen=True)
class BitwiseNot(Op):
    """The bits that are not set in x: −1 − x of numbers with a sign."""

    name = "bitwise_not"
    words = "the bits not set in {0}"
    formula = "~{0}"
    local_derivatives = ("0",)
    smooth = False
    elementwise = True

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        return Type(x.shape, _whole(self, x))

    def run(self, x: Array) -> Array:
        return np.asarray(np.invert(x))

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.xor(x, code.like(-1, x))

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (None,)

    def python(self, *names: str) -> str:
        return f"np.invert({names[0]})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield cls(), (random.integers(-99, 100, draw_shape(random)),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(2),)


# --- functions for people -----------------------------------------------------------------------


def _function(cls: type[_OfBits], example: str, result: str) -> Callable[[Operand, Operand], Value]:
    def function(a: Operand, b: Operand) -> Value:
        return cls()(*together(a, b))

    function.__name__ = function.__qualname__ = cls.name
    words = str(cls.__doc__).replace("The ", "the ", 1)
    function.__doc__ = (
        f"Return, entry by entry, {words} Shapes broadcast.\n\n>>> import numpy as np\n"
        f">>> import misstep as ms\n>>> ms.ops.{cls.name}({example})\n{result}\n"
    )
    return function


bitwise_and = _function(BitwiseAnd, "np.array([12, 10]), np.array(6)", "[4, 2]")
bitwise_or = _function(BitwiseOr, "np.array([12, 10]), np.array(6)", "[14, 14]")
bitwise_xor = _function(BitwiseXor, "np.array([12, 10]), np.array(6)", "[10, 12]")
left_shift = _function(LeftShift, "np.array([1, 3]), np.array(4)", "[16, 48]")
right_shift = _function(RightShift, "np.array([16, -16]), np.array(2)", "[ 4, -4]")


def bitwise_not(x: Operand) -> Value:
    """Return, entry by entry, the bits that are not set in x.

    >>> import numpy as np
    >>> import misstep as ms
    >>> ms.ops.bitwise_not(np.array([0, 5]))
    [-1, -6]
    """
    return BitwiseNot()(as_value(x))
