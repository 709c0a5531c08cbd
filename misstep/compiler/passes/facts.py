"""What is known of a value before anything runs. Knows the ops that move entries, and literals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from misstep.ir import Array, Value
from misstep.ops.shape import BroadcastTo, Reshape


def array_of(literal: Value) -> Array:
    """Return the numbers of a literal as a program sees them: in the literal's dtype."""
    # What float32 can't hold is inf there, without a word.
    with np.errstate(all="ignore"):
        return np.asarray(literal.data).astype(literal.dtype)


def flushed(array: Array) -> Array:
    """Return numbers with a zero of the same sign for each subnormal one, as programs take them."""
    if array.dtype.kind != "f":
        return array
    subnormal = (np.abs(array) < np.finfo(array.dtype).smallest_normal) & (array != 0)
    return np.where(subnormal, np.copysign(0, array), array) if subnormal.any() else array


def uniform_part(value: Value) -> Value | None:
    """Return the value of a single entry that is all of `value`, looking through moves."""
    while isinstance(value.op, BroadcastTo | Reshape):
        value = value.inputs[0]
    return value if value.size == 1 else None


def number_of(value: Value) -> Any:
    """Return the number that every entry of `value` is, in its dtype, if a literal's."""
    if value.op is not None:
        part = uniform_part(value)
        if part is None:
            return None
        value = part
    if not value.is_literal or value.size != 1:
        return None
    return array_of(value).reshape(())[()]


def is_number(value: Value, number: float) -> bool:
    """Tell whether every entry of `value` is this number, as it was given; 0.0 is not −0.0."""
    if value.op is not None:
        part = uniform_part(value)
        if part is None:
            return False
        value = part
    if not value.is_literal or value.data is None or value.size != 1:
        return False
    entry = value.data.item()
    return bool(entry == number) and (
        entry != 0 or not value.type.is_float or math.copysign(1, entry) == math.copysign(1, number)
    )


def same_number(a: Value, b: Value) -> bool:
    """Tell whether all entries of both are one and the same literal number, bit by bit."""
    first, second = number_of(a), number_of(b)
    return (
        first is not None
        and second is not None
        and a.dtype == b.dtype
        and first.tobytes() == second.tobytes()
    )


def is_uniform(array: Array) -> bool:
    """Tell whether all entries of `array` have the same bits; of none, no."""
    if array.size == 0:
        return False
    entries = array.reshape(-1)
    if array.size > 1 and array.dtype.kind == "f":
        entries = entries.view(f"u{array.dtype.itemsize}")
    return bool((entries == entries[0]).all())


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lengths that are not 1."""
    return tuple([length for length in shape if length != 1])
