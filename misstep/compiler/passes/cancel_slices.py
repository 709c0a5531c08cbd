"""Pass: a part of something that was joined, padded, cut or repeated is cut from the source.

A slice is pushed towards what it takes from: to the one piece of a concatenate in which it lies,
into a pad, before a repeat, through reshapes that only add or remove axes of length 1; and
neighboring slices that are joined again become one. No number changes.
"""

from __future__ import annotations

from misstep.compiler.passes.facts import without_ones
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import broadcast_to, concatenate, pad, reshape
from misstep.ops.pieces import Concatenate, Pad, Slice
from misstep.ops.shape import BroadcastTo, Reshape, Transpose

cancel_slices = Rules("cancel_slices", "parts of what was joined or cut are cut from the source")

# Along each axis: first place, how many, and how far apart.
Cut = list[tuple[int, int, int]]


def _cut_of(value: Value) -> Cut:
    assert isinstance(value.op, Slice)
    return list(zip(value.op.starts, value.shape, value.op.steps, strict=True))


def cut(here: Rewriting, x: Value, slices: Cut) -> Value:
    """Return the slice of `x` that `slices` says; `x` itself when that is all of it."""
    if all(
        start == 0 and count == length and (step == 1 or count == 1)
        for (start, count, step), length in zip(slices, x.shape, strict=True)
    ):
        return x
    op = Slice(
        tuple([start if count else 0 for start, count, _ in slices]),
        tuple([start + (count - 1) * step + 1 if count else 0 for start, count, step in slices]),
        tuple([step if count > 1 else 1 for _, count, step in slices]),
    )
    return here.make(op, x)


@cancel_slices.on(Slice)
def slice_of_all(here: Rewriting, value: Value) -> Value | None:
    """Leave out a slice that takes everything."""
    return value.inputs[0] if value.inputs[0].shape == value.shape else None


@cancel_slices.on(Slice)
def slice_of_slice(here: Rewriting, value: Value) -> Value | None:
    """Cut once instead of twice."""
    (x,) = value.inputs
    if not isinstance(x.op, Slice):
        return None
    return cut(
        here,
        x.inputs[0],
        [
            (inner + outer * step, count, step * far)
            for (outer, count, far), (inner, _, step) in zip(
                _cut_of(value), _cut_of(x), strict=True
            )
        ],
    )


@cancel_slices.on(Slice)
def slice_of_joined(here: Rewriting, value: Value) -> Value | None:
    """Cut from the one piece in which all of the slice lies."""
    (x,) = value.inputs
    if not isinstance(x.op, Concatenate) or value.size == 0:
        return None
    axis = x.op.axis % x.ndim
    slices = _cut_of(value)
    first, count, step = slices[axis]
    last, start = first + (count - 1) * step, 0
    for piece in x.inputs:
        stop = start + piece.shape[axis]
        if start <= first and last < stop:
            slices[axis] = first - start, count, step
            return cut(here, piece, slices)
        start = stop
    return None


@cancel_slices.on(Slice)
def slice_of_repeated(here: Rewriting, value: Value) -> Value | None:
    """Cut before the repeat."""
    (x,) = value.inputs
    if not isinstance(x.op, BroadcastTo):
        return None
    (source,) = x.inputs
    slices = [
        axis_cut if length > 1 else (0, min(axis_cut[1], 1), 1)
        for axis_cut, length in zip(
            _cut_of(value)[x.ndim - source.ndim :], source.shape, strict=True
        )
    ]
    return here.broadcast(cut(here, source, slices), value.shape) if value.size else None


@cancel_slices.on(Slice)
def slice_of_turned(here: Rewriting, value: Value) -> Value | None:
    """Cut before the transpose."""
    (x,) = value.inputs
    if not isinstance(x.op, Transpose):
        return None
    slices = _cut_of(value)
    positions = [x.op.axes.index(axis) for axis in range(x.ndim)]
    return here.make(x.op, cut(here, x.inputs[0], [slices[position] for position in positions]))


@cancel_slices.on(Slice)
def slice_of_reshaped(here: Rewriting, value: Value) -> Value | None:
    """Cut before a reshape that only adds or removes axes of length 1."""
    (x,) = value.inputs
    if not isinstance(x.op, Reshape) or value.size == 0:
        return None
    (source,) = x.inputs
    if without_ones(source.shape) != without_ones(x.shape):
        return None
    moving = iter(
        [axis_cut for axis_cut, length in zip(_cut_of(value), x.shape, strict=True) if length != 1]
    )
    slices = [next(moving) if length != 1 else (0, 1, 1) for length in source.shape]
    return here.reshape(cut(here, source, slices), value.shape)


@cancel_slices.on(Slice)
def slice_of_padded(here: Rewriting, value: Value) -> Value | None:
    """Cut from what was padded, when nothing but its own entries is taken."""
    (x,) = value.inputs
    if not isinstance(x.op, Pad) or value.size == 0:
        return None
    (source,) = x.inputs
    slices = []
    for (start, count, step), length, before, between in zip(
        _cut_of(value), source.shape, x.op.before, x.op.between, strict=True
    ):
        apart = between + 1
        first = start - before
        last = first + (count - 1) * step
        if first % apart or (count > 1 and step % apart):
            return None
        if not 0 <= first <= last < (length - 1) * apart + 1:
            return None
        slices.append((first // apart, count, max(step // apart, 1)))
    return cut(here, source, slices)


@cancel_slices.on(Concatenate)
def join_of_neighbors(here: Rewriting, value: Value) -> Value | None:
    """Take two slices that lie side by side in one value as one slice."""
    assert isinstance(value.op, Concatenate)
    axis = value.op.axis % value.ndim
    pieces: list[Value] = []
    for piece in value.inputs:
        merged = _merged(here, pieces[-1], piece, axis) if pieces else None
        if merged is None:
            pieces.append(piece)
        else:
            pieces[-1] = merged
    if len(pieces) == len(value.inputs):
        return None
    return here.make(Concatenate(axis), *pieces) if len(pieces) > 1 else pieces[0]


def _merged(here: Rewriting, left: Value, right: Value, axis: int) -> Value | None:
    if not (isinstance(left.op, Slice) and isinstance(right.op, Slice)):
        return None
    if left.inputs[0] is not right.inputs[0]:
        return None
    first, second = _cut_of(left), _cut_of(right)
    (start, count, step), (next_start, more, next_step) = first[axis], second[axis]
    if step != 1 or next_step != 1 or start + count != next_start:
        return None
    if any(
        other_axis != axis and first[other_axis] != second[other_axis]
        for other_axis in range(left.ndim)
    ):
        return None
    first[axis] = start, count + more, 1
    return cut(here, left.inputs[0], first)


@cancel_slices.example
def _() -> Graph:
    x, y = make_input("x", (3, 2)), make_input("y", (4, 2))
    joined = concatenate([x, y], 0)
    return Graph({"x": joined[:3], "some": joined[4:7:2, 1:], "both": joined[2:4] + 1.0})


@cancel_slices.example
def _() -> Graph:
    x = make_input("x", (2, 10))
    return Graph({"row": reshape(x[1:2], (10,))[3:9:2], "all": x[:, 2:][:, ::3][0:2, 1:3]})


@cancel_slices.example
def _() -> Graph:
    x = make_input("x", (6, 2))
    whole = Slice((0, 0), (6, 2), (1, 1))(x)
    joined = concatenate([x[:2], x[2:5], x[5:]], 0)
    return Graph({"whole": whole, "joined": joined, "turned": x.T[1:, 2:4]})


@cancel_slices.example
def _() -> Graph:
    x = make_input("x", (3, 1))
    padded, wide = pad(x, [(2, 1), (0, 3)]), broadcast_to(x, (2, 3, 4))
    return Graph({"x": padded[2:5, :1], "one": padded[3:4, 0:1], "wide": wide[1:, 1:, :2]})
