"""Features of images from small patches: what a convolution sees at first, without training.

Filters are patches of the images themselves, whitened, and each filter's answer is averaged over
the quarters of an image (Coates, Ng and Lee, "An analysis of single-layer networks in unsupervised
feature learning", 2011). A ridge regression on them tells things apart that stand at any place, in
a second or two. Knows pixels, no classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PatchFeatures", "patch_features_of", "shrunk"]

Pixels = NDArray[np.float32]

# Pixels of a patch a side; they found 6 best for 32 × 32 photographs, and less is cheaper.
PATCH = 5
FILTERS = 48
# Patches that filters and their whitening come from.
PATCHES = 2000
# Added to a variance before it divides, for pixels from 0 to 1: a flat patch is no signal.
FLAT, SMALLEST_VARIANCE = 0.04, 0.1
# Answers below this say that a patch is like a filter by chance.
THRESHOLD = 0.25
# Beside them the image itself at so many pixels a side, for what is a matter of place and color.
SIDE = 8
AT_ONCE = 100


@dataclass(frozen=True)
class PatchFeatures:
    """Filters (patch pixels, filters) with what is taken from a patch before; `transform`."""

    mean: Pixels
    filters: Pixels

    def transform(self, images: Pixels) -> Pixels:
        """Return features (rows, features) of images (rows, height, width, channels), 0 to 1."""
        images = _large_enough(images)
        coarse = shrunk(images, SIDE).reshape(len(images), -1)
        parts = [self._answers(images[at : at + AT_ONCE]) for at in range(0, len(images), AT_ONCE)]
        return np.concatenate([np.concatenate(parts), coarse], axis=1).astype(np.float32)

    def _answers(self, images: Pixels) -> Pixels:
        windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
        rows, down, across = windows.shape[:3]
        patches = _normalized(windows.reshape(rows * down * across, -1))
        likeness = (patches - self.mean) @ self.filters
        both = np.concatenate([likeness, -likeness], axis=1)
        answers = np.maximum(both - np.float32(THRESHOLD), 0).reshape(rows, down, across, -1)
        # Halves meet in the middle, and share it where a side is odd: mirrored images must find
        # their own quarters.
        upper, lower = answers[:, : -(-down // 2)], answers[:, down // 2 :]
        left, right = slice(-(-across // 2)), slice(across // 2, None)
        means = [
            half[:, :, side].mean(axis=(1, 2)) for half in (upper, lower) for side in (left, right)
        ]
        return np.concatenate(means, axis=1)


def patch_features_of(images: Pixels, random: np.random.Generator) -> PatchFeatures:
    """Return filters that are patches of images (rows, height, width, channels) from 0 to 1."""
    images = _large_enough(images)
    rows, height, width, _ = images.shape
    which = random.integers(0, rows, PATCHES)
    top = random.integers(0, height - PATCH + 1, PATCHES)
    left = random.integers(0, width - PATCH + 1, PATCHES)
    cut = [
        images[row, i : i + PATCH, j : j + PATCH].transpose(2, 0, 1).reshape(-1)
        for row, i, j in zip(which, top, left, strict=True)
    ]
    patches = _normalized(np.stack(cut)).astype(np.float64)
    mean = patches.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(patches.T))
    whitening = (axes / np.sqrt(np.maximum(values, 0) + SMALLEST_VARIANCE)) @ axes.T
    chosen = ((patches - mean) @ whitening)[:FILTERS]
    chosen /= np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-9)
    return PatchFeatures(mean.astype(np.float32), (whitening @ chosen.T).astype(np.float32))


def shrunk(images: NDArray[Any], side: int) -> NDArray[Any]:
    """Return images of at most `side` or so a side, by means over whole squares of pixels.

    images: (rows, height, width, channels), floats; so is what is returned.
    """
    rows, height, width, channels = images.shape
    factor = max(1, -(-max(height, width) // side))
    by_down, by_across = min(factor, height), min(factor, width)
    down, across = height // by_down, width // by_across
    cut = images[:, : down * by_down, : across * by_across]
    squares = cut.reshape(rows, down, by_down, across, by_across, channels)
    return np.asarray(squares.mean(axis=(2, 4)))


def _normalized(patches: Pixels) -> Pixels:
    """Return patches without their brightness and contrast."""
    centered = patches - patches.mean(axis=1, keepdims=True)
    return np.asarray(centered / (centered.std(axis=1, keepdims=True) + np.float32(FLAT)))


def _large_enough(images: Pixels) -> Pixels:
    """Return images of at least a patch, their edges repeated on both sides alike."""
    down, across = (-(-max(PATCH - side, 0) // 2) for side in images.shape[1:3])
    if not down and not across:
        return images
    return np.pad(images, ((0, 0), (down, down), (across, across), (0, 0)), mode="edge")
