"""Which entries of sequences count, through layers that look at several of them at once.

A sequence that is filled up must come out as it would alone: what fills it up is taken for what
lies beyond the end, and a place counts if it would be there without the filling. Knows masks (see
`tracing.py`) and windows; knows no layer.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Value, make_literal
from misstep.ops import gather, reshape, transpose, where


def without_filling(x: Value, mask: Value, fill: float = 0.0) -> Value:
    """Return x, (batch, time, features), with `fill` where an entry does not count."""
    return where(reshape(mask, (*mask.shape, 1)) > 0.0, x, fill)


def mask_of_windows(
    mask: Value, positions: int, reach: int, stride: int, before: int, after: int
) -> Value:
    """Return which of the `places` windows along time count, (batch, places).

    `reach`: from a window's first entry to its last; `before`, `after`: what was padded. The window
    at p is there for a sequence of any length above p · stride + reach − before − after.
    """
    last = np.arange(positions) * stride + reach - before - after
    return entries_of(mask, last)


def entries_of(mask: Value, numbers: np.ndarray) -> Value:
    """Return the mask's entries at these numbers along time; the first one where below 0."""
    which = make_literal(np.clip(numbers, 0, mask.shape[1] - 1).astype(np.int64), "int64")
    return transpose(gather(transpose(mask, (1, 0)), which), (1, 0))
