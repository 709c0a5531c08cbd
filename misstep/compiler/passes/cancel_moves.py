"""Pass: moves of entries that undo each other, or do nothing, are left out.

Moves change no number, so every rule keeps every bit. Here: reshape, transpose, flip, pad and
concatenate. What becomes of slices stands in `cancel_slices.py`, of broadcasts in
`drop_broadcasts.py`.
"""

from __future__ import annotations

from misstep.compiler.passes.facts import uniform_part
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import broadcast_to, concatenate, flip, pad, reshape, transpose
from misstep.ops.pieces import Concatenate, Pad, Slice
from misstep.ops.shape import BroadcastTo, Flip, Reshape, Transpose

cancel_moves = Rules("cancel_moves", "moves that undo each other are left out")


@cancel_moves.on(Reshape)
def reshape_of_reshape(here: Rewriting, value: Value) -> Value | None:
    """Only the last shape counts; also behind a transpose that moves axes of length 1 only."""
    (x,) = value.inputs
    if x.shape == value.shape:
        return x
    if isinstance(x.op, Reshape) or (isinstance(x.op, Transpose) and _keeps_order(x)):
        return here.reshape(x.inputs[0], value.shape)
    return None


@cancel_moves.on(Transpose)
def transpose_of_transpose(here: Rewriting, value: Value) -> Value | None:
    """Put two orders of axes into one; leave out the order they had anyway."""
    assert isinstance(value.op, Transpose)
    (x,) = value.inputs
    axes = value.op.axes
    if axes == tuple(range(len(axes))):
        return x
    if isinstance(x.op, Transpose):
        inner = x.op.axes
        return here.make(Transpose(tuple([inner[axis] for axis in axes])), x.inputs[0])
    # Axes of length 1 may stand anywhere: no entry moves.
    return here.reshape(x, value.shape) if _keeps_order(value) else None


def _keeps_order(transposed: Value) -> bool:
    assert isinstance(transposed.op, Transpose)
    lengths = transposed.inputs[0].shape
    moved = [axis for axis in transposed.op.axes if lengths[axis] != 1]
    return moved == sorted(moved)


@cancel_moves.on(Reshape, Transpose, Slice, Flip)
def moved_uniform(here: Rewriting, value: Value) -> Value | None:
    """However a single repeated entry is moved, it is that entry repeated."""
    (x,) = value.inputs
    if not isinstance(x.op, BroadcastTo) or value.size == 0:
        return None
    part = uniform_part(x)
    return None if part is None else here.uniform(part, value.shape)


@cancel_moves.on(Flip)
def flip_of_flip(here: Rewriting, value: Value) -> Value | None:
    """Turn each axis once or not at all; what has one entry has no order."""
    assert isinstance(value.op, Flip)
    (x,) = value.inputs
    axes = {axis % x.ndim for axis in value.op.axes}
    source = x
    while isinstance(source.op, Flip):
        axes ^= {axis % x.ndim for axis in source.op.axes}
        (source,) = source.inputs
    kept_axes = tuple(sorted(axis for axis in axes if x.shape[axis] > 1))
    if not kept_axes:
        return source
    if source is x and kept_axes == value.op.axes:
        return None
    return here.make(Flip(kept_axes), source)


@cancel_moves.on(Pad)
def pad_of_pad(here: Rewriting, value: Value) -> Value | None:
    """Leave out a pad of nothing; put two pads around a value into one."""
    assert isinstance(value.op, Pad)
    (x,) = value.inputs
    if x.shape == value.shape:
        return x
    if not isinstance(x.op, Pad) or any(value.op.between):
        return None
    before = tuple([a + b for a, b in zip(value.op.before, x.op.before, strict=True)])
    after = tuple([a + b for a, b in zip(value.op.after, x.op.after, strict=True)])
    return here.make(Pad(before, after, x.op.between), x.inputs[0])


@cancel_moves.on(Concatenate)
def join_of_joins(here: Rewriting, value: Value) -> Value | None:
    """Join pieces of pieces at once; leave out pieces of no length."""
    assert isinstance(value.op, Concatenate)
    axis = value.op.axis % value.ndim
    if len(value.inputs) == 1:
        return value.inputs[0]
    pieces: list[Value] = []
    for piece in value.inputs:
        if isinstance(piece.op, Concatenate) and piece.op.axis % piece.ndim == axis:
            pieces += piece.inputs
        elif piece.shape[axis]:
            pieces.append(piece)
    if not pieces:  # nothing joined to nothing
        return value.inputs[0]
    if len(pieces) == len(value.inputs) and axis == value.op.axis:
        return None
    return here.make(Concatenate(axis), *pieces)


@cancel_moves.on(Concatenate)
def join_of_one_number(here: Rewriting, value: Value) -> Value | None:
    """Repeat a number once when every piece repeats it."""
    first = uniform_part(value.inputs[0])
    if first is None or any(uniform_part(piece) is not first for piece in value.inputs):
        return None
    return here.uniform(first, value.shape)


@cancel_moves.example
def _() -> Graph:
    x = make_input("x", (4, 6))
    turned = transpose(transpose(reshape(reshape(x, (2, 12)), (3, 2, 4)), (2, 0, 1)), (1, 2, 0))
    return Graph(reshape(turned, (4, 6)) + 1.0)


@cancel_moves.example
def _() -> Graph:
    x = make_input("x", (1, 5))
    return Graph({"column": transpose(x), "flat": reshape(flip(flip(x, (0, 1)), 1), (5,))})


@cancel_moves.example
def _() -> Graph:
    one = broadcast_to(make_input("x", ()), (2, 3))
    return Graph({"turned": transpose(one), "joined": concatenate([one, one], 1)})


@cancel_moves.example
def _() -> Graph:
    x, y = make_input("x", (2,)), make_input("y", (3,))
    joined = concatenate([concatenate([x, y], 0), concatenate([y[3:]], 0)], -1)
    return Graph(pad(pad(joined, [(1, 2)]), [(0, 1)]))
