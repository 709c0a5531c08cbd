"""`Draws`: random numbers of which problems are made: same seed, same bits, on every machine.

Counter-based like all random numbers of the engine, apart from those of first weights (step −1) and
of training (steps from 0).
"""

from __future__ import annotations

import math

import numpy as np

from misstep.ir import Array
from misstep.ops import random_bits

# Of first numbers it is −1, of training 0 and more.
STEP = -2


class Draws:
    """Random numbers from a seed, each call from a stream of its own."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._stream = 0

    def uniform(self, *shape: int) -> Array:
        """Return numbers between 0 and 1, both excluded, float64."""
        self._stream += 1
        words = random_bits(self._seed, STEP, self._stream, math.prod(shape))
        return ((words.astype("float64") + 0.5) * 2.0**-32).reshape(shape)

    def normal(self, *shape: int) -> Array:
        """Return numbers of mean 0 and deviation 1, float64 (Box and Muller, 1958)."""
        first, second = self.uniform(2, *shape)
        return np.asarray(np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * math.pi * second))

    def order(self, count: int) -> Array:
        """Return the numbers from 0 up to but not `count` in a random order, (count,)."""
        return np.argsort(self.uniform(count), kind="stable")

    def classes(self, count: int, classes: int = 2) -> Array:
        """Return as many of each class as can be, in a random order, (count,)."""
        return (np.arange(count) % classes)[self.order(count)]
