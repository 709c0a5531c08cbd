"""Subscripts: what x[key] means for a Value, as NumPy's basic indexing has it.

Knows keys, and puts them together from slicing, flipping and reshaping.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.ops.lifting import Operand, as_value
from misstep.ops.pieces import Slice
from misstep.ops.shape import Flip, reshape


def index(x: Operand, key: Any) -> Value:
    """Return `x[key]` for whole numbers, slices, `...` and None, as NumPy's basic indexing does."""
    value = as_value(x)
    keys = key if isinstance(key, tuple) else (key,)
    used = sum(1 for one in keys if one is not None and one is not Ellipsis)
    if used > value.ndim or sum(1 for one in keys if one is Ellipsis) > 1:
        raise ShapeError(f"indexing {value.describe()}", needed=f"at most {value.ndim} indices")
    rest = [slice(None)] * (value.ndim - used)
    place = next((k for k, one in enumerate(keys) if one is Ellipsis), len(keys))
    full = [*keys[:place], *rest, *keys[place + 1 :]]
    starts, stops, steps, flips, shape = [], [], [], [], []
    axis = 0
    for one in full:
        if one is None:
            shape.append(1)
            continue
        length = value.shape[axis]
        if isinstance(one, slice):
            places = range(*one.indices(length))
            if places.step < 0:
                flips.append(axis)
                places = places[::-1]
            starts.append(places.start if len(places) else 0)
            stops.append(places[-1] + 1 if len(places) else 0)
            steps.append(places.step)
            shape.append(len(places))
        elif isinstance(one, int | np.integer) and not isinstance(one, bool):
            if not -length <= one < length:
                raise IndexError(f"index {one} is outside axis {axis} of length {length}")
            starts.append(int(one) % length)
            stops.append(int(one) % length + 1)
            steps.append(1)
        else:
            raise ArgumentError(
                f"indexing {value.describe()}",
                needed="whole numbers, slices, ... or None",
                got=type(one).__name__,
                try_="ms.ops.gather for positions in an array",
            )
        axis += 1
    part = value
    if (tuple(starts), tuple(stops), tuple(steps)) != (
        (0,) * value.ndim,
        value.shape,
        (1,) * value.ndim,
    ):
        part = Slice(tuple(starts), tuple(stops), tuple(steps))(value)
    if flips:
        part = Flip(tuple(flips))(part)
    return reshape(part, shape)
