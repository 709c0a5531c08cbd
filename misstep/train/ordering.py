"""The order in which an epoch goes through the rows: depends on seed and epoch and nothing else."""

from __future__ import annotations

import numpy as np

from misstep.ir import Array
from misstep.ops.randomness import random_bits

# The stream of random numbers for shuffling; streams of layers count up from 0.
_SHUFFLING = 0xFFFFFFFF


def epoch_order(rows: int, seed: int, epoch: int) -> Array:
    """Return the row numbers 0 … rows − 1 in the order for `epoch`, shape (rows,), int64.

    A stable sort by random words, so that any machine finds the same order.
    """
    words = random_bits(seed, epoch, _SHUFFLING, rows)
    return np.argsort(words, kind="stable")
