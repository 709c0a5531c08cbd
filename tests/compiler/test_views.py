"""Views against NumPy: what they say of memory is what NumPy sees, step after step."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.compiler.language.views import Buffer, View, row_major
from misstep.ir import Array

SIZE = 96
MEMORY = np.arange(SIZE)
BUFFER = Buffer("memory", "int64", SIZE)


def seen(view: View) -> Array:
    """Return the numbers that a view shows of MEMORY."""
    entries = [
        MEMORY[view.offset + np.dot(at, view.strides).astype(int)]
        for at in product(*map(range, view.shape))
    ]
    return np.array(entries, MEMORY.dtype).reshape(view.shape)


def check(view: View, array: Array) -> None:
    assert view.shape == array.shape
    assert view.size == array.size
    np.testing.assert_array_equal(seen(view), array)
    touched = seen(view).reshape(-1)
    low, high = view.interval
    if view.size:
        assert (low, high) == (touched.min(), touched.max() + 1)
        in_order = touched == touched[0] + np.arange(view.size)
        assert view.is_contiguous == bool(in_order.all())
    else:
        assert low == high


shapes = st.lists(st.sampled_from([1, 1, 2, 3, 4]), min_size=0, max_size=3).map(tuple)


@st.composite
def factors(draw: st.DrawFn, size: int) -> tuple[int, ...]:
    """Return a shape with `size` entries."""
    shape: list[int] = []
    while size > 1:
        divisors = [divisor for divisor in range(2, size + 1) if size % divisor == 0]
        shape.append(draw(st.sampled_from(divisors)))
        size //= shape[-1]
    for _ in range(draw(st.integers(0, 2))):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return (*shape, 0) if size == 0 else tuple(shape)


@st.composite
def moved(draw: st.DrawFn, view: View, array: Array) -> tuple[View, Array]:
    """Return both seen in another way: as a view, and by NumPy."""
    axes = len(view.shape)
    kind = draw(st.sampled_from(["transpose", "slice", "flip", "broadcast", "reshape"]))
    if kind == "transpose":
        order = tuple(draw(st.permutations(range(axes))))
        return view.transpose(order), array.transpose(order)
    if kind == "slice":
        starts = tuple(draw(st.integers(0, length)) for length in view.shape)
        stops = tuple(
            draw(st.integers(start, length))
            for start, length in zip(starts, view.shape, strict=True)
        )
        steps = tuple(draw(st.integers(1, 3)) for _ in range(axes))
        part = array[(*map(slice, starts, stops, steps), ...)]
        return view.slice(starts, part.shape, steps), part
    if kind == "flip":
        turned = tuple(axis for axis in range(axes) if draw(st.booleans()))
        return view.flip(turned), np.flip(array, turned)[...]
    if kind == "broadcast" and axes < 5 and array.size < 100:
        front = draw(st.lists(st.integers(1, 2), max_size=1))
        shape = tuple(
            draw(st.sampled_from([1, 2, 3])) if length == 1 else length for length in view.shape
        )
        shape_wanted = (*front, *shape)
        return view.broadcast_to(shape_wanted), np.broadcast_to(array, shape_wanted)
    shape = draw(factors(array.size))
    return check_reshape(view, array, shape) or (view, array)


def check_reshape(view: View, array: Array, shape: tuple[int, ...]) -> tuple[View, Array] | None:
    """Return both in another shape, or None where NumPy, too, would have to copy."""
    other, expected = view.reshape(shape), np.reshape(array, shape)
    if other is None:
        assert not np.shares_memory(expected, array)
        return None
    check(other, expected)
    if array.size:
        assert np.shares_memory(expected, array)
    return other, expected


@given(data=st.data(), shape=shapes)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_views_are_what_numpy_sees(data: st.DataObject, shape: tuple[int, ...]) -> None:
    size = math.prod(shape)
    start = data.draw(st.integers(0, SIZE - size))
    view = View(BUFFER, start, shape, row_major(shape))
    array = MEMORY[start : start + size].reshape(shape)
    for _ in range(data.draw(st.integers(0, 5))):
        view, array = data.draw(moved(view, array))
        check(view, array)


@given(data=st.data(), first=shapes, second=shapes)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_views_that_touch_the_same_entry_overlap(
    data: st.DataObject, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    views = []
    for shape in (first, second):
        size = math.prod(shape)
        view = View(BUFFER, data.draw(st.integers(0, SIZE - size)), shape, row_major(shape))
        views.append(data.draw(moved(view, seen(view)))[0])
    one, other = views
    common = np.intersect1d(seen(one), seen(other))
    assert one.overlaps(other) or not common.size
    assert one.overlaps(other) == other.overlaps(one)
    elsewhere = View(Buffer("other", "int64", SIZE), one.offset, one.shape, one.strides)
    assert not one.overlaps(elsewhere)


@pytest.mark.parametrize(
    ("old", "order", "new"),
    [
        ((2, 3), (1, 0), (6,)),
        ((2, 3, 4), (1, 0, 2), (6, 4)),
        ((2, 3, 4), (0, 2, 1), (2, 3, 4)),
        ((4, 4), (1, 0), (2, 8)),
    ],
)
def test_some_shapes_can_not_be_told_by_strides(
    old: tuple[int, ...], order: tuple[int, ...], new: tuple[int, ...]
) -> None:
    assert View.whole(BUFFER, old).transpose(order).reshape(new) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((4, 6), (2, 12)),
        ((4, 6), (3, 8)),
        ((2, 3, 4), (4, 6)),
        ((24,), (1, 4, 1, 6)),
        ((1, 1), ()),
        ((), (1, 1)),
        ((0, 3), (2, 0)),
    ],
)
def test_all_that_lies_in_order_takes_any_shape(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    assert View.whole(BUFFER, old).reshape(new) == View.whole(BUFFER, new)


def test_views_of_the_same_entries_are_equal() -> None:
    whole = View.whole(BUFFER, (3, 4))
    assert whole.reshape((12,)) == View.whole(BUFFER, (12,))
    row = whole.slice((1, 0), (1, 4), (1, 1))
    assert row == View(BUFFER, 4, (1, 4), (99, 1))
    assert whole.flip((0,)).flip((0,)) == whole
    assert whole.transpose((1, 0)) != whole
    assert View.whole(Buffer("memory", "int64", SIZE), (3, 4)) != whole
