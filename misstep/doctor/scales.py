"""How large numbers are that go into a network, and whether a layer takes care of it.

Knows descriptions of layers and columns; no cause.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from misstep.doctor.passage import only_rescales
from misstep.record import FeatureSummary, InputSummary, LayerDescription, Role, RunDescription


def is_normalized(layers: list[LayerDescription]) -> bool:
    """Return whether rows meet a normalization, or are looked up, before any weighted sum."""
    for layer in layers:
        if only_rescales(layer):
            continue
        if layer.role in (Role.NORMALIZATION, Role.EMBEDDING):
            return True
        if layer.role in (Role.AFFINE, Role.RECURRENT, Role.ATTENTION, Role.OTHER):
            return False
    return False


def rescaled_by_feature(layers: Iterable[LayerDescription]) -> bool:
    """Return whether rows are rescaled first, each feature by numbers of its own."""
    return any(_numbers_of(layer) is None for layer in _rescalings(layers))


def inputs_met(description: RunDescription) -> InputSummary | None:
    """Return the inputs as the layers behind the first `Rescaling`s meet them.

    Those of a rescaling of each feature by its own numbers are told as they come.
    """
    inputs = description.inputs
    for layer in _rescalings(description.effective_layers):
        numbers = _numbers_of(layer)
        if inputs is None or numbers is None:
            break
        inputs = replace(
            inputs,
            whole=None if inputs.whole is None else _rescaled(inputs.whole, *numbers),
            features=tuple(_rescaled(one, *numbers) for one in inputs.features),
        )
    return inputs


def answers_to_give(
    description: RunDescription, mean: float, deviation: float
) -> tuple[float, float] | None:
    """Return mean and deviation of the answers as layers before the last `Rescaling`s give them.

    None where each output has numbers of its own.
    """
    for layer in _rescalings(reversed(description.effective_layers)):
        numbers = _numbers_of(layer)
        if numbers is None:
            return None
        scale, offset = numbers
        mean, deviation = (mean - offset) / scale, deviation / abs(scale)
    return mean, deviation


def _rescalings(layers: Iterable[LayerDescription]) -> Iterator[LayerDescription]:
    """Yield the rescalings that come before anything but reshaping."""
    for layer in layers:
        if only_rescales(layer):
            yield layer
        elif layer.role is not Role.SHAPE:
            return


def _numbers_of(layer: LayerDescription) -> tuple[float, float] | None:
    """Return scale and offset; None where features have numbers of their own, or none are told."""
    numbers = layer.settings.get("scale"), layer.settings.get("offset")
    scale, offset = (one[0] if isinstance(one, list) and len(one) == 1 else one for one in numbers)
    if isinstance(scale, int | float) and isinstance(offset, int | float) and scale:
        return float(scale), float(offset)
    return None


def _rescaled(feature: FeatureSummary, scale: float, offset: float) -> FeatureSummary:
    ends = sorted((feature.smallest * scale + offset, feature.largest * scale + offset))
    return replace(
        feature,
        mean=feature.mean * scale + offset,
        deviation=feature.deviation * abs(scale),
        smallest=ends[0],
        largest=ends[1],
        median=feature.median * scale + offset,
        spread=feature.spread * abs(scale),
    )


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
