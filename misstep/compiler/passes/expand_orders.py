"""Pass: orders, cumulated sums and scattered elements are written out in simple ops.

Orders and scattered elements by comparing all pairs, which no memory holds: the sum or the largest
of them is taken as they are made. Where that would be too many, the op stays, and the program runs
on the interpreter. Cumulated sums go in log₂ n rounds: their order, and with it rounding, is not
the interpreter's; all else keeps every bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops.arithmetic import Add, Multiply, Negative
from misstep.ops.bits import BitwiseNot
from misstep.ops.comparison import And, Cast, Equal, Less, LessEqual, Maximum, Not, Or, Where
from misstep.ops.cumulative import Cumulative, CumulativeSum, cumprod, cumsum
from misstep.ops.elements import GatherElements, ScatterElements
from misstep.ops.indexing import ScatterAdd
from misstep.ops.pieces import Concatenate, Slice
from misstep.ops.product import Product
from misstep.ops.reduction import Max, Sum
from misstep.ops.shape import Transpose
from misstep.ops.sorting import ArgSort, argsort

# Along an axis that is put in order: 16 million comparisons twice, measured as 6 ms for each row on
# one core (Zen 4; of 1,024 entries 0.35 ms, of 64 1.6 µs, as fast as NumPy sorts).
LONGEST_ORDER = 4096
# Places times updates, of a scattering that is no sum.
MOST_PAIRS = 2**24

expand_orders = Rules(
    "expand-orders",
    "orders, cumulated sums and scattered elements are written out in simple ops",
    exact=False,
)


def _part(here: Rewriting, x: Value, axis: int, start: int, stop: int) -> Value:
    starts, stops = [0] * x.ndim, list(x.shape)
    starts[axis], stops[axis] = start, stop
    return here.make(Slice(tuple(starts), tuple(stops), (1,) * x.ndim), x)


@expand_orders.on(Cumulative)
def cumulated_in_rounds(here: Rewriting, value: Value) -> Value | None:
    """Join each entry with the one that is 1, 2, 4 … places before it."""
    assert isinstance(value.op, Cumulative)
    (x,) = value.inputs
    axis, length, step = value.op.axis % x.ndim, x.shape[value.op.axis], 1
    join = Add() if isinstance(value.op, CumulativeSum) else Multiply()
    if length < 2:
        return x
    while step < length:
        first, last = _part(here, x, axis, 0, length - step), _part(here, x, axis, step, length)
        joined = here.make(join, first, last)
        if value.op.reverse:
            parts = joined, _part(here, x, axis, length - step, length)
        else:
            parts = _part(here, x, axis, 0, step), joined
        x = here.make(Concatenate(axis), *parts)
        step *= 2
    return x


def _last(here: Rewriting, x: Value, axis: int) -> tuple[Value, tuple[int, ...]]:
    """Return x with an axis moved to the end, and the order that moves it back."""
    if axis == x.ndim - 1:
        return x, ()
    order = (*(k for k in range(x.ndim) if k != axis), axis)
    return here.make(Transpose(order), x), tuple(order.index(k) for k in range(x.ndim))


def _back(here: Rewriting, x: Value, order: tuple[int, ...]) -> Value:
    return here.make(Transpose(order), x) if order else x


def _column(here: Rewriting, x: Value) -> Value:
    return here.reshape(x, (*x.shape, 1))


def _row(here: Rewriting, x: Value) -> Value:
    return here.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


@expand_orders.on(ArgSort)
def order_by_comparing(here: Rewriting, value: Value) -> Value | None:
    """An entry's rank is how many go before it; at a rank stands the one that has it."""
    assert isinstance(value.op, ArgSort)
    (x,) = value.inputs
    axis = value.op.axis % x.ndim
    length = x.shape[axis]
    if length > LONGEST_ORDER or not x.size:
        return None
    rows, back = _last(here, x, axis)
    if rows.dtype == "bool":
        rows = here.make(Cast("int32"), rows)
    own, other = _column(here, rows), _row(here, rows)
    small, large = (own, other) if value.op.descending else (other, own)
    before = here.make(Less(), small, large)
    tie = here.make(Equal(), own, other)
    if x.type.is_float:
        # NaN is the largest of all, and no larger than another.
        numbers = here.make(Equal(), rows, rows)
        own_number, other_number = _column(here, numbers), _row(here, numbers)
        number, nan = (
            (own_number, other_number) if value.op.descending else (other_number, own_number)
        )
        before = here.make(Or(), before, here.make(And(), number, here.make(Not(), nan)))
        neither = here.make(Not(), here.make(Or(), own_number, other_number))
        tie = here.make(Or(), tie, neither)
    places = np.arange(length)
    sooner = here.literal(places[None, :] < places[:, None], "bool")
    before = here.make(Or(), before, here.make(And(), tie, sooner))
    ranks = here.make(Sum((rows.ndim,)), before)
    wanted = here.literal(places.reshape((length, 1)), "int64")
    has_it = here.make(Equal(), _row(here, ranks), wanted)
    zero = here.literal(np.int64(0), "int64")
    which = here.make(Where(), has_it, here.literal(places, "int64"), zero)
    return _back(here, here.make(Sum((rows.ndim,)), which), back)


@expand_orders.on(ScatterElements)
def scattering_by_comparing(here: Rewriting, value: Value) -> Value | None:
    """For each place, all updates along its row are looked at; sums go by rows of one entry."""
    assert isinstance(value.op, ScatterElements)
    x, positions, updates = value.inputs
    axis = value.op.axis % x.ndim
    if not positions.size or not x.size:
        return x
    if value.op.how == "add":
        return _added(here, x, positions, updates, axis)
    others = [k for k in range(x.ndim) if k != axis]
    pairs = x.size * positions.shape[axis]
    if pairs > MOST_PAIRS or any(x.shape[k] != positions.shape[k] for k in others):
        return None
    (rows, back), (where, _), (put, _) = (_last(here, one, axis) for one in value.inputs)
    where = here.make(Cast("int64"), where) if where.dtype != "int64" else where
    places = here.literal(np.arange(rows.shape[-1]).reshape(-1, 1), "int64")
    hits = here.make(Equal(), _row(here, where), places)
    return _back(here, _WAYS[value.op.how](here, rows, hits, put), back)


def _set(here: Rewriting, rows: Value, hits: Value, put: Value) -> Value:
    count = put.shape[-1]
    numbers = here.literal(np.arange(1, count + 1), "int64")
    zero, less = (here.literal(np.int64(number), "int64") for number in (0, -1))
    last = here.make(Max((hits.ndim - 1,)), here.make(Where(), hits, numbers, zero))
    hit = here.make(Less(), zero, last)
    from_last = here.make(Where(), hit, here.make(Add(), last, less), zero)
    return here.make(Where(), hit, here.make(GatherElements(-1), put, from_last), rows)


def _largest(here: Rewriting, rows: Value, hits: Value, put: Value) -> Value:
    least = -np.inf if rows.type.is_float else np.iinfo(rows.dtype).min
    chosen = here.make(Where(), hits, _row(here, put), here.number(least, rows))
    return here.make(Maximum(), rows, here.make(Max((hits.ndim - 1,)), chosen))


def _smallest(here: Rewriting, rows: Value, hits: Value, put: Value) -> Value:
    opposite = Negative() if rows.type.is_float else BitwiseNot()
    other_way = (here.make(opposite, one) for one in (rows, put))
    return here.make(opposite, _largest(here, next(other_way), hits, next(other_way)))


def _product(here: Rewriting, rows: Value, hits: Value, put: Value) -> Value:
    chosen = here.make(Where(), hits, _row(here, put), here.number(1, rows))
    return here.make(Multiply(), rows, here.make(Product((hits.ndim - 1,)), chosen))


_WAYS: dict[str, Callable[[Rewriting, Value, Value, Value], Value]] = {
    "set": _set,
    "maximum": _largest,
    "minimum": _smallest,
    "multiply": _product,
}


def _added(here: Rewriting, x: Value, positions: Value, updates: Value, axis: int) -> Value:
    """Return x with updates added to rows of one entry each; those outside are left out."""
    steps = [math.prod(x.shape[k + 1 :]) for k in range(x.ndim)]
    where = here.make(Cast("int64"), positions) if positions.dtype != "int64" else positions
    zero, length = (here.literal(np.int64(n), "int64") for n in (0, x.shape[axis]))
    inside = here.make(And(), here.make(LessEqual(), zero, where), here.make(Less(), where, length))
    flat = here.make(Multiply(), where, here.literal(np.int64(steps[axis]), "int64"))
    for k, count in enumerate(positions.shape):
        if k != axis and count > 1:
            shape = [count if axis_ == k else 1 for axis_ in range(x.ndim)]
            own = here.literal((np.arange(count) * steps[k]).reshape(shape), "int64")
            flat = here.make(Add(), flat, own)
    flat = here.make(Where(), inside, flat, here.literal(np.int64(x.size), "int64"))
    flat = here.broadcast(flat, positions.shape)
    one_by_one = (
        here.reshape(x, (x.size,)),
        here.reshape(flat, (positions.size,)),
        here.reshape(updates, (updates.size,)),
    )
    return here.reshape(here.make(ScatterAdd(), *one_by_one), x.shape)


@expand_orders.example
def _() -> Graph:
    x = make_input("x", (3, 2))
    return Graph([cumsum(x), cumprod(x, 0, reverse=True)])


@expand_orders.example
def _() -> Graph:
    x, n = make_input("x", (3, 4)), make_input("n", (4,), "int64")
    return Graph([argsort(x, 0), argsort(n, descending=True)])


@expand_orders.example
def _() -> Graph:
    x, n = make_input("x", (3, 4)), make_input("n", (2, 4), "int64")
    updates = make_input("u", (2, 4))
    ways = ("set", "add", "multiply", "minimum", "maximum")
    return Graph([ScatterElements(0, how)(x, n, updates) for how in ways])
