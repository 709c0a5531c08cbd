"""Pass: what is computed from literals only is computed now; equal entries become one number.

Literals are folded in their own dtype, as the interpreter would, so a simplified program must not
be turned into a float64 one afterwards. Subnormal numbers, written down or computed, become zeros,
as in all arithmetic of a program that runs. Nothing grows: a literal whose entries are all equal
(the ones of a gradient's seed, the zeros of a parameter without a gradient) becomes one number
repeated, and such repeats are never written out.
"""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.compiler.passes.facts import array_of, flushed, is_uniform
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Array, Graph, Op, Value, make_input, make_literal
from misstep.ops import add, broadcast_to, exp, multiply
from misstep.ops.shape import BroadcastTo

# A folded array of different entries is kept up to this size: a few cache lines.
MOST_ENTRIES = 64
# Entries that may be computed while compiling; some microseconds.
MOST_WORK = 4096


class FoldConstants(Rules):
    """Rules on all ops, and on the literals themselves."""

    def leaf(self, here: Rewriting, value: Value) -> Value:
        """Return one number repeated for a literal whose entries are all equal."""
        if not value.is_literal:
            return value
        given = array_of(value)
        array = flushed(given)
        if not value.shape or not is_uniform(array):
            return value if array is given else here.literal(array, value.dtype)
        return here.uniform(here.literal(array.reshape(-1)[0], value.dtype), value.shape)


fold_constants = FoldConstants("fold_constants", "literals are computed with beforehand")


@fold_constants.on(Op)
def fold(here: Rewriting, value: Value) -> Value | None:
    """Compute a value whose inputs are all literals, or literals repeated."""
    op = value.op
    if op is None or isinstance(op, BroadcastTo) or not value.inputs:
        return None
    work = value.size
    arrays: list[Array] = []
    for operand in value.inputs:
        literal, repeated = operand, isinstance(operand.op, BroadcastTo)
        if repeated:
            literal = operand.inputs[0]
        if not literal.is_literal:
            return None
        work += operand.size
        array = array_of(literal)
        arrays.append(np.broadcast_to(array, operand.shape) if repeated else array)
    if work > MOST_WORK:
        return None
    try:
        with np.errstate(all="ignore"):
            result = flushed(np.asarray(op.run(*arrays)))
    except (ArithmeticError, IndexError, ValueError):  # say so when it runs, not now
        return None
    if result.shape and is_uniform(result):
        return here.uniform(here.literal(result.reshape(-1)[0], value.dtype), value.shape)
    return here.literal(result, value.dtype) if result.size <= MOST_ENTRIES else None


@fold_constants.example
def _() -> Graph:
    x = make_input("x", (2, 3))
    return Graph(x * exp(add(make_literal(1.0, "float32"), make_literal(2.0, "float32"))))


@fold_constants.example
def _() -> Graph:
    x = make_input("x", (2, 3))
    return Graph(multiply(x, make_literal(np.full((2, 3), 0.5), "float32")))


@fold_constants.example
def _() -> Graph:
    x = make_input("x", (), "float64")
    return Graph(x * ops.sum(broadcast_to(make_literal(0.1), (7, 3)), 0)[1])
