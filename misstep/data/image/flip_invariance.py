"""Whether images may be mirrored left to right without becoming something else.

A question to the data, not to their name: a linear model that learned from some of the images is
asked about others, as they are and mirrored. Of photographs it knows both alike; digits and letters
it knows no longer. Knows pixels and class numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIDE", "FlipInvariance", "flip_invariance_of", "shrunk"]

# Images that are asked about and learned from: a second's work.
MOST = 3000
# Sides to which images are shrunk by whole factors: a linear model sees no finer things.
SIDE = 16
# Of what it knows beyond the commonest class, it must know so much of mirrored images too.
# Photographs keep 0.99 (CIFAR-10) and more, handwritten digits 0.3, clothes 0.6, whose shoes all
# point to the left.
LEAST_KEPT = 0.8
# Standard errors of a difference that chance alone rarely makes.
STANDARD_ERRORS = 2.0
# The share of the mean square of a feature that keeps the weights small.
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
    indices = np.random.default_rng(seed).permutation(len(images))[:MOST]
    pixels = np.asarray(images[indices], np.float64)
    x, y = shrunk(pixels if pixels.ndim == 4 else pixels[..., None]), codes[indices]
    train = len(x) * 2 // 3
    expected = y[train:]
    if train < 2 or not len(expected):
        return FlipInvariance(True, "too few images to tell whether that changes them")
    middle = x[:train].reshape(train, -1).mean(axis=0)
    weights, shares = _linear(x[:train].reshape(train, -1) - middle, y[:train])

    def right(x: NDArray[Any]) -> float:
        outputs = (x.reshape(len(x), -1) - middle) @ weights + shares
        return float((outputs.argmax(axis=1) == expected).mean())

    upright, mirrored = right(x[train:]), right(x[train:, :, ::-1])
    chance = float(np.bincount(expected).max() / len(expected))
    error = np.sqrt(upright * (1 - upright) / len(expected))
    reason = f"a linear model knows {upright:.0%} of the images and {mirrored:.0%} of mirrored ones"
    kept = mirrored - chance >= LEAST_KEPT * (upright - chance)
    return FlipInvariance(bool(upright - mirrored <= STANDARD_ERRORS * error or kept), reason)


def shrunk(images: NDArray[Any], side: int = SIDE) -> NDArray[Any]:
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


def _linear(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return weights and shares of classes of a ridge regression on class membership."""
    members = np.eye(int(y.max()) + 1)[y]
    shares = members.mean(axis=0)
    products = x.T @ x
    size = max(float(np.trace(products)) / len(products), 1e-12)
    products += RIDGE * size * np.eye(len(products))
    return np.linalg.solve(products, x.T @ (members - shares)), shares
