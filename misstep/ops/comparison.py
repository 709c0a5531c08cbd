"""Ops that compare and choose, entry by entry: larger, smaller, truth values, where, conversion.

What each gradient is at a tie stands in docs/subgradients.md and is pinned by tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import FLOATS, Array, Op, Type, Value
from misstep.ir.op import Example, broadcast_shape, same_dtype
from misstep.ops.elementwise import (
    Binary,
    Gradients,
    Types,
    binary_function,
    draw,
    draw_broadcast,
    draw_shape,
    has_sign,
)
from misstep.ops.lifting import Operand, as_value, together


@dataclass(frozen=True)
class Maximum(Binary):
    """The larger of a and b; at a tie each gets half of the gradient."""

    name = "maximum"
    words = "the larger of {0} and {1}"
    formula = "max({0}, {1})"
    local_derivatives = (
        "1 if {0} is larger, ½ if equal, else 0",
        "1 if {1} is larger, ½ if equal, else 0",
    )
    numpy = "np.maximum({0}, {1})"

    def run(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.maximum(a, b, signed=has_sign(types[0]))

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        return _split(upstream, a > b, a == b)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield from _untied(cls(), random)


@dataclass(frozen=True)
class Minimum(Binary):
    """The smaller of a and b; at a tie each gets half of the gradient."""

    name = "minimum"
    words = "the smaller of {0} and {1}"
    formula = "min({0}, {1})"
    local_derivatives = (
        "1 if {0} is smaller, ½ if equal, else 0",
        "1 if {1} is smaller, ½ if equal, else 0",
    )
    numpy = "np.minimum({0}, {1})"

    def run(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.minimum(a, b, signed=has_sign(types[0]))

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        return _split(upstream, a < b, a == b)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield from _untied(cls(), random)


def _split(upstream: Value, first_wins: Value, tie: Value) -> Gradients:
    half = upstream * 0.5
    return (
        where(tie, half, where(first_wins, upstream, 0.0)),
        where(tie, half, where(first_wins, 0.0, upstream)),
    )


def _untied(op: Op, random: np.random.Generator) -> Iterator[Example]:
    first, second = draw_broadcast(random)
    # Whole numbers against halves, so that no finite difference steps over the kink.
    a = random.integers(-3, 4, first) + random.uniform(-0.1, 0.1, first)
    yield op, (a, random.integers(-3, 4, second) + random.uniform(0.4, 0.6, second))


class Comparison(Binary, abstract=True):
    """An entry-by-entry question whose answers are truth values; nothing flows back through it."""

    smooth = False
    local_derivatives = ("0", "0")

    def type(self, *inputs: Type) -> Type:
        same_dtype(self, *inputs)
        return Type(broadcast_shape(self, *inputs), "bool")

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return None, None


@dataclass(frozen=True)
class Less(Comparison):
    """a < b."""

    name = "less"
    words = "whether {0} is less than {1}"
    formula = "{0} < {1}"
    numpy = "{0} < {1}"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(a < b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.less(a, b, signed=has_sign(types[0]))


@dataclass(frozen=True)
class LessEqual(Comparison):
    """a ≤ b."""

    name = "less_equal"
    words = "whether {0} is at most {1}"
    formula = "{0} ≤ {1}"
    numpy = "{0} <= {1}"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(a <= b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.less_equal(a, b, signed=has_sign(types[0]))


@dataclass(frozen=True)
class Equal(Comparison):
    """a = b (NaN equals nothing)."""

    name = "equal"
    words = "whether {0} equals {1}"
    formula = "{0} = {1}"
    numpy = "{0} == {1}"

    def run(self, a: Array, b: Array) -> Array:
        return np.asarray(a == b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.equal(a, b)


class Logic(Comparison, abstract=True):
    """A comparison of truth values."""

    def type(self, *inputs: Type) -> Type:
        for type_ in inputs:
            if type_.dtype != "bool":
                raise DtypeError(
                    self.name,
                    needed="truth values",
                    got=str(type_),
                    try_="comparing first, as x > 0",
                )
        return Type(broadcast_shape(self, *inputs), "bool")

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        yield cls(), (random.random(first) < 0.5, random.random(second) < 0.5)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(2), np.zeros(2))


@dataclass(frozen=True)
class And(Logic):
    """Both a and b."""

    name = "logical_and"
    words = "whether {0} and {1}"
    formula = "{0} ∧ {1}"
    numpy = "np.logical_and({0}, {1})"

    def run(self, a: Array, b: Array) -> Array:
        return np.logical_and(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.and_(a, b)


@dataclass(frozen=True)
class Or(Logic):
    """a or b or both."""

    name = "logical_or"
    words = "whether {0} or {1}"
    formula = "{0} ∨ {1}"
    numpy = "np.logical_or({0}, {1})"

    def run(self, a: Array, b: Array) -> Array:
        return np.logical_or(a, b)

    def lower(self, code: Any, types: Types, a: Any, b: Any) -> Any:
        return code.or_(a, b)


@dataclass(frozen=True)
class Not(Op):
    """The opposite of a truth value."""

    name = "logical_not"
    words = "not {0}"
    formula = "¬{0}"
    local_derivatives = ("0",)
    smooth = False
    elementwise = True

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.dtype != "bool":
            raise DtypeError(self.name, needed="truth values", got=str(x))
        return x

    def run(self, x: Array) -> Array:
        return np.logical_not(x)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.not_(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (None,)

    def python(self, *names: str) -> str:
        return f"np.logical_not({names[0]})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield cls(), (random.random(draw_shape(random)) < 0.5,)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(2),)


@dataclass(frozen=True)
class Where(Op):
    """a where the condition holds, else b."""

    name = "where"
    words = "{1} where {0}, else {2}"
    formula = "{1} if {0}, else {2}"
    local_derivatives = ("0", "1 where {0}, else 0", "0 where {0}, else 1")
    elementwise = True

    def type(self, *inputs: Type) -> Type:
        condition, a, b = inputs
        if condition.dtype != "bool":
            raise DtypeError(
                "the condition of where",
                needed="truth values",
                got=str(condition),
                try_="a comparison such as x > 0",
            )
        return Type(broadcast_shape(self, condition, a, b), same_dtype(self, a, b))

    def run(self, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)

    def lower(self, code: Any, types: Types, condition: Any, a: Any, b: Any) -> Any:
        return code.select(condition, a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        condition = value.inputs[0]
        return None, where(condition, upstream, 0.0), where(condition, 0.0, upstream)

    def python(self, *names: str) -> str:
        return f"np.where({', '.join(names)})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        shape = np.broadcast_shapes(first, second)
        yield cls(), (random.random(shape) < 0.5, draw(random, first), draw(random, second))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(2), np.zeros(2), np.zeros(2))
        yield cls(), (np.zeros(2, bool), np.zeros(2), np.zeros(3))


@dataclass(frozen=True)
class Cast(Op):
    """The same numbers in another dtype; gradients flow between floats."""

    dtype: str = "float32"
    name = "cast"
    words = "{0} as another kind of number"
    formula = "{0}"
    local_derivatives = ("1",)
    elementwise = True

    def type(self, *inputs: Type) -> Type:
        return Type(inputs[0].shape, self.dtype)

    def run(self, x: Array) -> Array:
        return np.asarray(x).astype(self.dtype)

    def lower(self, code: Any, types: Types, x: Any) -> Any:
        return code.cast(x, types[0].dtype, self.dtype)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        if not (x.type.is_float and value.type.is_float):
            return (None,)
        return (cast(upstream, x.dtype),)

    def python(self, *names: str) -> str:
        return f'np.asarray({names[0]}).astype("{self.dtype}")'

    def in_float64(self) -> Op:
        return Cast("float64") if self.dtype in FLOATS else self

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield cls("float64"), (draw(random, draw_shape(random)),)
        yield cls("float64"), (random.integers(0, 9, draw_shape(random)),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls("float128"), (np.zeros(2),)


maximum = binary_function(Maximum, "[1.0, 5.0], 3.0", "[3., 5.]")
minimum = binary_function(Minimum, "[1.0, 5.0], 3.0", "[1., 3.]")
less = binary_function(Less, "[1.0, 3.0], 3.0", "[ True, False]")
less_equal = binary_function(LessEqual, "[1.0, 3.0], 3.0", "[ True,  True]")
equal = binary_function(Equal, "[1.0, 3.0], 3.0", "[False,  True]")
logical_and = binary_function(And, "[True, False], True", "[ True, False]")
logical_or = binary_function(Or, "[True, False], True", "[ True,  True]")


def logical_not(x: Operand) -> Value:
    """Return, entry by entry, the opposite of a truth value.

    >>> import misstep as ms
    >>> ms.ops.logical_not([True, False])
    [False,  True]
    """
    return Not()(as_value(x))


def where(condition: Operand, a: Operand, b: Operand) -> Value:
    """Return, entry by entry, `a` where `condition` holds, else `b`. Shapes broadcast.

    >>> import misstep as ms
    >>> x = ms.parameter([-1.0, 2.0])
    >>> ms.where(x > 0, x, 0.0)
    [0., 2.]
    """
    return Where()(as_value(condition), *together(a, b))


def cast(x: Operand, dtype: str) -> Value:
    """Return `x` as numbers of `dtype`: bool, uint32, int32, int64, float32 or float64.

    >>> import misstep as ms
    >>> ms.ops.cast([0.5, 2.7], "int64")
    [0, 2]
    """
    value = as_value(x)
    return value if value.dtype == dtype else Cast(dtype)(value)
