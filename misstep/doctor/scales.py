"""How large numbers are that go into a network, and whether a layer takes care of it.

Knows descriptions of layers and columns; no cause.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from misstep.record import FeatureSummary, LayerDescription, Role, RunDescription


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


def shape_of_rows(description: RunDescription) -> tuple[int, ...]:
    """Return the shape of a row, also where rows come flat and the first layer restores it."""
    if len(description.input_shape) == 1:
        for layer in description.layers:
            if layer.role is Role.SHAPE:
                return layer.output_shape
            if layer.role is not Role.CONTAINER:
                break
    return description.input_shape


def has_columns(description: RunDescription) -> bool:
    """Return whether each number of a row is a column of its own, not a pixel or a step."""
    return len(shape_of_rows(description)) < 2


def is_picture(description: RunDescription) -> bool:
    """Return whether rows are pictures: height, width and channels."""
    return len(shape_of_rows(description)) == 3


def place_of(description: RunDescription) -> str:
    """Return where a run was written, by which remedies are spelled: misstep, torch, …"""
    return str(description.origin.get("face") or description.framework)


def for_place(facts: Mapping[str, Any], **words: str) -> str:
    """Return the words for the place where a run was written; `misstep` is for all others.

    Keywords are places, with _ for a blank.
    """
    place = str(facts.get("written_in", "misstep")).replace(" ", "_")
    return words.get(place, words["misstep"])
