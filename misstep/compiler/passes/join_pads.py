"""Pass: two parts side by side, each with zeros where the other is, are joined instead of added.

So is the gradient of what is cut into parts, such as the gates of a recurrent layer: reverse mode
adds up what each part is answerable for, which would be as many sums over all of it. Not exact in
one thing: an entry of −0 stays −0, which a zero added to it would make +0.
"""

from __future__ import annotations

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import pad
from misstep.ops.arithmetic import Add
from misstep.ops.pieces import Concatenate, Pad

join_pads = Rules("join_pads", "parts with zeros around them are joined, not added", exact=False)


@join_pads.on(Add)
def sum_of_neighbors(here: Rewriting, value: Value) -> Value | None:
    """Join two padded values that lie side by side along one axis; pad what is left around them."""
    for first, second in (value.inputs, value.inputs[::-1]):
        before, after = first.op, second.op
        if not (isinstance(before, Pad) and isinstance(after, Pad)) or first.shape != second.shape:
            continue
        left, right = first.inputs[0], second.inputs[0]
        moved = [
            axis
            for axis in range(first.ndim)
            if (before.before[axis], before.after[axis]) != (0, 0)
            or (after.before[axis], after.after[axis]) != (0, 0)
        ]
        if len(moved) != 1 or any(before.between) or any(after.between):
            continue
        (axis,) = moved
        if before.before[axis] + left.shape[axis] != after.before[axis]:
            continue
        whole = here.make(Concatenate(axis), *_pieces(left, axis), *_pieces(right, axis))
        if before.before[axis] == after.after[axis] == 0:
            return whole
        return here.make(Pad(before.before, after.after, before.between), whole)
    return None


def _pieces(value: Value, axis: int) -> tuple[Value, ...]:
    joined = isinstance(value.op, Concatenate) and value.op.axis % value.ndim == axis
    return value.inputs if joined else (value,)


@join_pads.example
def _() -> Graph:
    x, y, z = (make_input(name, (2, 3)) for name in "xyz")
    middle = pad(y, [(0, 0), (3, 3)])
    return Graph(pad(x, [(0, 0), (6, 0)]) + middle + pad(z, [(0, 0), (0, 6)]))
