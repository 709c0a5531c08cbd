"""How one column of numbers is brought to a common size.

Knows arrays only. A whole matrix: `table/matrix.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from misstep.data.stored_json import Stored, check
from misstep.data.weights import mean_and_deviation, quantile, skewness
from misstep.text.figures import true_minus

__all__ = ["FARTHEST", "Standard", "check_columns"]

Floats = NDArray[np.float64]

# A million deviations squared still fit float32 a thousand billion billion times; beyond that a
# network only overflows.
FARTHEST = 1e6
# Prices and areas have skewness 2 or more (an exponential distribution has exactly 2).
SKEWED = 2.0
# The logarithm has to take away at least this share of the skewness to be worth its bend.
LEAST_STRAIGHTENED = 0.5
# Among a million normal values none lies 6 deviations away (chance 2e-9 each).
FAR = 6.0
# Smooth clipping keeps values within 3: Holzmüller et al. 2024, "Better by default".
CLIP = 3.0
# The quartiles of a normal distribution lie this many deviations apart.
NORMAL_QUARTILES = 1.349


@dataclass(frozen=True)
class Standard(Stored):
    """Brings one column to mean 0 and deviation 1: z = (x - center) / scale.

    `log`: x is sign(x)·log(1 + |x|) first. `clip`: z becomes z / √(1 + (z/3)²) afterwards.
    """

    center: float
    scale: float
    log: bool = False
    clip: bool = False

    def __post_init__(self) -> None:
        check(
            (np.isfinite(self.center) and np.isfinite(self.scale), "numbers must be finite"),
            (self.scale > 0, "scale must be above 0"),
        )

    @classmethod
    def fit(cls, values: Floats, weights: Floats) -> tuple[Standard, str]:
        """Choose from the training values (rows,), finite; also return the reason, maybe empty."""
        values, weights = values[weights > 0], weights[weights > 0]
        reasons: list[str] = []
        few = len(np.unique(values[:1000])) <= 2 and len(np.unique(values)) <= 2
        log = False
        if not few and values.min() >= 0:
            before, after = skewness(values, weights), skewness(np.log1p(values), weights)
            log = before > SKEWED and abs(after) <= (1 - LEAST_STRAIGHTENED) * before
            if log:
                values = np.log1p(values)
                reasons.append(
                    f"logarithm because the skewness falls from {before:.1f} to "
                    f"{true_minus(f'{after:.1f}')}"
                )
        center, deviation = mean_and_deviation(values, weights)
        scale = deviation or 1.0
        farthest = float(np.abs(values / scale - center / scale).max()) if deviation else 0.0
        clip = not few and farthest > FAR
        if clip:
            low, high = quantile(values, weights, 0.25), quantile(values, weights, 0.75)
            reason = (
                f"clipped smoothly because a value lies {farthest:.0f} deviations from the mean"
            )
            spread = (high - low) / NORMAL_QUARTILES
            if 0 < spread < np.inf:
                center, scale = quantile(values, weights, 0.5), spread
                reason += "; for the same reason measured from the median in quartile distances"
            reasons.append(reason)
        return cls(float(center), float(scale), bool(log), bool(clip)), "; ".join(reasons)

    def apply(self, values: Floats) -> Floats:
        """Return the scaled values; finite for every finite input."""
        if self.log:
            values = np.copysign(np.log1p(np.abs(values)), values)
        with np.errstate(over="ignore"):
            z = np.clip((values - self.center) / self.scale, -FARTHEST, FARTHEST)
        if self.clip:
            z = z / np.sqrt(1 + np.square(z / CLIP))
        return z


def check_columns(names: Sequence[str], centers: Sequence[float], scales: Sequence[float]) -> None:
    """Raise ValueError unless each name has a finite center and a finite scale above 0."""
    counted = len(names) == len(centers) == len(scales) > 0
    check(
        (counted, "names, centers and scales must be equally many, at least one"),
        (np.isfinite([*centers, *scales]).all(), "centers and scales must be finite"),
        (min(scales, default=1) > 0, "scales must be above 0"),
    )
