"""Operators that make, move, cut and join: constants, shapes, transposes, slices, pads, tiles."""

from __future__ import annotations

import math

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.ir.value import LONGEST
from misstep.onnx_operators.importing.call import MOST_KNOWN, Call
from misstep.onnx_operators.importing.elementwise import constant
from misstep.onnx_operators.importing.rules import imports


def axis_of(call: Call, x: Value, axis: int, more: int = 0) -> int:
    """Return an axis of x counted from the front. Raises FileFormatError where it is not there."""
    count = x.ndim + more
    if not -count <= axis < count:
        raise call.broken(f"an axis from {-count} to {count - 1}", str(axis))
    return axis % count


def checked_shape(call: Call, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape that numbers in a file say. Raises FileFormatError for one beyond memory."""
    if any(length < 0 for length in shape) or math.prod(shape) > LONGEST:
        raise call.broken("lengths of 0 or more, that memory can hold", str(shape))
    return shape


@imports("Constant")
def constant_tensor(call: Call) -> Value:
    """Return numbers of the file."""
    for name, read in (
        ("value", call.array),
        ("value_int", call.whole),
        ("value_ints", call.wholes),
        ("value_float", call.number),
        ("value_floats", call.numbers),
    ):
        if call.has(name):
            kind = "int64" if "int" in name else "float32"
            given = read(name)
            array = given if name == "value" else np.asarray(given, kind)
            return call.literal(array)
    raise call.refusal("numbers: value, value_int, value_float …", "none of these")


@imports("ConstantOfShape")
def constant_of_shape(call: Call, shape: Value) -> Value:
    """Return the same number everywhere."""
    value = call.array("value", np.zeros(1, "float32"))
    if value.size != 1:
        raise call.broken("one number as value", f"{value.size}")
    lengths = checked_shape(call, call.known_wholes(shape, "a shape"))
    return ops.broadcast_to(call.literal(value.reshape(())), lengths)


@imports("Shape")
def shape_of(call: Call, x: Value) -> Value:
    """Return the lengths of the axes, or of some of them."""
    start, end = call.whole("start", 0), call.whole("end", None)
    return make_literal(np.array(x.shape[slice(start, end)], "int64"))


@imports("Size")
def size_of(call: Call, x: Value) -> Value:
    """Return the number of entries."""
    return make_literal(np.array(x.size, "int64"))


@imports("Range")
def counting(call: Call, start: Value, limit: Value, delta: Value) -> Value:
    """Return numbers from `start` on, `delta` apart, before `limit`."""
    first, stop, step = (
        call.known(value, what).reshape(())
        for value, what in ((start, "a start"), (limit, "a limit"), (delta, "a step"))
    )
    if not step:
        raise call.broken("a step that is not 0", "0")
    count = max(math.ceil((stop.item() - first.item()) / step.item()), 0)
    if count > MOST_KNOWN:
        raise call.refusal(f"at most {MOST_KNOWN:,} numbers", f"{count:,}")
    return make_literal((first + np.arange(count) * step).astype(start.dtype))


@imports("EyeLike")
def eye_like(call: Call, x: Value) -> Value:
    """Return ones on a diagonal of a matrix of zeros."""
    if x.ndim != 2 or x.size > MOST_KNOWN:
        raise call.refusal("a matrix of at most a million entries", str(x.shape))
    element = call.whole("dtype", None)
    dtype = x.dtype if element is None else call.dtype(element)
    return make_literal(np.eye(x.shape[0], x.shape[1], k=call.whole("k", 0)), dtype)


@imports("Reshape")
def reshape(call: Call, x: Value, shape: Value) -> Value:
    """Return the same entries in another shape; 0 keeps a length, −1 is worked out."""
    wanted = list(call.known_wholes(shape, "a shape"))
    if not call.flag("allowzero"):
        for axis, length in enumerate(wanted):
            if length == 0:
                if axis >= x.ndim:
                    raise call.broken(f"0 only for axes of {x.shape}", str(tuple(wanted)))
                wanted[axis] = x.shape[axis]
    if any(length < -1 for length in wanted):
        raise call.broken("lengths of 0 or more, or −1", str(tuple(wanted)))
    if -1 in wanted and x.size == 0:
        wanted[wanted.index(-1)] = 0
    return ops.reshape(x, wanted)


@imports("Flatten")
def flatten(call: Call, x: Value) -> Value:
    """Return x as a matrix: axes before `axis` are rows."""
    axis = call.whole("axis", 1)
    if not -x.ndim <= axis <= x.ndim:
        raise call.broken(f"an axis from {-x.ndim} to {x.ndim}", str(axis))
    cut = axis if axis >= 0 else axis + x.ndim
    return ops.reshape(x, (math.prod(x.shape[:cut]), math.prod(x.shape[cut:])))


@imports("Transpose")
def transpose(call: Call, x: Value) -> Value:
    """Return x with its axes in another order, reversed where none is said."""
    return ops.transpose(x, call.wholes("perm", tuple(range(x.ndim))[::-1]))


@imports("Squeeze")
def squeeze(call: Call, x: Value, axes: Value | None = None) -> Value:
    """Return x without axes of length 1."""
    chosen = call.given_wholes("axes", axes)
    if chosen is None:
        chosen = tuple(axis for axis, length in enumerate(x.shape) if length == 1)
    dropped = {axis_of(call, x, axis) for axis in chosen}
    if any(x.shape[axis] != 1 for axis in dropped):
        raise call.broken("axes of length 1", f"axes {sorted(dropped)} of {x.shape}")
    return ops.reshape(x, [n for axis, n in enumerate(x.shape) if axis not in dropped])


@imports("Unsqueeze")
def unsqueeze(call: Call, x: Value, axes: Value | None = None) -> Value:
    """Return x with axes of length 1 more, where they shall be in the result."""
    chosen = call.given_wholes("axes", axes)
    if chosen is None:
        raise call.broken("axes", "none")
    added = {axis_of(call, x, axis, len(chosen)) for axis in chosen}
    if len(added) != len(chosen):
        raise call.broken("different axes", str(chosen))
    lengths = iter(x.shape)
    return ops.reshape(
        x, [1 if axis in added else next(lengths) for axis in range(x.ndim + len(chosen))]
    )


@imports("Expand")
def expand(call: Call, x: Value, shape: Value) -> Value:
    """Return x repeated along axes of length 1 and new axes in front."""
    wanted = checked_shape(call, call.known_wholes(shape, "a shape"))
    return ops.broadcast_to(x, checked_shape(call, np.broadcast_shapes(x.shape, wanted)))


@imports("Tile")
def tile(call: Call, x: Value, repeats: Value) -> Value:
    """Return x so many times one behind the other along each axis."""
    times = call.known_wholes(repeats, "numbers of repeats")
    if len(times) != x.ndim:
        raise call.broken(f"{x.ndim} numbers of repeats", str(times))
    checked_shape(call, tuple(n * count for n, count in zip(x.shape, times, strict=True)))
    folded = [part for length in x.shape for part in (1, length)]
    wide = [part for length, count in zip(x.shape, times, strict=True) for part in (count, length)]
    result = [length * count for length, count in zip(x.shape, times, strict=True)]
    if len(wide) > 32:
        raise call.refusal("at most 16 axes", f"{x.ndim}")
    return ops.reshape(ops.broadcast_to(ops.reshape(x, folded), wide), result)


@imports("Concat")
def concat(call: Call, *parts: Value) -> Value:
    """Return the inputs one behind the other along an axis."""
    return ops.concatenate(list(parts), axis_of(call, parts[0], call.whole("axis")))


@imports("Split")
def split(call: Call, x: Value, sizes: Value | None = None) -> tuple[Value, ...]:
    """Return x cut along an axis: into sizes that are said, or as evenly as can be."""
    axis = axis_of(call, x, call.whole("axis", 0))
    lengths = call.given_wholes("split", sizes)
    if lengths is None:
        count = call.whole("num_outputs", len(call.node.outputs))
        if not 1 <= count <= len(call.node.outputs):
            raise call.broken(f"{len(call.node.outputs)} outputs", f"num_outputs {count}")
        each = -(-x.shape[axis] // count)
        lengths = tuple(min(each, max(x.shape[axis] - each * number, 0)) for number in range(count))
    if sum(lengths) != x.shape[axis] or min(lengths, default=0) < 0:
        raise call.broken(f"sizes that add up to {x.shape[axis]}", str(lengths))
    parts, start = [], 0
    for length in lengths:
        parts.append(ops.slice_axis(x, axis, start, start + length))
        start += length
    return tuple(parts)


@imports("Slice")
def cut(
    call: Call,
    x: Value,
    starts: Value | None = None,
    ends: Value | None = None,
    axes: Value | None = None,
    steps: Value | None = None,
) -> Value:
    """Return some entries along some axes, forth or back."""
    first = call.given_wholes("starts", starts)
    last = call.given_wholes("ends", ends)
    if first is None or last is None or len(first) != len(last):
        raise call.broken("as many starts as ends", f"{first} and {last}")
    along = call.given_wholes("axes", axes, tuple(range(len(first))))
    apart = call.given_wholes("steps", steps, (1,) * len(first))
    assert along is not None
    assert apart is not None
    if not len(first) == len(along) == len(apart):
        raise call.broken("starts, ends, axes and steps of one number", f"{along} and {apart}")
    for start, end, axis, step in zip(first, last, along, apart, strict=True):
        at = axis_of(call, x, axis)
        if step == 0:
            raise call.broken("a step that is not 0", "0")
        length = x.shape[at]
        chosen = range(*slice(start, _before_all(end, step, length), step).indices(length))
        if not chosen:
            x = ops.slice_axis(x, at, 0, 0)
        elif step > 0:
            x = ops.slice_axis(x, at, chosen[0], chosen[-1] + 1, step)
        else:
            turned = ops.flip(ops.slice_axis(x, at, chosen[-1], chosen[0] + 1), at)
            x = ops.slice_axis(turned, at, 0, turned.shape[at], -step)
    return x


def _before_all(end: int, step: int, length: int) -> int | None:
    # Backwards, an end before the first entry is no entry at all; to Python it is one from behind.
    return None if step < 0 and end < -length else end


@imports("Dropout")
def dropout(
    call: Call, x: Value, ratio: Value | None = None, training: Value | None = None
) -> tuple[Value, Value]:
    """Return x as it is, as always when nothing is trained, and that all of it is kept."""
    call.ignores("seed", "ratio", "is_test")
    drawn = training is not None and bool(call.known(training, "training_mode").reshape(()))
    if drawn and (ratio is None or float(call.known(ratio, "a ratio").reshape(())) != 0.0):
        raise call.refusal("training_mode of 0", "1: numbers drawn by chance")
    return x, ops.broadcast_to(make_literal(np.array(True)), x.shape)


def blocks(x: Value, factors: tuple[int, ...], axes: tuple[int, ...]) -> Value:
    """Return x with each axis cut into blocks, (…, blocks, factor, …) in place of the axis."""
    shape: list[int] = []
    for axis, length in enumerate(x.shape):
        factor = factors[axes.index(axis)] if axis in axes else 0
        shape += [length // factor, factor] if factor else [length]
    return ops.reshape(x, shape)


@imports("DepthToSpace")
def depth_to_space(call: Call, x: Value) -> Value:
    """Return channels laid out as blocks of space."""
    block, mode = call.whole("blocksize"), call.one_of("mode", ("DCR", "CRD"), "DCR")
    n, c, h, w = _four(call, x)
    if block < 1 or c % (block * block):
        raise call.broken(f"channels that {block} × {block} divides", str(c))
    depth = c // (block * block)
    if mode == "DCR":
        parts = ops.transpose(ops.reshape(x, (n, block, block, depth, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        parts = ops.transpose(ops.reshape(x, (n, depth, block, block, h, w)), (0, 1, 4, 2, 5, 3))
    return ops.reshape(parts, (n, depth, h * block, w * block))


@imports("SpaceToDepth")
def space_to_depth(call: Call, x: Value) -> Value:
    """Return blocks of space laid out as channels."""
    block = call.whole("blocksize")
    mode = call.one_of("mode", ("DCR", "CRD"), "DCR")
    n, c, h, w = _four(call, x)
    if block < 1 or h % block or w % block:
        raise call.broken(f"height and width that {block} divides", f"{h} and {w}")
    cut_up = ops.reshape(x, (n, c, h // block, block, w // block, block))
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return ops.reshape(ops.transpose(cut_up, order), (n, c * block * block, h // block, w // block))


def _four(call: Call, x: Value) -> tuple[int, int, int, int]:
    if x.ndim != 4:
        raise call.broken("(batch, channels, height, width)", str(x.shape))
    n, c, h, w = x.shape
    return n, c, h, w


@imports("OneHot")
def one_hot(call: Call, indices: Value, depth: Value, values: Value) -> Value:
    """Return, along a new axis, one number at the index and another everywhere else."""
    known = call.known(depth, "a depth").reshape(-1)
    count = int(known[0]) if known.size == 1 else -1
    axis = axis_of(call, indices, call.whole("axis", -1), 1)
    shape = list(indices.shape)
    checked_shape(call, (*shape, count))
    if values.shape != (2,) or count > MOST_KNOWN:
        raise call.broken("two values, and a depth of at most a million", f"{count}")
    whole = ops.cast(indices, "int64")
    whole = ops.where(whole < constant(0, whole), whole + constant(count, whole), whole)
    places = [1] * (indices.ndim + 1)
    places[axis] = count
    hits = ops.equal(
        ops.reshape(whole, [*shape[:axis], 1, *shape[axis:]]),
        make_literal(np.arange(count).reshape(places), "int64"),
    )
    off, on = (ops.reshape(ops.slice_axis(values, 0, at, at + 1), ()) for at in (0, 1))
    return ops.where(hits, on, off)
