"""Pass: what a convolution reads with zeros around it is made in its place among them.

A pad is a copy; zeros and entries laid side by side are not: what makes the entries writes them
where they belong. No number changes. Zeros between entries are laid out in the same way, where
there is room behind the last one.
"""

from __future__ import annotations

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import convolution, relu
from misstep.ops.convolution import Convolution, WindowProducts
from misstep.ops.pieces import Concatenate, Pad

lay_out_pads = Rules("lay_out_pads", "what is read with zeros around it is made among them")


@lay_out_pads.on(Convolution, WindowProducts)
def operand_among_zeros(here: Rewriting, value: Value) -> Value | None:
    """Lay x, or what comes after it, and the zeros around it side by side."""
    assert value.op is not None
    laid = [_laid_out(here, operand) for operand in value.inputs]
    if all(new is old for new, old in zip(laid, value.inputs, strict=True)):
        return None
    return here.make(value.op, *laid)


def _laid_out(here: Rewriting, value: Value) -> Value:
    op = value.op
    if not isinstance(op, Pad) or value.size == 0 or value.inputs[0].size == 0:
        return value
    if value in here.notes:
        laid_before: Value = here.notes[value]
        return laid_before
    if any(gap > behind for gap, behind in zip(op.between, op.after, strict=True)):
        return value
    (x,) = value.inputs
    for axis in reversed(range(value.ndim)):
        before, after, gap = op.before[axis], op.after[axis], op.between[axis]
        if gap:
            apart = here.reshape(x, (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
            wide = _joined(here, apart, axis + 1, 0, gap)
            x = here.reshape(
                wide, (*x.shape[:axis], x.shape[axis] * (gap + 1), *x.shape[axis + 1 :])
            )
        x = _joined(here, x, axis, before, after - gap)
    here.notes[value] = x
    return x


def _joined(here: Rewriting, x: Value, axis: int, before: int, after: int) -> Value:
    """Return x with so many zeros before and after it along an axis, side by side."""
    front, behind = (
        [here.uniform(here.number(0, x), (*x.shape[:axis], count, *x.shape[axis + 1 :]))]
        if count
        else []
        for count in (before, after)
    )
    return here.make(Concatenate(axis), *front, x, *behind) if front or behind else x


@lay_out_pads.example
def _() -> Graph:
    x, w = make_input("x", (2, 4, 4, 1)), make_input("w", (3, 3, 1, 2))
    return Graph(convolution(relu(x), w, padding="same"))


@lay_out_pads.example
def _() -> Graph:
    x, w = make_input("x", (2, 3, 1)), make_input("w", (2, 1, 1))
    return Graph(convolution(Pad((0, 1, 0), (0, 2, 0), (0, 1, 0))(relu(x)), w))
