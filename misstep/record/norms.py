"""Sums of squares of gradients, weights and updates, however small or large their numbers are.

Knows arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Between these a sum of squares in float32, which takes a tenth of the time of float64, is right:
# outside of them squares may have been too small for it, or too large.
SMALLEST_SQUARE, LARGEST_SQUARE = 1e-20, 1e30


def sum_of_squares(numbers: npt.NDArray[Any]) -> float:
    """Return Σ x² of a flat array; in float64 where float32 is too narrow for it."""
    square = float(np.dot(numbers, numbers))
    if numbers.dtype != np.float64 and not SMALLEST_SQUARE < square < LARGEST_SQUARE:
        wide = numbers.astype("float64")
        return float(np.dot(wide, wide))
    return square
