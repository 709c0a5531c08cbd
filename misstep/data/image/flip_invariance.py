"""Whether images may be mirrored left to right without becoming something else.

A question to the data, not to their name: a model that learned from some of the images as they are
is asked about others, as they are and mirrored. Of photographs it knows both alike; digits, letters
and arrows it knows no longer. Where it knows nothing, nothing can be concluded, and they are not
mirrored. Knows pixels and class numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.patch_features import patch_features_of, shrunk

__all__ = ["FlipInvariance", "flip_invariance_of"]

# Images that are learned from and asked about, at most so many pixels a side: a few seconds' work.
MOST, LARGEST_SIDE = 1500, 32
# Each image is asked about once, by a model that learned from the other parts.
PARTS = 3
# With fewer, what is known of one image or two decides.
FEWEST = 20
# Of what it knows beyond the commonest class, it must know so much of mirrored images too.
# Photographs keep 0.9 (cats and dogs) to 1 (CIFAR-10), handwritten digits 0.3, clothes 0.7, whose
# shoes all point to the left, arrows nothing.
LEAST_KEPT = 0.8
# And so much of each class: two of fifty that are each other's mirror image must be seen too.
LEAST_KEPT_OF_CLASS = 0.5
# Standard errors of a difference that chance alone rarely makes; more for a class, of many.
STANDARD_ERRORS, STANDARD_ERRORS_OF_CLASS = 2.0, 3.0
STANDARD_ERRORS_OF_KNOWING = 3.0
# The share of rows, for features of variance 1, that keeps the weights small.
RIDGE = 0.1


@dataclass(frozen=True)
class FlipInvariance:
    """Whether mirrored images are as good as others, and why."""

    allowed: bool
    reason: str


def flip_invariance_of(
    images: NDArray[Any], codes: NDArray[np.int64], seed: int = 0
) -> FlipInvariance:
    """Return whether images may be mirrored.

    images: (rows, height, width) or (rows, height, width, channels); codes: class numbers,
    (rows,). The same seed asks about the same images.
    """
    random = np.random.default_rng(seed)
    indices = random.permutation(len(images))[:MOST]
    if len(indices) < FEWEST:
        return FlipInvariance(False, "too few images tell whether that changes them")
    codes = codes[indices]
    upright, mirrored = _known(_small(np.asarray(images[indices])), codes, random)
    rows, chance = len(codes), float(np.bincount(codes).max() / len(codes))
    as_they_are, after = float(upright.mean()), float(mirrored.mean())
    error = np.sqrt(chance * (1 - chance) / rows)
    if as_they_are - chance <= STANDARD_ERRORS_OF_KNOWING * error:
        return FlipInvariance(
            False,
            f"a simple model knows {as_they_are:.0%} of images it has not seen, no more than "
            "chance, so that nothing tells whether mirrored ones mean the same",
        )
    reason = (
        f"a simple model knows {as_they_are:.0%} of images it has not seen and {after:.0%} of them "
        "mirrored"
    )
    kept = after - chance >= LEAST_KEPT * (as_they_are - chance)
    if _lost(upright, mirrored) > STANDARD_ERRORS and not kept:
        return FlipInvariance(False, reason)
    for code in np.unique(codes):
        own, turned = upright[codes == code], mirrored[codes == code]
        if (
            _lost(own, turned) > STANDARD_ERRORS_OF_CLASS
            and turned.mean() < LEAST_KEPT_OF_CLASS * own.mean()
        ):
            return FlipInvariance(
                False, f"{reason}, and of one class {own.mean():.0%} and {turned.mean():.0%}"
            )
    return FlipInvariance(True, reason)


def _lost(upright: NDArray[np.bool_], mirrored: NDArray[np.bool_]) -> float:
    """Return in standard errors how many fewer of the same images are known once mirrored.

    After McNemar (1947): only images that are known one way and not the other count.
    """
    lost, won = int((upright & ~mirrored).sum()), int((mirrored & ~upright).sum())
    return (lost - won) / float(np.sqrt(max(lost + won, 1)))


def _small(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return images (rows, height, width, channels) of few pixels, from 0 to 1."""
    floats = pixels.astype(np.float32)
    floats = shrunk(floats if floats.ndim == 4 else floats[..., None], LARGEST_SIDE)
    lowest, highest = floats.min(), floats.max()
    return np.asarray((floats - lowest) / max(highest - lowest, np.float32(1e-6)))


def _known(
    images: NDArray[np.float32], codes: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which images a model that did not learn from them knows, as they are and mirrored."""
    features = patch_features_of(images, random)
    x, turned = features.transform(images), features.transform(images[:, :, ::-1])
    middle, spread = x.mean(axis=0), x.std(axis=0) + np.float32(1e-6)
    x, turned = ((each - middle) / spread for each in (x, turned))
    members = np.eye(int(codes.max()) + 1)[codes]
    parts = np.arange(len(x)) % PARTS
    upright, mirrored = np.zeros(len(x), bool), np.zeros(len(x), bool)
    for part in range(PARTS):
        asked, learned = parts == part, parts != part
        weights, bias = _ridge(x[learned].astype(np.float64), members[learned])
        upright[asked] = (x[asked] @ weights + bias).argmax(axis=1) == codes[asked]
        mirrored[asked] = (turned[asked] @ weights + bias).argmax(axis=1) == codes[asked]
    return upright, mirrored


def _ridge(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return weights and biases of a ridge regression, by the smaller of its two systems."""
    middle, shares = x.mean(axis=0), y.mean(axis=0)
    x, y = x - middle, y - shares
    rows, columns = x.shape
    size = RIDGE * rows
    if rows < columns:
        weights = x.T @ np.linalg.solve(x @ x.T + size * np.eye(rows), y)
    else:
        weights = np.linalg.solve(x.T @ x + size * np.eye(columns), x.T @ y)
    return weights, shares - middle @ weights
