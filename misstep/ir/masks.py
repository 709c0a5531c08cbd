"""Masked arrays: what is under a mask is not known, whatever number stands there.

Knows arrays only. Whoever takes an array from people asks here first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.errors import DataError

__all__ = ["FILLED", "known_values", "refuse_mask", "without_mask"]

# What to try where a network itself is given a mask.
FILLED = "filling or leaving out masked values"
# Images are (rows, height, width, channels).
IMAGE_AXES = 4


def without_mask(array: Any, which: str) -> NDArray[Any]:
    """Return an array without a mask: what was under it is NaN, NaT or None.

    `which`: what messages call it. Fields of structured arrays keep their masks.
    """
    if not isinstance(array, np.ma.MaskedArray) or array.dtype.names:
        return np.asarray(array) if not isinstance(array, np.ma.MaskedArray) else array
    mask = np.ma.getmaskarray(array)
    plain: NDArray[Any] = np.asarray(array.data)
    if not mask.any():
        return plain
    if plain.dtype.kind in "iuf":
        return np.where(mask, np.nan, plain.astype(np.float64))
    if plain.dtype.kind in "mM":
        return np.where(mask, np.array("NaT", plain.dtype), plain)
    if plain.dtype.kind not in "bOUS":
        raise DataError(which, needed="numbers, dates or texts under a mask", got=str(plain.dtype))
    cells = plain.astype(object)
    cells[mask] = None
    return cells


def known_values(data: Any, which: str) -> Any:
    """Return rows without a mask, NaN where it was; what is no masked array as it is.

    Raises DataError for masked bytes and images, in which nothing can say that it is missing.
    """
    if isinstance(data, list | tuple) and any(isinstance(one, np.ma.MaskedArray) for one in data):
        return [known_values(one, which) for one in data]
    if not isinstance(data, np.ma.MaskedArray) or data.dtype.names:
        return data
    if data.dtype == np.uint8 or data.ndim > IMAGE_AXES - 1:
        return refuse_mask(data, which, "filling the masked pixels, data.filled(0)")
    return without_mask(data, which)


def refuse_mask(array: Any, which: str, try_: str) -> Any:
    """Return an array without a mask, unchanged. Raises DataError where values are masked."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    mask = np.ma.getmaskarray(array)
    if mask.any():
        first = np.argwhere(mask)[0]
        raise DataError(
            which,
            needed="known values, none of them masked",
            got=f"{int(mask.sum()):,} masked, the first in row {int(first[0]) + 1}",
            try_=try_,
        )
    return np.asarray(array.data)
