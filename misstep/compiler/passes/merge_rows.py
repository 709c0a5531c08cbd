"""Pass: what is done to each row of several axes of rows is done to all of them along one axis.

A layer that takes each row by itself (a matrix product, a normalization along the last axis) sees
(batch, places, features) as (batch · places, features). Written so throughout, the work entry by
entry around a product has the product's shape, and is done while its result is in a register.
Rules start from such a reshape, and move it behind what follows. Where a shape can't be merged (one
number for each example, repeated over its places), it stays. Numbers for each column, such as means
over a batch, are written without the axis of their one row.

Bits of compiled code stay: sums go through the same entries in the same order. NumPy may choose
another order for another shape, so the pass is not called exact.
"""

from __future__ import annotations

import math

from misstep import ops
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import relu, reshape
from misstep.ops.reduction import Max, Sum
from misstep.ops.shape import Reshape

merge_rows = Rules("merge_rows", "several axes of rows become one", exact=False)


@merge_rows.on_elementwise
def entries_of_rows(here: Rewriting, value: Value) -> Value | None:
    """Compute entry by entry in the shape that an input had before its rows were told apart."""
    op = value.op
    assert op is not None
    for operand in value.inputs:
        rows = _merged(operand)
        if rows is None or value.size < rows:
            continue
        lead = operand.shape if operand.size == rows else operand.shape[:-1]
        inputs = [_as_rows(here, operand, lead, value) for operand in value.inputs]
        merged = [row_input for row_input in inputs if row_input is not None]
        if len(merged) == len(inputs):
            return here.reshape(here.make(op, *merged), value.shape)
    return None


@merge_rows.on(Sum, Max)
def reduction_of_rows(here: Rewriting, value: Value) -> Value | None:
    """Reduce each row, or all of them, where they lie along one axis."""
    assert isinstance(value.op, Sum | Max)
    (x,) = value.inputs
    if _merged(x) is None or x.ndim < 3 or x.shape[-1] != x.inputs[0].shape[-1]:
        return None
    axes = {axis % x.ndim for axis in value.op.axes}
    last = x.ndim - 1
    reduction = type(value.op)
    if axes == {last} and x.shape[-1] > 1:
        return here.reshape(here.make(reduction((1,), True), x.inputs[0]), value.shape)
    if axes == set(range(last)):
        rows = here.reshape(x.inputs[0], (math.prod(x.shape[:-1]), x.shape[-1]))
        return here.reshape(here.make(reduction((0,)), rows), value.shape)
    return None


@merge_rows.on(Sum, Max)
def sums_of_columns(here: Rewriting, value: Value) -> Value | None:
    """Let the rows, which threads share out, be what is left: no axis of one row before it."""
    assert isinstance(value.op, Sum | Max)
    (x,) = value.inputs
    if not value.op.keep or value.size < 2 or 0 not in {axis % x.ndim for axis in value.op.axes}:
        return None
    return here.reshape(here.make(type(value.op)(value.op.axes), x), value.shape)


@merge_rows.on_elementwise
def without_leading_ones(here: Rewriting, value: Value) -> Value | None:
    """Compute in the shape that an input had before it was given leading axes of length 1."""
    lead = next((axis for axis, length in enumerate(value.shape) if length > 1), 0)
    if not lead or not any(
        isinstance(operand.op, Reshape) and operand.inputs[0].shape == value.shape[lead:]
        for operand in value.inputs
    ):
        return None
    assert value.op is not None
    inputs = [
        here.reshape(operand, operand.shape[max(lead - value.ndim + operand.ndim, 0) :])
        for operand in value.inputs
    ]
    return here.reshape(here.make(value.op, *inputs), value.shape)


def _merged(value: Value) -> int | None:
    """Return how many rows a value has along one axis before it is reshaped to several, if so."""
    if not isinstance(value.op, Reshape) or value.size == 0:
        return None
    (x,) = value.inputs
    if x.ndim != 2 or x.shape[0] == 1:
        return None
    rows, width = x.shape
    if value.ndim > 2 and value.shape[-1] == width and math.prod(value.shape[:-1]) == rows:
        return rows
    # One number for each row, whose last axis is gone: of rows, not of entries laid apart.
    if x.op is None or not (x.op.kernel or x.op.elementwise):
        return None
    return rows if width == 1 and value.ndim > 1 and value.shape != (1, rows) else None


def _as_rows(here: Rewriting, operand: Value, lead: tuple[int, ...], value: Value) -> Value | None:
    """Return an input of `value` as (rows, width), (width,) or one number; None if it can't be."""
    if operand.size == 1:
        return here.reshape(operand, ())
    rows = math.prod(lead)
    if value.shape == lead:  # one number for each row
        return here.reshape(operand, (rows, 1)) if operand.shape == lead else None
    if value.shape[:-1] != lead:
        return None
    shape = (1,) * (value.ndim - operand.ndim) + operand.shape
    if shape[:-1] == lead:
        return here.reshape(operand, (rows, shape[-1]))
    return here.reshape(operand, shape[-1:]) if math.prod(shape[:-1]) == 1 else None


@merge_rows.example
def _() -> Graph:
    x, bias = make_input("x", (6, 4)), make_input("bias", (4,))
    more = make_input("more", (2, 3, 4))
    return Graph(relu(reshape(x, (2, 3, 4)) + bias) * 2.0 + more)


@merge_rows.example
def _() -> Graph:
    x = make_input("x", (6, 4))
    return Graph(x - ops.sum(x, 0, keep=True) * make_input("share", (1, 4)))


@merge_rows.example
def _() -> Graph:
    x = reshape(make_input("x", (6, 4)), (2, 3, 4))
    far = x - ops.max(x, -1, keep=True)
    mean = ops.sum(far, (2,)) * 0.25
    return Graph(
        {"columns": ops.sum(far, (0, 1)), "mean": mean, "rest": far - reshape(mean, (2, 3, 1))}
    )
