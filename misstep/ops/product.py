"""The op that multiplies all entries along axes, and truths that hold for some or for all.

Knows the program form and nothing of networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import Array, Type, Value, make_literal
from misstep.ops.comparison import logical_not
from misstep.ops.cumulative import cumprod
from misstep.ops.elementwise import Gradients
from misstep.ops.lifting import Operand, as_value
from misstep.ops.reduction import Max, Reduction
from misstep.ops.shape import Axes, axes_of, broadcast_to, reshape, transpose


def product_along(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    """Return the products along axes, in the dtype of x (of truth values: whole numbers)."""
    x = np.asarray(x)
    dtype = np.int64 if x.dtype == bool else x.dtype
    keepdims: Any = keep
    return np.asarray(np.prod(x, axis=axes, keepdims=keepdims, dtype=dtype))


@dataclass(frozen=True)
class Product(Reduction):
    """The product along `axes`; the slope by an entry is the product of the others, exactly."""

    name = "prod"
    words = "the product of {0}"
    formula = "Π {0}"
    kernel = "reduction"
    local_derivatives = ("the product of the others",)

    def result_dtype(self, x: Type) -> str:
        return "int64" if x.dtype == "bool" else x.dtype

    def run(self, x: Array) -> Array:
        return product_along(x, self.axes, self.keep)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        reduced = sorted(axis % x.ndim for axis in self.axes)
        order = [axis for axis in range(x.ndim) if axis not in reduced] + reduced
        moved = transpose(x, order) if x.ndim else x
        kept = moved.shape[: x.ndim - len(reduced)]
        rows = reshape(moved, (*kept, math.prod(moved.shape[len(kept) :])))
        # What stands before an entry times what stands behind it: never divided, so exact at 0.
        others = cumprod(rows, -1, exclusive=True) * cumprod(rows, -1, exclusive=True, reverse=True)
        back = reshape(others, moved.shape)
        if x.ndim:
            back = transpose(back, [order.index(axis) for axis in range(x.ndim)])
        return (broadcast_to(self.over(upstream, x), x.shape) * back,)

    def python(self, *names: str) -> str:
        return f"product_along({names[0]}, {self.axes}, {self.keep})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (product_along,)


# --- functions for people -----------------------------------------------------------------------


def prod(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the product along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.prod([[1.0, 2.0], [3.0, 4.0]], axis=0)
    [3., 8.]
    """
    value = as_value(x)
    return Product(axes_of(value, axis), keep)(value)


def any(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return whether a truth value holds somewhere along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.any([[True, False], [False, False]], axis=1)
    [ True, False]
    """
    value = as_value(x)
    if value.dtype != "bool":
        raise DtypeError(
            "any and all", needed="truth values", got=str(value.type), try_="a comparison as x > 0"
        )
    op = Max(axes_of(value, axis), keep)
    if value.size:
        return op(value)
    # The largest of none is nothing, but nothing of none holds.
    shape = Product(op.axes, keep).type(value.type).shape
    return broadcast_to(make_literal(np.array(False), "bool"), shape)


def all(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return whether a truth value holds everywhere along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.all([[True, False], [True, True]], axis=1)
    [False,  True]
    """
    return logical_not(any(logical_not(x), axis, keep))
