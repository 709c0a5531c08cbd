"""`Front`: what a network's inputs are where its first layer sees them, and layers put there.

Layers that only bring rows into shape stay in front of what is put in. Knows rows and layers; no
findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array
from misstep.nn import Module, Network, Sequential
from misstep.nn.rescaling import Rescaling
from misstep.trials.layers import plain, shaping
from misstep.trials.remedy import Case
from misstep.trials.scaling import WIDE, scaling_of, some_of
from misstep.trials.setting import NotApplicableError

# The median distance from the median, times this, is the deviation of normal numbers.
NORMAL = 1.4826
# A feature that hardly ever varies is not blown up: its deviation counts as this share of that of
# all features at least, where features are as alike as pixels are.
LEAST_SHARE = 0.1
# So many features are alike, as pixels are, if the deviations of most of them are no smaller parts
# than this of the largest one.
ALIKE, FEWEST_ALIKE, MOST_OF_THEM = 0.1, 16, 0.3
# Shares of a feature between which its span tells its spread, where the middle half is one number.
LOW, HIGH = 0.02, 0.98


@dataclass(frozen=True)
class Front:
    """Where layers are put. `numbers`: of the training rows there, (rows, …); `count`: of layers
    that stay in front."""

    layers: tuple[Module, ...]
    count: int
    numbers: Array

    @classmethod
    def of(cls, case: Case) -> Front:
        """Return the front of a run. Raises NotApplicableError where rows are looked up."""
        network = case.start.network
        if network.position_limits is not None:
            raise NotApplicableError("its inputs are positions that are looked up")
        layers = plain(network).layers
        count = shaping(layers)
        numbers = some_of(case.setting.rows.x)
        if count:
            shaped = Network(Sequential(*layers[:count]), network.input_shape, dtype=network.dtype)
            numbers = shaped.predict(numbers)
        return cls(tuple(layers), count, numbers)

    def refuse_scaled(self) -> None:
        """Raise NotApplicableError where numbers have about mean 0 and deviation 1."""
        if scaling_of(self.numbers).changes_little:
            raise NotApplicableError("its inputs have about mean 0 and deviation 1 already")

    def with_layers(self, *more: Module) -> Sequential:
        """Return the network with layers put in."""
        return Sequential(*self.layers[: self.count], *more, *self.layers[self.count :])

    def standardizing(self) -> Iterator[tuple[Rescaling, bool]]:
        """Yield the rescaling of each feature by itself, True, and that of all alike, False."""
        several = self.numbers.ndim > 1 and self.numbers.shape[-1] > 1
        if several:
            scaling = scaling_of(self.numbers)
            yield _rescaling(scaling.mean, self._floored(scaling.deviation)), True
        wide = self.numbers.astype("float64")
        deviation = float(wide.std())
        if deviation > 0 and self.numbers.ndim:
            yield _rescaling(np.asarray(wide.mean()), np.asarray(deviation)), False

    def by_spread(self) -> Rescaling:
        """Return the rescaling of each feature by its median and spread."""
        wide = self.numbers.astype("float64")
        axes = 0 if wide.ndim < WIDE else tuple(range(wide.ndim - 1))
        median = np.median(wide, axis=axes)
        spread = NORMAL * np.median(np.abs(wide - median), axis=axes)
        low, high = np.quantile(wide, (LOW, HIGH), axis=axes)
        # What is one number most of the time, as a rare mark is.
        spread = np.where(spread > 0, spread, (high - low) / 2.0)
        return _rescaling(np.asarray(median), np.where(spread > 0, spread, wide.std(axis=axes)))

    def has_beyond(self, rescaling: Rescaling, bound: float) -> bool:
        """Return whether numbers lie beyond a bound, rescaled so."""
        scaled = self.numbers * np.asarray(rescaling.scale) + np.asarray(rescaling.offset)
        return bool((np.abs(scaled) > bound).any())

    def _floored(self, deviation: Array) -> Array:
        varying = deviation[deviation > 0]
        few = deviation.size < FEWEST_ALIKE or not len(varying)
        if few or np.quantile(varying, MOST_OF_THEM) < ALIKE * varying.max():
            return deviation
        least = LEAST_SHARE * float(np.median(varying))
        return np.where(deviation > 0, np.maximum(deviation, least), deviation)


def _rescaling(middle: Array, size: Array) -> Rescaling:
    """Return (x − middle) ÷ size as a layer; numbers that never vary become 0."""
    safe = np.where(size > 0, size, 1.0)
    scale, offset = 1.0 / safe, -middle / safe
    if not scale.ndim or len(scale) == 1:
        return Rescaling(float(scale.reshape(-1)[0]), float(offset.reshape(-1)[0]))
    return Rescaling(tuple(scale.tolist()), tuple(offset.tolist()))
