"""Images that people give to an estimator: arrays of numbers, or names of files.

Knows what images look like and brings them to one size; knows no training.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import Images, ImageScaling, pixels_of
from misstep.data.image.decoding import are_image_paths, pixels_of_paths
from misstep.data.image.depth import depth_of_dtype
from misstep.data.image.images import is_images
from misstep.errors import DataError


def first_images(estimator: Any, X: Any) -> Images | None:
    """Return the images that an estimator is fitted on; None where X is something else.

    X: bytes or 16 bits (rows, height, width), numbers (rows, height, width, channels), or a list of
    paths.
    """
    X = _plain(X)
    if are_image_paths(X):
        pixels = pixels_of_paths(X, None, None)
    elif isinstance(X, np.ndarray) and (X.ndim == 4 or is_images(X)):
        pixels = pixels_of(X, "X")
    else:
        return None
    if len(pixels) == 0:
        raise DataError("X", needed="at least one image", got="none")
    estimator.n_features_in_ = int(np.prod(pixels.shape[1:]))
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    return Images.alone(pixels, depth=depth_of_dtype(pixels.dtype))


def further_images(X: Any, scaling: ImageScaling) -> Images:
    """Return further images for a model of images. Raises DataError for anything else."""
    X = _plain(X)
    deep = scaling.depth != "8-bit"
    arrays = isinstance(X, np.ndarray) and (X.ndim == 4 or (X.ndim == 3 and deep))
    pixels = scaling.read(pixels_of(X, "X", scaling.depth) if arrays else X)
    if pixels is None:
        raise DataError(
            "X",
            needed="images, as in fit: an array (rows, height, width), or paths",
            got=type(X).__name__,
        )
    return Images.alone(pixels, largest=scaling.largest, depth=scaling.depth)


def _plain(X: Any) -> Any:
    """Return a column of a frame as a list; all else as it is."""
    return X.tolist() if hasattr(X, "tolist") and getattr(X, "ndim", 0) == 1 else X
