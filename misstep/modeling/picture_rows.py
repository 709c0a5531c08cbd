"""What a model of pictures is given, brought to the size, colors and range that it learned from.

Knows pictures and files of them; knows no network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Pictures, PictureScaling, read_picture_files
from misstep.data.picture_files import (
    chosen_size,
    decoded_pictures,
    is_picture_name,
    looks_of,
)
from misstep.errors import DataError
from misstep.ir import Array

__all__ = ["are_picture_paths", "as_pixels", "picture_rows", "pixels_of_paths"]


def picture_rows(pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures and labels of the test part, or of the training part where there is none."""
    if len(pictures.test_pictures):
        return pictures.test_pictures, pictures.test_labels
    return pictures.train_pictures, pictures.train_labels


def as_pixels(scaling: PictureScaling, data: Any) -> Array | None:
    """Return the pixels of `data` as `scaling` takes them; None where it is no kind of pictures.

    data: `Pictures`, an array (rows, height, width[, channels]), the path of a picture or of a
    folder with some, or a list of paths. Files are brought to the size of training, arrays must
    have it. Raises DataError, StorageError.
    """
    if isinstance(data, Pictures):
        return _of_range(picture_rows(data)[0], scaling, data.largest)
    height, width, channels = scaling.shape
    if isinstance(data, np.ndarray):
        return data if data.dtype.kind in "buif" else None
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if path.is_dir() or is_picture_name(path.name):
            return as_pixels(scaling, read_picture_files(path, (height, width), channels))
        return None
    if are_picture_paths(data):
        return _of_range(pixels_of_paths(data, (height, width), channels), scaling, 255.0)
    return None


def are_picture_paths(data: Any) -> bool:
    """Tell whether `data` is a sequence of names of picture files."""
    if isinstance(data, str) or not isinstance(data, Sequence | np.ndarray) or not len(data):
        return False
    if isinstance(data, np.ndarray) and data.ndim != 1:
        return False
    return all(isinstance(one, str | os.PathLike) and is_picture_name(str(one)) for one in data)


def pixels_of_paths(
    paths: Sequence[Any], size: tuple[int, int] | None, channels: int | None
) -> np.ndarray:
    """Return the pictures in files, one row for each, uint8.

    `size`: height and width, `channels`: 1 or 3; None: chosen from the files. Raises DataError for
    a file that can't be read: a row must not be lost.
    """
    files = [(str(path), Path(path)) for path in paths]
    if size is None:
        looks, _, _ = looks_of(files)
        size = chosen_size(looks)[0] if looks else (1, 1)
    pixels, _, broken = decoded_pictures(files, size, channels)
    if broken:
        raise DataError(
            f"the picture {broken[0].name}", needed="a file that can be read",
            got=f"{broken[0].why} ({len(broken)} such files)", try_="leaving it out",
        )  # fmt: skip
    return pixels


def _of_range(pixels: np.ndarray, scaling: PictureScaling, largest: float) -> np.ndarray:
    if largest == scaling.largest:
        return pixels
    return pixels * np.float32(scaling.largest / largest)
