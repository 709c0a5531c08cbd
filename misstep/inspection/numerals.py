"""Numbers as Python source that gives back the same bits. Knows NumPy and nothing of programs."""

from __future__ import annotations

import base64
import textwrap
from typing import Any

import numpy as np

from misstep.ir import Array

# Entries that a reader may still want to see; more are written as base64.
MOST_SHOWN = 256
_WIDTH = 92


def plain_number(number: Any) -> str:
    """Return a Python number that becomes `number` again when it meets its dtype.

    Shortest digits that do: 0.1 for float32's 0.100000001490116.
    """
    if not isinstance(number, np.floating):
        return repr(number.item())
    if np.isnan(number):
        return "np.nan"
    if np.isinf(number):
        return "np.inf" if number > 0 else "-np.inf"
    short = repr(float(str(number)))
    # Reading in float64 and rounding to float32 rounds twice, which may miss the last bit.
    return short if type(number)(float(short)) == number else repr(float(number))


def typed_number(number: Any) -> str:
    """Return an expression for `number` that carries its dtype: `np.float32(0.1)`."""
    dtype = "bool_" if number.dtype == bool else number.dtype.name
    return f"np.{dtype}({plain_number(number)})"


def is_uniform(array: Array) -> bool:
    """Tell whether all entries of `array` are the same bits (or there are none)."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if not flat.size:
        return True
    first = flat[:1].tobytes()
    return flat.tobytes() == first * flat.size


def array_text(array: Array) -> str:
    """Return an expression for `array`, its bits, shape and dtype included."""
    dtype = f'"{array.dtype.name}"'
    flat = array.reshape(-1)
    if array.ndim == 0:
        return typed_number(array[()])
    if is_uniform(array):
        first = flat[0] if flat.size else flat.dtype.type(0)
        negative = array.dtype.kind == "f" and np.signbit(first)
        if first == 0 and not negative:
            return f"np.zeros({array.shape}, {dtype})"
        return f"np.full({array.shape}, {plain_number(first)}, {dtype})"
    if array.size > MOST_SHOWN or np.isnan(flat).any():
        return _packed(array, dtype)
    nested = f"np.array({_nested(array)}, {dtype})"
    if len(nested) <= _WIDTH:
        return nested
    lines = _wrapped([plain_number(number) for number in flat])
    listed = "\n".join(f"    {line}" for line in lines)
    return f"np.array([\n{listed}\n], {dtype}).reshape({array.shape})"


def _wrapped(words: list[str]) -> list[str]:
    # A break at the hyphen of 1e-05 would tear the number.
    return textwrap.wrap(", ".join(words), _WIDTH, break_on_hyphens=False, break_long_words=False)


def _nested(array: Array) -> str:
    if array.ndim == 0:
        return plain_number(array[()])
    return f"[{', '.join(_nested(part) for part in array)}]"


def _packed(array: Array, dtype: str) -> str:
    """Return `array` as base64, little-endian: long, or with NaNs whose bits digits would lose."""
    order = array.dtype.newbyteorder("<")
    letters = base64.b64encode(array.astype(order).tobytes()).decode("ascii")
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(letters, _WIDTH))
    read = f'np.frombuffer(base64.b64decode(\n{lines}\n), "{order.str}")'
    return f"{read}.astype({dtype}).reshape({array.shape})"
