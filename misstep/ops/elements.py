"""Ops that take and put single entries along an axis, each at a position of its own.

Positions are whole numbers from 0 on; nothing flows back to them. `indexing.py` takes whole rows.
Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, DtypeError, ShapeError
from misstep.ir import Array, Op, Type, Value, make_literal
from misstep.ir.op import Example, checked_axis, same_dtype
from misstep.ops.arithmetic import divide
from misstep.ops.comparison import cast, equal, where
from misstep.ops.elementwise import Gradients, draw, draw_shape
from misstep.ops.shape import broadcast_to

# How a new entry and the one that is there become one.
HOW = ("set", "add", "multiply", "minimum", "maximum")
_WHOLE = ("int32", "int64", "uint32")


def _check(op: Op, x: Type, positions: Type, axis: int) -> int:
    """Return the axis from the front. Raises DtypeError or ShapeError unless positions fit."""
    if positions.dtype not in _WHOLE:
        raise DtypeError(
            f"the positions of {op.name}",
            needed="whole numbers",
            got=str(positions),
            try_='ms.ops.cast(positions, "int64")',
        )
    at = checked_axis(op, axis, len(x.shape))
    fits = len(positions.shape) == len(x.shape) and all(
        count <= length or k == at
        for k, (count, length) in enumerate(zip(positions.shape, x.shape, strict=True))
    )
    if not fits:
        raise ShapeError(
            f"the positions of {op.name} along axis {axis}",
            needed=f"as many axes as {x.shape} has, the others no longer than there",
            got=str(positions.shape),
        )
    return at


def gathered_elements(x: Array, positions: Array, axis: int) -> Array:
    """Return for each position the entry that stands there along an axis, else at its own place."""
    part = tuple(
        slice(None) if k == axis % np.ndim(x) else slice(count)
        for k, count in enumerate(np.shape(positions))
    )
    return np.take_along_axis(np.asarray(x)[part], positions, axis)


def scattered_elements(x: Array, positions: Array, updates: Array, axis: int, how: str) -> Array:
    """Return a copy of x with updates put at positions along an axis, one after the other."""
    result = np.array(x)
    where: list[Array] = list(np.ogrid[tuple(map(slice, np.shape(positions)))])
    where[axis % np.ndim(x)] = positions
    if how == "set":
        result[tuple(where)] = updates
    elif how == "add":
        np.add.at(result, tuple(where), updates)
    elif how == "multiply":
        np.multiply.at(result, tuple(where), updates)
    elif how == "minimum":
        np.minimum.at(result, tuple(where), updates)
    else:
        np.maximum.at(result, tuple(where), updates)
    return result


@dataclass(frozen=True)
class GatherElements(Op):
    """For each position, the entry that stands there along `axis`, and else at its own place."""

    axis: int = -1
    name = "gather_elements"
    words = "the entries of {0} at {1}"
    formula = "{0}[{1}]"
    local_derivatives = ("1 where taken, else 0", "0")

    def type(self, *inputs: Type) -> Type:
        x, positions = inputs
        _check(self, x, positions, self.axis)
        return Type(positions.shape, x.dtype)

    def run(self, x: Array, positions: Array) -> Array:
        return gathered_elements(x, positions, self.axis)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, positions = value.inputs
        return ScatterElements(self.axis, "add")(_zeros(x), positions, upstream), None

    def python(self, *names: str) -> str:
        return f"gathered_elements({', '.join(names)}, {self.axis})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (gathered_elements,)

    def element(self, context: Any) -> Any:
        x = context.value.inputs[0]
        if not x.size:
            return context.zero()
        axis = self.axis % x.ndim
        here = list(context.positions)
        here[axis] = context.at(context.read(1, context.positions), x.shape[axis])
        return context.read(0, here)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        axis, x, positions = _drawn(random)
        yield cls(axis), (x, positions)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(0), (np.zeros((2, 2)), np.zeros((2, 2)))
        yield cls(0), (np.zeros((2, 2)), np.zeros(2, "int64"))
        yield cls(0), (np.zeros((2, 2)), np.zeros((2, 3), "int64"))
        yield cls(2), (np.zeros((2, 2)), np.zeros((2, 2), "int64"))


@dataclass(frozen=True)
class ScatterElements(Op):
    """x with each update put at its position along `axis`, and else at its own place.

    `how`: "set" (of several at one place the last one stays), "add", "multiply", "minimum" or
    "maximum" with what is there; a tie shares its gradient equally.
    """

    axis: int = -1
    how: str = "set"
    name = "scatter_elements"
    words = "{0} with {2} put at {1}"
    formula = "{0} with {2} at {1}"
    local_derivatives = ("1 where nothing is put", "0", "1 where it is put")

    def type(self, *inputs: Type) -> Type:
        x, positions, updates = inputs
        if self.how not in HOW:
            raise ArgumentError(
                f"how of {self.name}", needed=f"one of {', '.join(HOW)}", got=self.how
            )
        _check(self, x, positions, self.axis)
        if same_dtype(self, x, updates) == "bool" and self.how != "set":
            raise DtypeError(f"{self.name} to {self.how}", needed="numbers", got="truth values")
        if updates.shape != positions.shape:
            raise ShapeError(
                f"the updates of {self.name}", needed=str(positions.shape), got=str(updates.shape)
            )
        return x

    def run(self, x: Array, positions: Array, updates: Array) -> Array:
        return scattered_elements(x, positions, updates, self.axis, self.how)

    def python(self, *names: str) -> str:
        return f"scattered_elements({', '.join(names)}, {self.axis}, {self.how!r})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (scattered_elements,)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, positions, updates = value.inputs
        take = GatherElements(self.axis)
        add = ScatterElements(self.axis, "add")
        taken = take(upstream, positions)
        if self.how == "add":
            return upstream, None, taken
        if self.how == "set":
            # Which update stays where several are put at one place: each has its number.
            numbers = make_literal(np.arange(updates.size).reshape(updates.shape), "int64")
            nobody = broadcast_to(make_literal(np.array(-1), "int64"), x.shape)
            winners = ScatterElements(self.axis, "set")(nobody, positions, numbers)
            stays = equal(take(winners, positions), numbers)
            return where(equal(winners, -1), upstream, 0.0), None, where(stays, taken, 0.0)
        if self.how == "multiply":
            return self._of_products(x, positions, updates, upstream)
        # All that are equal to the result share.
        here, put = equal(x, value), equal(take(value, positions), updates)
        here, put = cast(here, x.dtype), cast(put, x.dtype)
        share = divide(upstream, add(here, positions, put))
        return share * here, None, take(share, positions) * put

    def _of_products(
        self, x: Value, positions: Value, updates: Value, upstream: Value
    ) -> Gradients:
        """Return the gradients of products: the product of all other factors at the place."""
        take = GatherElements(self.axis)
        add = ScatterElements(self.axis, "add")
        # Zeros are counted and left out of the products, so that nothing is divided by 0.
        zero, put_zero = equal(x, 0.0), equal(updates, 0.0)
        some, put_some = where(zero, 1.0, x), where(put_zero, 1.0, updates)
        product = ScatterElements(self.axis, "multiply")(some, positions, put_some)
        zeros = add(cast(zero, x.dtype), positions, cast(put_zero, x.dtype))
        alone = where(equal(zeros, 0.0), product, 0.0)
        but_one = where(equal(zeros, 1.0), product, 0.0)
        of_x = where(zero, but_one, alone / some)
        of_updates = where(put_zero, take(but_one, positions), take(alone, positions) / put_some)
        return upstream * of_x, None, take(upstream, positions) * of_updates

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        axis, x, positions = _drawn(random)
        how = HOW[int(random.integers(0, len(HOW)))]
        # Different numbers, away from each other and from 0: no ties, no kinks.
        numbers = random.permutation(x.size + positions.size) * 0.17 - 1.03
        yield (
            cls(axis, how),
            (
                numbers[: x.size].reshape(x.shape),
                positions,
                numbers[x.size :].reshape(positions.shape),
            ),
        )

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        two, places = np.zeros((2, 2)), np.zeros((2, 2), "int64")
        yield cls(0, "divide"), (two, places, two)
        yield cls(0), (two, two, two)
        yield cls(0), (two, places, np.zeros((2, 1)))
        yield cls(0), (two, np.zeros((2, 3), "int64"), np.zeros((2, 3)))
        yield cls(0, "add"), (two > 0, places, two > 0)
        yield cls(0), (two, places, np.zeros((2, 2), "float32"))


def _zeros(like: Value) -> Value:
    return broadcast_to(make_literal(np.zeros(()), like.dtype), like.shape)


def _drawn(random: np.random.Generator) -> tuple[int, Array, Array]:
    """Return an axis, numbers, and positions along the axis, sometimes fewer on other axes."""
    shape = draw_shape(random, int(random.integers(1, 4)))
    axis = int(random.integers(-len(shape), len(shape)))
    at = axis % len(shape)
    less = bool(random.random() < 0.3)
    counts = tuple(
        int(random.integers(0, 4))
        if k == at
        else int(random.integers(1, length + 1))
        if less
        else length
        for k, length in enumerate(shape)
    )
    return axis, draw(random, shape), random.integers(0, shape[at], counts)
