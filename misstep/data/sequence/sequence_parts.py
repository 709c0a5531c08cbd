"""A sequence taken apart into its channels and some steps of each, replaced by the channel's mean.

Steps that follow each other say nearly the same, and taken one by one would be too many to be
measured. Knows one flat sequence as `sequence_scaling.py` lays it out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from misstep.data.inputs import Inputs
from misstep.data.row_parts import FeatureParts, Floats, Part

__all__ = ["sequence_inputs", "sequence_parts"]

# Parts in all, and of a channel, unless there are more channels than that.
MOST_PARTS, MOST_BLOCKS = 120, 10


def sequence_parts(
    names: Sequence[str],
    centers: Sequence[float],
    scales: Sequence[float],
    features: Floats,
    steps: int,
    pooled: int,
) -> FeatureParts:
    """Return the parts of one sequence, (steps · channels + 1,), standardized.

    `pooled`: how many steps of the file are one step here. The length of the sequence stays as it
    is.
    """
    channels = len(names)
    features = np.asarray(features, np.float32)
    length = max(1, round(float(features[-1]) * steps))
    blocks = max(1, min(length, MOST_BLOCKS, MOST_PARTS // channels))
    edges = [length * block // blocks for block in range(blocks + 1)]
    spans = list(itertools.pairwise(edges))
    # What lies beyond the end belongs to no part.
    numbers: NDArray[np.int64] = np.full((steps, channels), -1)
    values = features[:-1].reshape(steps, channels).astype(np.float64)
    heads = [_steps(start, stop, pooled) for start, stop in spans]
    parts: list[Part] = []
    for channel, (name, center, scale) in enumerate(zip(names, centers, scales, strict=True)):
        for block, (start, stop) in enumerate(spans):
            numbers[start:stop, channel] = len(parts)
            mean = float(values[start:stop, channel].mean()) * scale + center
            noun = "step" if "–" not in heads[block] else "steps"
            words = heads[block].replace("–", " to ")
            parts.append(Part(f"{name}, {noun} {words}", mean, center, (channel, block)))
    members = np.append(numbers.reshape(-1), -1)
    baseline = (
        "each channel at its mean over all steps of the training sequences, as many steps as "
        "here (beside it the mean of the steps in the sequence)"
    )
    replaced = np.zeros_like(features)
    return FeatureParts(parts, "part", baseline, features, replaced, members, list(names), heads)


def sequence_inputs(names: Sequence[str], steps: int, pooled: int) -> tuple[Inputs, ...]:
    """Return the channels of sequences, and some steps each, with all features of either.

    The length of a sequence belongs to none. Steps beyond the end of a shorter sequence are 0, as
    is the mean of a channel.
    """
    channels = len(names)
    blocks = min(steps, MOST_BLOCKS)
    edges = [steps * block // blocks for block in range(blocks + 1)]
    heads = [_steps(start, stop, pooled) for start, stop in itertools.pairwise(edges)]
    by_channel = np.append(np.tile(np.arange(channels), steps), -1)
    times = np.repeat(np.arange(blocks), np.diff(edges))
    by_time = np.append(np.repeat(times, channels), -1)
    spoken = [f"{'steps' if '–' in head else 'step'} {head.replace('–', ' to ')}" for head in heads]
    channels_whole = Inputs("channel", list(names), by_channel, alike=True)
    return channels_whole, Inputs("time", spoken, by_time, alike=True)


def _steps(start: int, stop: int, pooled: int) -> str:
    first, last = start * pooled + 1, stop * pooled
    return f"{last}" if first == last else f"{first}–{last}"
