"""The order of entries along an axis by size, and what follows from it: sorted, the largest k.

The order itself has no slope; entries put in order do. Knows nothing of networks. Compiled, an
order is found by comparing all pairs (`compiler/passes/expand.py`); of long rows the interpreter
finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, checked_axis
from misstep.ops.elements import GatherElements
from misstep.ops.elementwise import Gradients, draw_shape
from misstep.ops.lifting import Operand, as_value
from misstep.ops.pieces import slice_axis


def stable_order(x: Array, axis: int, descending: bool) -> Array:
    """Return the positions of entries along an axis, in order of size; equal ones stay in order.

    NaN counts as the largest.
    """
    x = np.asarray(x)
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    # From the back and turned around, equal ones come out in their own order.
    turned = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(turned, axis)


@dataclass(frozen=True)
class ArgSort(Op):
    """The positions of the entries along `axis` in order of size, equal ones in their own order.

    NaN counts as the largest number.
    """

    axis: int = -1
    descending: bool = False
    name = "argsort"
    words = "the order of {0} by size"
    formula = "order {0}"
    local_derivatives = ("0",)
    smooth = False

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        checked_axis(self, self.axis, len(x.shape))
        return Type(x.shape, "int64")

    def run(self, x: Array) -> Array:
        return stable_order(x, self.axis, self.descending)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (None,)

    def python(self, *names: str) -> str:
        return f"stable_order({names[0]}, {self.axis}, {self.descending})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_order,)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random, int(random.integers(1, 4)))
        axis = int(random.integers(-len(shape), len(shape)))
        # Few different numbers, so that some are equal.
        yield cls(axis, bool(random.integers(0, 2))), (random.integers(0, 3, shape) / 2.0,)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(1), (np.zeros(3),)


# --- functions for people -----------------------------------------------------------------------


def argsort(x: Operand, axis: int = -1, *, descending: bool = False) -> Value:
    """Return the positions of the entries along `axis` in order of size.

    Equal ones stay in their own order; NaN counts as the largest number.

    >>> import misstep as ms
    >>> ms.ops.argsort([3.0, 1.0, 2.0])
    [1, 2, 0]
    """
    return ArgSort(axis, descending)(as_value(x))


def sort(x: Operand, axis: int = -1, *, descending: bool = False) -> Value:
    """Return the entries along `axis` in order of size; NaN counts as the largest number.

    >>> import misstep as ms
    >>> ms.ops.sort([3.0, 1.0, 2.0])
    [1., 2., 3.]
    """
    value = as_value(x)
    return GatherElements(axis)(value, ArgSort(axis, descending)(value))


def top_k(x: Operand, k: int, axis: int = -1, *, largest: bool = True) -> tuple[Value, Value]:
    """Return the k largest entries along `axis`, the largest first, and their positions.

    Of equal ones those come first that stand first. `largest=False`: the smallest ones. Raises
    ArgumentError where there are not so many.

    >>> import misstep as ms
    >>> ms.ops.top_k([1.0, 4.0, 3.0, 2.0], 2)
    ([4., 3.], [1, 2])
    """
    value = as_value(x)
    order = ArgSort(axis, largest)(value)
    length = value.shape[axis]
    if isinstance(k, bool) or not 0 <= k <= length:
        raise ArgumentError(
            f"the k of top_k along axis {axis}", needed=f"0 to {length}", got=f"{k}"
        )
    positions = slice_axis(order, axis, 0, k)
    return GatherElements(axis)(value, positions), positions
