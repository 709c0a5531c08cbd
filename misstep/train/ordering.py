"""The order in which an epoch goes through the rows: depends on seed and epoch and nothing else."""

from __future__ import annotations

import numpy as np

from misstep.ir import Array
from misstep.ops.randomness import random_bits

# The stream of random numbers for shuffling; streams of layers count up from 0.
_SHUFFLING = 0xFFFFFFFF


def epoch_indices(rows: int, seed: int, epoch: int, repeats: int, *, shuffle: bool) -> Array:
    """Return the row numbers that the `epoch`, counted from 0, goes through, (rows · repeats,).

    `repeats`: how often it goes through all rows; `shuffle`: each time in an order of its own.
    """
    if not shuffle:
        return np.tile(np.arange(rows), repeats)
    orders = range(epoch * repeats, (epoch + 1) * repeats)
    return np.concatenate([epoch_order(rows, seed, number) for number in orders])


def epoch_order(rows: int, seed: int, epoch: int) -> Array:
    """Return the row numbers 0 … rows − 1 in the order for `epoch`, shape (rows,), int64.

    A stable sort by random words, so that any machine finds the same order. Each word has its row
    number behind it: no two are equal, so that any sort is a stable one, the fastest too.
    """
    words = random_bits(seed, epoch, _SHUFFLING, rows)
    numbered = (words.astype(np.uint64) << np.uint64(32)) | np.arange(rows, dtype=np.uint64)
    numbered.sort()
    return (numbered & np.uint64(0xFFFFFFFF)).astype(np.int64)
