"""Images in files that somebody names one by one: told apart from other lists, and read.

Knows names and files of images; neither folders nor models.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data.image.decoding import chosen_size, decoded_images, is_image_name, looks_of
from misstep.errors import DataError

__all__ = ["are_image_paths", "pixels_of_paths"]


def are_image_paths(data: Any) -> bool:
    """Tell whether `data` is a sequence of names of image files."""
    if isinstance(data, str) or not isinstance(data, Sequence | np.ndarray) or not len(data):
        return False
    if isinstance(data, np.ndarray) and data.ndim != 1:
        return False
    return all(isinstance(one, str | os.PathLike) and is_image_name(str(one)) for one in data)


def pixels_of_paths(
    paths: Sequence[Any], size: tuple[int, int] | None, channels: int | None
) -> np.ndarray:
    """Return the images in files, one row for each, uint8.

    `size`: height and width, `channels`: 1 or 3; None: chosen from the files. Raises DataError for
    a file that can't be read: a row must not be lost.
    """
    files = [(str(path), Path(path)) for path in paths]
    if size is None:
        looks, _, _ = looks_of(files)
        size = chosen_size(looks)[0] if looks else (1, 1)
    pixels, _, broken = decoded_images(files, size, channels)
    if broken:
        raise DataError(
            f"the image {broken[0].name}",
            needed="a file that can be read",
            got=f"{broken[0].why} ({len(broken)} such files)",
            try_="leaving it out",
        )
    return pixels
