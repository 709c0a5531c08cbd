"""Operators of orders, running sums, products along axes, and equations of sums."""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import WIDE, one_kind
from misstep.onnx_operators.importing.reductions import as_floats, imported
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of

imported("ReduceProd", as_floats(ops.prod), 1.0)


def _wide(x: Value) -> Value:
    return x if x.type.is_float else ops.cast(x, WIDE)


def _cumulated(product: bool, call: Call, x: Value, axis: Value) -> Value:
    function = ops.cumprod if product else ops.cumsum
    (at,) = call.known_wholes(axis, "an axis") or (0,)
    result = function(
        _wide(x),
        axis_of(call, x, at),
        exclusive=call.flag("exclusive"),
        reverse=call.flag("reverse"),
    )
    return result if result.dtype == x.dtype else ops.cast(result, x.dtype)


@imports("CumSum", since=11)
def cumulative_sum(call: Call, x: Value, axis: Value) -> Value:
    """Return the sum of all entries along an axis up to each one."""
    return _cumulated(False, call, x, axis)


@imports("CumProd", since=26)
def cumulative_product(call: Call, x: Value, axis: Value) -> Value:
    """Return the product of all entries along an axis up to each one."""
    return _cumulated(True, call, x, axis)


@imports("TopK")
def top_k(call: Call, x: Value, k: Value | None = None) -> tuple[Value, Value]:
    """Return the largest entries along an axis, or the smallest, and their positions."""
    (count,) = call.given_wholes("k", k) or (0,)
    call.ignores("sorted")  # an order is as good as any other
    at = axis_of(call, x, call.whole("axis", -1))
    if not 0 <= count <= x.shape[at]:
        raise call.broken(f"k from 0 to {x.shape[at]}", str(count))
    values, positions = ops.top_k(_wide(x), count, at, largest=call.flag("largest", True))
    return (values if values.dtype == x.dtype else ops.cast(values, x.dtype)), positions


@imports("Einsum", since=12)
def einsum(call: Call, *operands: Value) -> Value:
    """Return the sum of products that an equation names."""
    one_kind(call, *operands)
    result = ops.einsum(call.text("equation"), *[_wide(one) for one in operands])
    dtype = operands[0].dtype
    return result if result.dtype == dtype else ops.cast(result, dtype)


@imports("Trilu", since=14)
def triangle(call: Call, x: Value, k: Value | None = None) -> Value:
    """Return the entries of matrices above a diagonal, or below, and zeros."""
    offset = 0
    if k is not None:
        known = np.asarray(call.known(k, "a diagonal")).reshape(-1)
        offset = int(known[0]) if known.size == 1 else 0
    limit = max(x.shape[-2:], default=0) + 1
    offset = min(max(offset, -limit), limit)
    return (ops.triu if call.flag("upper", True) else ops.tril)(x, offset)
