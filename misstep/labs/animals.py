"""Small heads of cats and dogs, each drawn from a seed: something to tell apart by looking.

A cat has pointed ears on top, a wide head and a small nose; a dog hanging ears, a long head, a
snout and a large nose. Size, place and fur differ, and every pixel has noise. Knows shapes only.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Array

CAT, DOG = 0, 1
NAMES = ("cat", "dog")
# Pixels of a side, and the standard deviation of what is added to each.
SIDE, NOISE = 16, 0.08
EYES = 1.0

_DOWN, _ACROSS = np.mgrid[0:SIDE, 0:SIDE] + 0.5


class _Head:
    """A picture that is being drawn; distances are counted from the middle of the head."""

    def __init__(self, random: np.random.Generator) -> None:
        self.pixels = np.zeros((SIDE, SIDE))
        self.size = random.uniform(0.85, 1.05)
        self.fur = random.uniform(0.3, 0.5)
        self.middle = 9 + random.uniform(-0.7, 0.7), 8 + random.uniform(-0.8, 0.8)

    def spot(self, down: float, across: float, high: float, wide: float, bright: float) -> None:
        """Fill an ellipse; `high`, `wide`: half of its sides."""
        away_down = (_DOWN - self.middle[0]) / self.size - down
        away_across = (_ACROSS - self.middle[1]) / self.size - across
        self.pixels[(away_down / high) ** 2 + (away_across / wide) ** 2 <= 1] = bright

    def pair(self, down: float, across: float, high: float, wide: float, bright: float) -> None:
        """Fill an ellipse on either side."""
        self.spot(down, -across, high, wide, bright)
        self.spot(down, across, high, wide, bright)

    def pointed_ears(self, bright: float) -> None:
        """Fill a triangle on either side, its tip above the head."""
        below_tip = _DOWN - (self.middle[0] - 7.6 * self.size)
        for side in (-1, 1):
            away = np.abs(_ACROSS - self.middle[1] - side * 3.3 * self.size)
            inside = (below_tip >= 0) & (below_tip < 5.5 * self.size)
            self.pixels[inside & (away <= 0.38 * below_tip + 0.4)] = bright


def animals(count: int, seed: int) -> tuple[Array, Array]:
    """Return pictures from 0 to 1, (count, SIDE, SIDE), cats and dogs in turn, and CAT or DOG."""
    random = np.random.default_rng(seed)
    kinds = np.arange(count) % 2
    return np.array([_drawn(int(kind), random) for kind in kinds]), kinds


def _drawn(kind: int, random: np.random.Generator) -> Array:
    head = _Head(random)
    if kind == CAT:
        head.pointed_ears(head.fur + 0.2)
        head.spot(0, 0, 4.6, 5.0, head.fur)
        head.pair(-1, 2, 0.9, 0.9, EYES)
        head.spot(1.3, 0, 0.7, 0.9, head.fur + 0.35)
    else:
        head.spot(0, 0, 5.4, 4.2, head.fur)
        head.pair(-0.6, 4.7, 4.4, 1.5, head.fur + 0.25)
        head.pair(-1.6, 1.8, 0.9, 0.9, EYES)
        head.spot(2.4, 0, 2.2, 2.3, head.fur + 0.18)
        head.spot(1.6, 0, 0.9, 1.3, EYES)
    noise = random.normal(0, NOISE, (SIDE, SIDE))
    return np.asarray(np.clip(head.pixels + noise, 0, 1))
