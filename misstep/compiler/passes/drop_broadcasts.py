"""Pass: ops that work entry by entry broadcast by themselves, so what repeats before them goes.

Where the result itself is repeated, it is computed once and repeated afterwards: e^x of one number
repeated a thousand times is one exponential. Bits stay: entries are computed from the same numbers.
"""

from __future__ import annotations

import numpy as np

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import broadcast_to, exp, reshape
from misstep.ops.shape import BroadcastTo, Reshape

drop_broadcasts = Rules("drop_broadcasts", "repeats go where an op repeats by itself")


@drop_broadcasts.on_elementwise
def repeat_afterwards(here: Rewriting, value: Value) -> Value | None:
    """Compute from what was repeated, and repeat the result if it needs it."""
    for operand in value.inputs:
        if isinstance(operand.op, BroadcastTo):
            break
    else:
        return None
    assert value.op is not None
    inputs = []
    for operand in value.inputs:
        while isinstance(operand.op, BroadcastTo):
            (operand,) = operand.inputs
        inputs.append(operand)
    return here.broadcast(here.make(value.op, *inputs), value.shape)


@drop_broadcasts.on_elementwise
def leading_ones(here: Rewriting, value: Value) -> Value | None:
    """Leave out a reshape that only adds or removes leading axes of length 1."""
    if len(value.inputs) < 2:
        return None
    assert value.op is not None
    inputs = list(value.inputs)
    changed = False
    for index, operand in enumerate(value.inputs):
        if not isinstance(operand.op, Reshape):
            continue
        (x,) = operand.inputs
        if _without_leading_ones(x.shape) != _without_leading_ones(operand.shape):
            continue
        others = [other.shape for at, other in enumerate(inputs) if at != index]
        if np.broadcast_shapes(x.shape, *others) == value.shape:
            inputs[index] = x
            changed = True
    return here.make(value.op, *inputs) if changed else None


@drop_broadcasts.on(BroadcastTo)
def one_repeat(here: Rewriting, value: Value) -> Value | None:
    """Repeat once instead of twice, not at all, or from the shape without leading ones."""
    (x,) = value.inputs
    if x.shape == value.shape:
        return x
    if isinstance(x.op, BroadcastTo):
        return here.broadcast(x.inputs[0], value.shape)
    if isinstance(x.op, Reshape):
        (source,) = x.inputs
        if source.size == 1:
            return here.uniform(source, value.shape) if x.shape else None
        if source.ndim <= value.ndim and (
            _without_leading_ones(source.shape) == _without_leading_ones(x.shape)
        ):
            return here.broadcast(source, value.shape)
    if x.size == 1 and x.shape:
        return here.uniform(x, value.shape)
    return None


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    lead = 0
    while lead < len(shape) and shape[lead] == 1:
        lead += 1
    return shape[lead:]


@drop_broadcasts.example
def _() -> Graph:
    x, b = make_input("x", (4, 3)), make_input("b", (3,))
    return Graph(x * broadcast_to(reshape(b, (1, 3)), (4, 3)))


@drop_broadcasts.example
def _() -> Graph:
    return Graph(exp(broadcast_to(make_input("b", (3,)), (5, 3))))


@drop_broadcasts.example
def _() -> Graph:
    b = reshape(broadcast_to(make_input("b", ()), (5,)), (5, 1))
    return Graph(make_input("x", (5, 2)) + broadcast_to(b, (5, 2)))


@drop_broadcasts.example
def _() -> Graph:
    return Graph(make_input("x", (4, 3)) * reshape(make_input("b", (3,)), (1, 3)))
