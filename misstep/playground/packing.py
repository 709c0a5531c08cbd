"""Arrays and numbers as plain JSON: base64 of their bytes, and null for what is no finite number.

Knows arrays only.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from misstep.ir import Array

__all__ = ["finite", "number", "numbers", "picture", "shares"]

# Of an unsigned byte: the number that stands for 0 where pictures have two signs, and its largest
# distance from that.
ZERO, FARTHEST = 128, 127


def number(value: float) -> float | None:
    """Return a number, or None where it is not finite."""
    plain = float(value)
    return plain if math.isfinite(plain) else None


def numbers(array: Array) -> dict[str, Any]:
    """Return an array as little-endian float32 in base64, with its shape; NaN and ∞ stay."""
    narrow = np.ascontiguousarray(array, "<f4")
    return _packed("float32", narrow, array.shape)


def shares(array: Array) -> dict[str, Any]:
    """Return shares from 0 to 1 as bytes from 0 to 255; what is no number becomes 0."""
    whole = np.nan_to_num(np.asarray(array, "float64"), nan=0.0, posinf=1.0, neginf=0.0)
    return _packed("uint8", np.rint(np.clip(whole, 0.0, 1.0) * 255.0).astype("uint8"), array.shape)


def picture(array: Array) -> dict[str, Any]:
    """Return pictures of two signs as bytes, (pictures, rows, columns).

    128 is 0, 1 is −scale, 255 is +scale, where `scale` is the largest size in each picture; what is
    no number becomes 0. A picture of zeros has the scale 0.
    """
    wide = np.nan_to_num(np.asarray(array, "float64"), nan=0.0, posinf=0.0, neginf=0.0)
    scale = np.abs(wide).max(axis=(1, 2), initial=0.0)
    safe = np.where(scale > 0, scale, 1.0)[:, None, None]
    data = (ZERO + np.rint(wide / safe * FARTHEST)).astype("uint8")
    return _packed("uint8", data, array.shape) | {"scale": [float(one) for one in scale]}


def _packed(kind: str, array: Array, shape: tuple[int, ...]) -> dict[str, Any]:
    text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"dtype": kind, "shape": list(shape), "base64": text}


def finite(part: Any) -> Any:
    """Return plain JSON with None for every number in it that is not finite."""
    if isinstance(part, dict):
        return {name: finite(each) for name, each in part.items()}
    if isinstance(part, list | tuple):
        return [finite(each) for each in part]
    return number(part) if isinstance(part, float) else part
