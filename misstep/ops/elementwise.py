"""What ops that work entry by entry share: their types, their examples, their functions for people.

Shapes broadcast as in NumPy. The ops themselves stand in comparison, functions and arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, broadcast_shape, float_dtype, same_dtype
from misstep.ops.lifting import Operand, as_value, together

Gradients = tuple[Value | None, ...]
Types = Sequence[Type]


def has_sign(type_: Type) -> bool:
    """Tell whether numbers of a type may be negative."""
    return type_.dtype not in ("bool", "uint32")


def draw(
    random: np.random.Generator,
    shape: tuple[int, ...],
    low: float = -3.0,
    high: float = 3.0,
    avoid: tuple[float, ...] = (),
) -> Array:
    """Return random numbers between `low` and `high`, none within 0.05 of a number to `avoid`."""
    array = random.uniform(low, high, shape)
    for kink in avoid:
        array = np.where(np.abs(array - kink) < 0.05, kink + 0.1, array)
    return array


def draw_shape(random: np.random.Generator, axes: int | None = None) -> tuple[int, ...]:
    """Return a small random shape of up to three axes (or of exactly `axes`)."""
    count = int(random.integers(0, 4)) if axes is None else axes
    return tuple(int(length) for length in random.integers(1, 5, count))


def draw_broadcast(random: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two shapes that broadcast: axes of length 1 and missing front axes happen."""
    full = draw_shape(random)
    other = tuple(1 if random.random() < 0.3 else length for length in full)
    other = other[int(random.integers(0, len(other) + 1)) :]
    return (full, other) if random.random() < 0.5 else (other, full)


class Unary(Op, abstract=True):
    """An entry-by-entry function of one floating-point input."""

    numpy: ClassVar[str] = ""
    domain: ClassVar[tuple[float, float]] = (-3.0, 3.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    elementwise: ClassVar[bool] = True

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        return Type(x.shape, float_dtype(self, x))

    def python(self, *names: str) -> str:
        return self.numpy.format(*names)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield cls(), (draw(random, draw_shape(random), *cls.domain, avoid=cls.kinks),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.array([1, 2]),)


class Binary(Op, abstract=True):
    """An entry-by-entry function of two inputs of one dtype."""

    numpy: ClassVar[str] = ""
    domain: ClassVar[tuple[float, float]] = (-3.0, 3.0)
    second_domain: ClassVar[tuple[float, float] | None] = None
    elementwise: ClassVar[bool] = True

    def type(self, *inputs: Type) -> Type:
        return Type(broadcast_shape(self, *inputs), same_dtype(self, *inputs))

    def python(self, *names: str) -> str:
        return self.numpy.format(*names)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        a = draw(random, first, *cls.domain)
        b = draw(random, second, *(cls.second_domain or cls.domain))
        if not cls.smooth:
            yield cls(), (a.round(), b.round())
        else:
            yield cls(), (a, b)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros((2, 3)), np.zeros((2, 4)))
        yield cls(), (np.zeros(2), np.zeros(2, "float32"))


def unary_function(
    cls: type[Unary], example: str = "", result: str = "", name: str = ""
) -> Callable[[Operand], Value]:
    """Return the function for people of a one-input op, named and documented after it.

    `example`, `result`: operands and what they give, as text. `name`: the function's, if it is not
    the op's.
    """

    def function(x: Operand) -> Value:
        return cls()(as_value(x))

    function.__name__ = function.__qualname__ = name or cls.name
    function.__doc__ = _described(cls, function, example, result)
    return function


def binary_function(
    cls: type[Binary], example: str = "", result: str = ""
) -> Callable[[Operand, Operand], Value]:
    """Return the function for people of a two-input op, named and documented after it.

    `example`, `result`: operands and what they give, as text.
    """

    def function(a: Operand, b: Operand) -> Value:
        return cls()(*together(a, b))

    function.__name__ = function.__qualname__ = cls.name
    function.__doc__ = _described(cls, function, example, result, " Shapes broadcast.")
    return function


def _described(
    cls: type[Op], function: Callable[..., Value], example: str, result: str, more: str = ""
) -> str:
    """Return the docstring of a function for people, with an example where there is one."""
    docstring = str(cls.__doc__)
    words = f"Return, entry by entry, {docstring.replace('The ', 'the ', 1)}{more}"
    if not example:
        return words
    call = f"ms.ops.{function.__name__}({example})"
    return f"{words}\n\n>>> import misstep as ms\n>>> {call}\n{result}\n"
