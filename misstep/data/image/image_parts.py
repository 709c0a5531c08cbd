"""An image taken apart into the regions of a grid; what stands in each is replaced by the average.

The average is that of all training images, pixel by pixel: neither black nor white would be what
such images hold where nothing is. Knows one flat image, (height · width · channels,) from 0 to 1.
"""

from __future__ import annotations

import itertools

import numpy as np

from misstep.data.inputs import Inputs
from misstep.data.row_parts import BaselineRow, FeatureParts, Floats, Part

__all__ = ["image_inputs", "image_parts"]

# Regions along a side: few enough for their shares to be settled and to be read as a map, and small
# enough for a stroke or an eye. Sides that can be divided evenly are.
MOST_REGIONS, FEWEST_REGIONS = 8, 5
GRAY = 0.5


def image_parts(
    shape: tuple[int, int, int], features: Floats, largest: float, baseline_row: BaselineRow | None
) -> FeatureParts:
    """Return the regions of an image of `shape` (height, width, channels), all channels together.

    `largest`: what a pixel of 1 is in the file.
    """
    height, width, channels = shape
    average = None if baseline_row is None else baseline_row.features
    if average is None or average.shape != (height * width * channels,):
        average = np.full(height * width * channels, GRAY, np.float32)
        baseline = (
            f"pixels at {GRAY * largest:g}, a middle gray (this model file is of an earlier "
            "version and holds no average image)"
        )
    else:
        assert baseline_row is not None
        baseline = (
            f"pixels as in the average of the {baseline_row.rows:,} training images (of a region "
            f"the mean is shown, 0 for black, {largest:g} for white)"
        )
    rows, columns = cuts(height), cuts(width)
    numbers = np.zeros((height, width), np.int64)
    image = np.asarray(features).reshape(shape).mean(axis=2) * largest
    replaced = average.reshape(shape).mean(axis=2) * largest
    parts: list[Part] = []
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            numbers[top:bottom, left:right] = len(parts)
            inside = np.s_[top:bottom, left:right]
            name = f"{_span('row', top, bottom)}, {_span('column', left, right)}"
            cell, other = float(image[inside].mean()), float(replaced[inside].mean())
            parts.append(Part(name, cell, other, (i, j)))
    members = np.repeat(numbers.reshape(-1), channels)
    lines = [_short(*each) for each in rows]
    heads = [_short(*each) for each in columns]
    return FeatureParts(parts, "region", baseline, features, average, members, lines, heads)


def image_inputs(
    shape: tuple[int, int, int], largest: float, baseline_row: BaselineRow | None
) -> Inputs:
    """Return the regions of all images of `shape`; `largest`: what a pixel of 1 is in the file."""
    height, width, channels = shape
    nothing = np.zeros(height * width * channels, np.float32)
    parts = image_parts(shape, nothing, largest, baseline_row)
    return Inputs(
        parts.noun,
        [part.name for part in parts.parts],
        parts.members,
        parts.replaced,
        parts.baseline.partition(" (")[0],
        [part.place for part in parts.parts if part.place is not None],
        parts.lines,
        parts.columns,
        alike=True,
    )


def cuts(side: int) -> list[tuple[int, int]]:
    """Return where the regions along a side begin and end.

    >>> cuts(28)[:2], len(cuts(28)), len(cuts(64)), len(cuts(4)), cuts(11)[:2]
    ([(0, 4), (4, 8)], 7, 8, 4, [(0, 1), (1, 2)])
    """
    count = min(side, MOST_REGIONS)
    even = [n for n in range(FEWEST_REGIONS, count + 1) if side % n == 0]
    count = max(even, default=count)
    edges = [side * number // count for number in range(count + 1)]
    return list(itertools.pairwise(edges))


def _span(noun: str, start: int, stop: int) -> str:
    if stop - start == 1:
        return f"{noun} {stop}"
    return f"{noun}s {start + 1} to {stop}"


def _short(start: int, stop: int) -> str:
    return f"{stop}" if stop - start == 1 else f"{start + 1}–{stop}"
