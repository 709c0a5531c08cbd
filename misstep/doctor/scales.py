"""How large numbers are that go into a network, and whether a layer takes care of it.

Knows descriptions of layers and columns; no cause.
"""

from __future__ import annotations

import math

from misstep.record import FeatureSummary, LayerDescription, Role


def is_normalized(layers: list[LayerDescription]) -> bool:
    """Return whether rows meet a normalization, or are looked up, before any weighted sum."""
    for layer in layers:
        if layer.role in (Role.NORMALIZATION, Role.EMBEDDING):
            return True
        if layer.role in (Role.AFFINE, Role.RECURRENT, Role.ATTENTION, Role.OTHER):
            return False
    return False


def first_weights(layers: list[LayerDescription]) -> LayerDescription | None:
    """Return the first layer that has parameters."""
    return next((layer for layer in layers if layer.parameters), None)


def size_of(feature: FeatureSummary) -> float:
    """Return the root of the mean square."""
    return math.hypot(feature.mean, feature.deviation)
