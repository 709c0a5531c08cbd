"""Ops that run along an axis: the sums and the products of all entries up to each one.

Knows the program form and nothing of networks. Compiled, both go in log₂ n rounds, each of which
joins every entry with the one that is 1, 2, 4 … before it (G. Blelloch, "Prefix sums and their
applications", 1990); what the order of the interpreter's sums makes of rounding differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.errors import DtypeError
from misstep.ir import Array, Op, Type, Value, make_literal
from misstep.ir.op import Example, checked_axis
from misstep.ops.elementwise import Gradients, draw, draw_shape
from misstep.ops.lifting import Operand, as_value
from misstep.ops.pieces import concatenate, slice_axis
from misstep.ops.shape import broadcast_to


@dataclass(frozen=True)
class Cumulative(Op, abstract=True):
    """All entries along `axis` up to each one joined; with `reverse`, from each one on."""

    axis: int = -1
    reverse: bool = False
    # The number that changes nothing.
    neutral: ClassVar[float] = 0.0

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        checked_axis(self, self.axis, len(x.shape))
        if x.dtype == "bool":
            raise DtypeError(self.name, needed="numbers", got=str(x), try_="ms.ops.cast")
        return x

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random, int(random.integers(1, 4)))
        axis = int(random.integers(-len(shape), len(shape)))
        yield cls(axis, bool(random.integers(0, 2))), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(1), (np.zeros(3),)
        yield cls(0), (np.zeros(3, bool),)


def cumulative_sums(x: Array, axis: int, reverse: bool) -> Array:
    """Return the sums of all entries along an axis up to each one, or from each one on."""
    x = np.asarray(x)
    turned = np.flip(x, axis) if reverse else x
    sums = np.cumsum(turned, axis=axis, dtype=x.dtype)
    return np.flip(sums, axis) if reverse else sums


def cumulative_products(x: Array, axis: int, reverse: bool) -> Array:
    """Return the products of all entries along an axis up to each one, or from each one on."""
    x = np.asarray(x)
    turned = np.flip(x, axis) if reverse else x
    products = np.cumprod(turned, axis=axis, dtype=x.dtype)
    return np.flip(products, axis) if reverse else products


@dataclass(frozen=True)
class CumulativeSum(Cumulative):
    """The sum of all entries along `axis` up to each one; with `reverse`, from each one on."""

    name = "cumsum"
    words = "the sums of {0} so far"
    formula = "cumulated {0}"
    local_derivatives = ("1 up to it, else 0",)

    def run(self, x: Array) -> Array:
        return cumulative_sums(x, self.axis, self.reverse)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (CumulativeSum(self.axis, not self.reverse)(upstream),)

    def python(self, *names: str) -> str:
        return f"cumulative_sums({names[0]}, {self.axis}, {self.reverse})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (cumulative_sums,)


@dataclass(frozen=True)
class CumulativeProduct(Cumulative):
    """The product of all entries along `axis` up to each one; with `reverse`, from each one on."""

    name = "cumprod"
    words = "the products of {0} so far"
    formula = "cumulated product {0}"
    local_derivatives = ("the product of the others up to it, else 0",)
    neutral = 1.0

    def run(self, x: Array) -> Array:
        return cumulative_products(x, self.axis, self.reverse)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        axis = self.axis % x.ndim
        before = cumprod(x, axis, exclusive=True, reverse=self.reverse)
        # Of what follows: r_i = upstream_i + x_(i+1) · r_(i+1). Never divided, so exact at 0.
        factors = _shifted(x, axis, not self.reverse, 0.0)
        return (before * linear_recurrence(factors, upstream, axis, not self.reverse),)

    def python(self, *names: str) -> str:
        return f"cumulative_products({names[0]}, {self.axis}, {self.reverse})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (cumulative_products,)


def _shifted(x: Value, axis: int, reverse: bool, fill: float) -> Value:
    """Return the entries moved by one place along an axis, with `fill` in the place left free."""
    length = x.shape[axis]
    if not length:
        return x
    edge = broadcast_to(
        make_literal(np.array(fill), x.dtype), (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    )
    if reverse:
        return concatenate([slice_axis(x, axis, 1, length), edge], axis)
    return concatenate([edge, slice_axis(x, axis, 0, length - 1)], axis)


def linear_recurrence(factors: Value, terms: Value, axis: int, reverse: bool) -> Value:
    """Return r along an axis, with r_i = terms_i + factors_i · r_(i−1); reversed, r_(i+1).

    The first factor does not count. In log₂ n rounds: r_i = terms + factors · r_(i−step), for
    steps of 1, 2, 4 …
    """
    length = terms.shape[axis]
    step = 1
    while step < length:
        near = (0, length - step) if reverse else (step, length)
        far = (step, length) if reverse else (0, length - step)
        edge = (length - step, length) if reverse else (0, step)
        moved = slice_axis(factors, axis, *near)
        sums = slice_axis(terms, axis, *near) + moved * slice_axis(terms, axis, *far)
        products = moved * slice_axis(factors, axis, *far)
        ends = [slice_axis(whole, axis, *edge) for whole in (terms, factors)]
        joined = ([sums, ends[0]], [products, ends[1]])
        if not reverse:
            joined = ([ends[0], sums], [ends[1], products])
        terms, factors = (concatenate(parts, axis) for parts in joined)
        step *= 2
    return terms


# --- functions for people -----------------------------------------------------------------------


def cumsum(x: Operand, axis: int = -1, *, exclusive: bool = False, reverse: bool = False) -> Value:
    """Return the sum of all entries along `axis` up to each one.

    `exclusive`: without the entry itself. `reverse`: from each one on, not up to it.

    >>> import misstep as ms
    >>> ms.ops.cumsum([1.0, 2.0, 3.0])
    [1., 3., 6.]
    >>> ms.ops.cumsum([1.0, 2.0, 3.0], exclusive=True)
    [0., 1., 3.]
    """
    return _cumulated(CumulativeSum(axis, reverse), as_value(x), exclusive)


def cumprod(x: Operand, axis: int = -1, *, exclusive: bool = False, reverse: bool = False) -> Value:
    """Return the product of all entries along `axis` up to each one.

    `exclusive`: without the entry itself. `reverse`: from each one on, not up to it.

    >>> import misstep as ms
    >>> ms.ops.cumprod([2.0, 3.0, 4.0])
    [ 2.,  6., 24.]
    """
    return _cumulated(CumulativeProduct(axis, reverse), as_value(x), exclusive)


def _cumulated(op: Cumulative, x: Value, exclusive: bool) -> Value:
    result = op(x)
    if not exclusive:
        return result
    return _shifted(result, op.axis % x.ndim, op.reverse, op.neutral)
