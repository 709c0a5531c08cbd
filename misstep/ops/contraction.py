"""Ops that multiply and sum over a shared axis: the matrix product, batched over leading axes.

Knows the program form and nothing of networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.errors import ShapeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, float_dtype
from misstep.ops.elementwise import Gradients, draw
from misstep.ops.lifting import Operand, together
from misstep.ops.shape import reshape, transpose


@dataclass(frozen=True)
class MatrixProduct(Op):
    """(…, rows, inner) times (…, inner, columns) → (…, rows, columns); leading axes broadcast."""

    name = "matrix_product"
    words = "the matrix product of {0} and {1}"
    formula = "{0} {1}"
    local_derivatives = ("{1}", "{0}")
    kernel = "contraction"

    def type(self, *inputs: Type) -> Type:
        a, b = inputs
        dtype = float_dtype(self, a, b)
        if len(a.shape) < 2 or len(b.shape) < 2:
            raise ShapeError(
                "matrix product",
                needed="two values of at least two axes",
                got=f"{a.shape} and {b.shape}",
            )
        if a.shape[-1] != b.shape[-2]:
            raise ShapeError(
                "matrix product",
                needed="the last axis of the first as long as the last but one of the second",
                got=f"{a.shape} and {b.shape} ({a.shape[-1]} against {b.shape[-2]})",
                try_="transposing one of them with .T",
            )
        try:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            raise ShapeError(
                "matrix product",
                needed="leading axes that broadcast",
                got=f"{a.shape} and {b.shape}",
            ) from None
        return Type((*batch, a.shape[-2], b.shape[-1]), dtype)

    def run(self, a: Array, b: Array) -> Array:
        return np.matmul(a, b)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        a, b = value.inputs
        return upstream @ swap_last(b), swap_last(a) @ upstream

    def products(self, value: Value) -> int:
        return value.size * value.inputs[0].shape[-1]

    def python(self, *names: str) -> str:
        return f"{names[0]} @ {names[1]}"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        rows, inner, columns, batch = (int(n) for n in random.integers(1, 5, 4))
        choice = int(random.integers(0, 4))
        front = [(), (batch,), (batch,), (1, batch)][choice]
        back = [(), (batch,), (), (2, 1)][choice]
        yield cls(), (draw(random, (*front, rows, inner)), draw(random, (*back, inner, columns)))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros((2, 3)), np.zeros((2, 3)))
        yield cls(), (np.zeros(3), np.zeros((3, 2)))
        yield cls(), (np.zeros((2, 2, 3)), np.zeros((3, 3, 2)))
        yield cls(), (np.zeros((2, 3), "int64"), np.zeros((3, 2), "int64"))


def swap_last(x: Value) -> Value:
    """Return `x` with its last two axes swapped."""
    order = list(range(x.ndim))
    order[-2:] = order[-1], order[-2]
    return transpose(x, order)


def matmul(a: Operand, b: Operand) -> Value:
    """Return the matrix product; a single axis counts as one row (left) or one column (right).

    >>> import misstep as ms
    >>> ms.ops.matmul([[1.0, 2.0]], [[3.0], [4.0]])
    [[11.]]
    """
    left, right = together(a, b)
    if left.ndim == 0 or right.ndim == 0:
        raise ShapeError(
            "matrix product",
            needed="values with axes",
            got=f"{left.shape} and {right.shape}",
            try_="multiplying with *",
        )
    first = reshape(left, (1, *left.shape)) if left.ndim == 1 else left
    second = reshape(right, (*right.shape, 1)) if right.ndim == 1 else right
    product = MatrixProduct()(first, second)
    shape = product.shape
    if left.ndim == 1:
        shape = (*shape[:-2], shape[-1])
    if right.ndim == 1:
        shape = shape[:-1]
    return reshape(product, shape)
