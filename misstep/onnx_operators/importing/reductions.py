"""Operators that gather entries along axes into one: sums, means, extremes, norms, positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import WIDE, absolute
from misstep.onnx_operators.importing.rules import imports

Reducing = Callable[[Value, "tuple[int, ...]", bool], Value]


def reduced(call: Call, x: Value, axes: Value | None, function: Reducing) -> Value:
    """Return what `function` makes of the entries along axes; all of them where none is given."""
    keep = call.flag("keepdims", True)
    chosen = call.given_wholes("axes", axes)
    if call.flag("noop_with_empty_axes") and not chosen:
        return function(x, (), True)
    along = chosen or tuple(range(x.ndim))
    return function(
        x, tuple(axis % x.ndim if -x.ndim <= axis < x.ndim else axis for axis in along), keep
    )


def imported(operator: str, function: Reducing, empty: float | None = None) -> None:
    """Register a reduction; `empty`: what it makes of no entries."""

    def rule(call: Call, x: Value, axes: Value | None = None) -> Value:
        def of_any(x: Value, along: tuple[int, ...], keep: bool) -> Value:
            if any(x.shape[axis] == 0 for axis in along if -x.ndim <= axis < x.ndim):
                # Of no entries: what changes nothing that is put beside it.
                shape = ops.sum(x, along, keep).shape
                if empty is None:
                    raise call.refusal("at least one entry", str(x.shape))
                return ops.broadcast_to(make_literal(_least(empty, x.dtype), x.dtype), shape)
            return function(x, along, keep)

        return reduced(call, x, axes, of_any)

    imports(operator)(rule)


def _least(number: float, dtype: str) -> np.ndarray[Any, Any]:
    """Return a number, infinite ones as the last that a dtype has."""
    if dtype == "bool":
        return np.asarray(number > 0)
    if dtype.startswith("float") or np.isfinite(number):
        return np.asarray(number).astype(dtype)
    ends = np.iinfo(dtype)
    return np.asarray(ends.max if number > 0 else ends.min, dtype)


def as_floats(function: Reducing) -> Reducing:
    """Return a function of fractions for whole numbers too: their result is whole again."""

    def reducing(x: Value, axes: tuple[int, ...], keep: bool) -> Value:
        if x.type.is_float:
            return function(x, axes, keep)
        return ops.cast(function(ops.cast(x, WIDE), axes, keep), x.dtype)

    return reducing


def _sum(x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return ops.sum(x, axes, keep)


def _of_absolutes(x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return ops.sum(absolute(x), axes, keep)


def _of_squares(x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return ops.sum(x * x, axes, keep)


imported("ReduceSum", as_floats(_sum), 0.0)
imported("ReduceMean", as_floats(ops.mean))
imported("ReduceMax", as_floats(ops.max), float("-inf"))
imported("ReduceMin", as_floats(ops.min), float("inf"))
imported("ReduceL1", as_floats(_of_absolutes), 0.0)
imported("ReduceL2", as_floats(ops.norm), 0.0)
imported("ReduceSumSquare", as_floats(_of_squares), 0.0)
imported(
    "ReduceLogSum", as_floats(lambda x, axes, keep: ops.log(ops.sum(x, axes, keep))), float("-inf")
)
imported("ReduceLogSumExp", as_floats(ops.log_sum_exp), float("-inf"))


def _position(call: Call, x: Value, sign: float) -> Value:
    axis = call.whole("axis", 0)
    numbers = x if x.type.is_float else ops.cast(x, WIDE)
    numbers = numbers if sign > 0 else -numbers
    if call.flag("select_last_index"):
        (at,) = ops.shape.axes_of(x, axis)
        position = constant_from(x.shape[at] - 1) - ops.argmax(ops.flip(numbers, at), at)
    else:
        position = ops.argmax(numbers, axis)
    if not call.flag("keepdims", True):
        return position
    shape = list(x.shape)
    shape[axis] = 1
    return ops.reshape(position, shape)


def constant_from(number: int) -> Value:
    """Return a whole number as a literal."""
    return ops.cast(ops.as_value(number), "int64")


@imports("ArgMax")
def argmax(call: Call, x: Value) -> Value:
    """Return the position of the largest along an axis."""
    return _position(call, x, 1.0)


@imports("ArgMin")
def argmin(call: Call, x: Value) -> Value:
    """Return the position of the smallest along an axis."""
    return _position(call, x, -1.0)
