"""Entries in another arrangement: rolled, repeated, padded with other values or with themselves.

No ops of their own: made of slices, flips, joins and broadcasts. Knows nothing of networks.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Value, make_literal
from misstep.ir.op import checked_axis
from misstep.ops.comparison import cast, equal, less_equal, where
from misstep.ops.lifting import Operand, as_value, together
from misstep.ops.pieces import Pad, Slice, concatenate, slice_axis
from misstep.ops.shape import Flip, broadcast_to, flip, reshape

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _whole(number: object, what: str) -> int:
    try:
        if isinstance(number, bool):
            raise TypeError
        return operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentError(what, needed="a whole number", got=repr(number)) from None


def along(x: Value, axis: int, positions: Array) -> Value:
    """Return the entries of x at known positions along an axis, as few slices and joins as can be.

    Positions that go up or down by 1 are one slice; the same one several times is repeated.
    """
    parts: list[Value] = []
    start = 0
    while start < len(positions):
        step, stop = 1, start + 1
        if stop < len(positions):
            step = int(positions[stop] - positions[start])
            if abs(step) > 1:
                step = 1
            while stop < len(positions) and positions[stop] - positions[stop - 1] == step:
                stop += 1
        first, last = int(positions[start]), int(positions[stop - 1])
        if step == 0:
            one = slice_axis(x, axis, first, first + 1)
            parts.append(broadcast_to(one, (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])))
        elif step == 1:
            parts.append(slice_axis(x, axis, first, last + 1))
        else:
            parts.append(flip(slice_axis(x, axis, last, first + 1), axis))
        start = stop
    if not parts:
        return slice_axis(x, axis, 0, 0)
    return parts[0] if len(parts) == 1 else concatenate(parts, axis)


def roll(x: Operand, shift: int, axis: int) -> Value:
    """Return `x` with its entries moved on by `shift` along `axis`; what goes over comes in again.

    >>> import misstep as ms
    >>> ms.ops.roll([1.0, 2.0, 3.0], 1, 0)
    [3., 1., 2.]
    """
    value = as_value(x)
    at = checked_axis(Flip(()), axis, value.ndim)
    positions = np.roll(np.arange(value.shape[at]), _whole(shift, "the shift of roll"))
    return along(value, at, positions)


def repeat(x: Operand, count: int, axis: int) -> Value:
    """Return `x` with each of its entries `count` times, one after the other, along `axis`.

    >>> import misstep as ms
    >>> ms.ops.repeat([1.0, 2.0], 2, 0)
    [1., 1., 2., 2.]
    """
    value = as_value(x)
    at = checked_axis(Flip(()), axis, value.ndim)
    times = _whole(count, "the count of repeat")
    if times < 0:
        raise ArgumentError("the count of repeat", needed="0 or more", got=repr(count))
    front, behind = value.shape[: at + 1], value.shape[at + 1 :]
    wide = broadcast_to(reshape(value, (*front, 1, *behind)), (*front, times, *behind))
    return reshape(wide, (*front[:-1], front[-1] * times, *behind))


def tile(x: Operand, counts: int | Sequence[int]) -> Value:
    """Return `x` several times along each axis: as many as `counts` say, from the last axis on.

    >>> import misstep as ms
    >>> ms.ops.tile([1.0, 2.0], 2)
    [1., 2., 1., 2.]
    """
    value = as_value(x)
    given = counts if isinstance(counts, Sequence | np.ndarray) else (counts,)
    times = [_whole(count, "the counts of tile") for count in given]
    if min(times, default=0) < 0:
        raise ArgumentError("the counts of tile", needed="0 or more", got=repr(counts))
    times = [1] * (value.ndim - len(times)) + times
    shape = (1,) * (len(times) - value.ndim) + value.shape
    apart = [length for one in shape for length in (1, one)]
    wide = [length for pair in zip(times, shape, strict=True) for length in pair]
    repeated = broadcast_to(reshape(value, apart), wide)
    return reshape(repeated, [a * b for a, b in zip(times, shape, strict=True)])


def pad(
    x: Operand, widths: Sequence[tuple[int, int]], *, mode: str = "constant", value: Operand = 0.0
) -> Value:
    """Return `x` with entries around it: for each axis, how many before and how many after.

    `mode`: "constant" for `value` everywhere; "edge" for the entry at the edge; "reflect" for the
    entries seen in a mirror that stands on the edge, "symmetric" in one that stands behind it;
    "wrap" for those of the other end. Widths below 0 cut off. Raises ShapeError or ArgumentError.

    >>> import misstep as ms
    >>> ms.ops.pad([1.0, 2.0], [(1, 2)])
    [0., 1., 2., 0., 0.]
    >>> ms.ops.pad([1.0, 2.0, 3.0], [(1, 2)], mode="reflect")
    [2., 1., 2., 3., 2., 1.]
    """
    result = as_value(x)
    if mode not in MODES:
        raise ArgumentError("the mode of pad", needed=f"one of {', '.join(MODES)}", got=repr(mode))
    sides = [tuple(_whole(one, "a width of pad") for one in pair) for pair in widths]
    if len(sides) != result.ndim or any(len(pair) != 2 for pair in sides):
        raise ShapeError(
            "pad", needed=f"two widths for each axis of {result.shape}", got=str(widths)
        )
    result = _cut(result, sides)
    counts = [(max(before, 0), max(after, 0)) for before, after in sides]
    if mode == "constant":
        return _filled(result, counts, value)
    for axis, (before, after) in enumerate(counts):
        length = result.shape[axis]
        if before == after == 0:
            continue
        if not length:
            raise ShapeError(f"pad by {mode}", needed="an entry or more", got=str(result.shape))
        positions = np.pad(np.arange(length), (before, after), mode=mode)  # type: ignore[call-overload]
        result = along(result, axis, positions)
    return result


def _cut(x: Value, sides: Sequence[tuple[int, ...]]) -> Value:
    """Return x without what widths below 0 cut off."""
    starts = tuple(max(-before, 0) for before, _ in sides)
    stops = tuple(
        length - max(-after, 0) for length, (_, after) in zip(x.shape, sides, strict=True)
    )
    if not any(starts) and stops == x.shape:
        return x
    if any(start > stop for start, stop in zip(starts, stops, strict=True)):
        raise ShapeError("pad", needed="no more cut off than there is", got=f"{sides} of {x.shape}")
    return Slice(starts, stops, (1,) * x.ndim)(x)


def _filled(x: Value, counts: Sequence[tuple[int, int]], fill: Operand) -> Value:
    if not any(map(any, counts)):
        return x
    if not isinstance(fill, Value) and np.all(np.asarray(fill) == 0):
        before, after = zip(*counts, strict=True)
        return Pad(tuple(before), tuple(after), (0,) * x.ndim)(x)
    _, filler = together(x, fill)
    if filler.size != 1:
        raise ShapeError("the value of pad", needed="a single number", got=str(filler.shape))
    filler = reshape(filler, ())
    for axis, pair in enumerate(counts):
        front, behind = (
            [broadcast_to(filler, (*x.shape[:axis], count, *x.shape[axis + 1 :]))] if count else []
            for count in pair
        )
        x = concatenate([*front, x, *behind], axis) if front or behind else x
    return x


# --- triangles ----------------------------------------------------------------------------------


def tril(x: Operand, k: int | Value = 0) -> Value:
    """Return the matrices of `x` (its last two axes) with 0 above diagonal k; 0 is the main one.

    >>> import misstep as ms
    >>> ms.ops.tril([[1.0, 2.0], [3.0, 4.0]])
    [[1., 0.],
     [3., 4.]]
    """
    value = _matrices(x, "tril")
    rows, columns = _places(value)
    return where(less_equal(columns, rows + k), value, _zero(value))


def triu(x: Operand, k: int | Value = 0) -> Value:
    """Return the matrices of `x` (its last two axes) with 0 below diagonal k; 0 is the main one.

    >>> import misstep as ms
    >>> ms.ops.triu([[1.0, 2.0], [3.0, 4.0]])
    [[1., 2.],
     [0., 4.]]
    """
    value = _matrices(x, "triu")
    rows, columns = _places(value)
    return where(less_equal(rows + k, columns), value, _zero(value))


def _matrices(x: Operand, what: str) -> Value:
    value = as_value(x)
    if value.ndim < 2:
        raise ShapeError(what, needed="two axes or more", got=str(value.shape))
    return value


def _places(x: Value) -> tuple[Value, Value]:
    rows = make_literal(np.arange(x.shape[-2])[:, None], "int64")
    return rows, make_literal(np.arange(x.shape[-1])[None, :], "int64")


def _zero(like: Value) -> Value:
    return make_literal(np.zeros(()), like.dtype)


# --- made of their numbers ----------------------------------------------------------------------


def one_hot(positions: Operand, length: int, axis: int = -1, dtype: str = "float32") -> Value:
    """Return zeros of `length` along a new axis, with 1 at each position.

    Positions below 0 count from behind; for those outside, there is no 1.

    >>> import misstep as ms
    >>> ms.ops.one_hot([1, 0], 3)
    [[0., 1., 0.],
     [1., 0., 0.]]
    """
    raw = positions if isinstance(positions, Value) else make_literal(positions, "int64")
    where_ = cast(raw, "int64")
    at = checked_axis(Flip(()), axis, where_.ndim + 1)
    apart = reshape(where_, (*where_.shape[:at], 1, *where_.shape[at:]))
    apart = where(less_equal(apart, -1), apart + length, apart)
    places = np.arange(length).reshape((length, *[1] * (where_.ndim - at)))
    return cast(equal(apart, make_literal(places, "int64")), dtype)
