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
    used = sum(1 for item in keys if item is not None and item is not Ellipsis)
    if used > value.ndim or sum(1 for item in keys if item is Ellipsis) > 1:
        raise ShapeError(f"indexing {value.describe()}", needed=f"at most {value.ndim} indices")
    rest = [slice(None)] * (value.ndim - used)
    ellipsis = next((k for k, item in enumerate(keys) if item is Ellipsis), len(keys))
    full = [*keys[:ellipsis], *rest, *keys[ellipsis + 1 :]]
    starts, stops, steps, flips, shape = [], [], [], [], []
    axis = 0
    for item in full:
        if item is None:
            shape.append(1)
            continue
        length = value.shape[axis]
        if isinstance(item, slice):
            indices = range(*item.indices(length))
            if indices.step < 0:
                flips.append(axis)
                indices = indices[::-1]
            starts.append(indices.start if len(indices) else 0)
            stops.append(indices[-1] + 1 if len(indices) else 0)
            steps.append(indices.step)
            shape.append(len(indices))
        elif isinstance(item, int | np.integer) and not isinstance(item, bool):
            if not -length <= item < length:
                raise IndexError(f"index {item} is outside axis {axis} of length {length}")
            starts.append(int(item) % length)
            stops.append(int(item) % length + 1)
            steps.append(1)
        else:
            raise ArgumentError(
                f"indexing {value.describe()}",
                needed="whole numbers, slices, ... or None",
                got=type(item).__name__,
                try_="ms.ops.gather for positions in an array",
            )
        axis += 1
    result = value
    if (tuple(starts), tuple(stops), tuple(steps)) != (
        (0,) * value.ndim,
        value.shape,
        (1,) * value.ndim,
    ):
        result = Slice(tuple(starts), tuple(stops), tuple(steps))(value)
    if flips:
        result = Flip(tuple(flips))(result)
    return reshape(result, shape)
