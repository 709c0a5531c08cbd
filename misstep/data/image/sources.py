"""Where labeled images come from: MNIST's idx files, folders of classes, files of arrays.

Looks at what is there and hands it to whoever reads that.
"""

from __future__ import annotations

import os
from pathlib import Path

from misstep.data.image.class_folders import holds_images, read_class_folders
from misstep.data.image.decoding import is_image_name
from misstep.data.image.images import Images, images_from_arrays, is_images, pixels_of
from misstep.data.io.idx import is_idx_folder, read_idx_folder
from misstep.data.io.npz import is_npz, read_arrays
from misstep.errors import FileFormatError

__all__ = ["is_image_source", "read_images", "read_unlabeled"]


def is_image_source(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path looks like images: a folder with some, idx files, one image."""
    path = Path(source)
    if path.is_file():
        return is_image_name(path.name)
    return is_idx_folder(path) or holds_images(path)


def read_images(source: str | os.PathLike[str]) -> Images:
    """Read labeled images.

    `source`: a folder that holds a folder of images for each class, perhaps in "train" and
    "test"; a folder with MNIST's four idx files; or an .npz file with x and y, or x_train, y_train,
    x_test and y_test. Images in files of different sizes are brought to one that suits them.

    Raises StorageError, FileFormatError or DataError.

    >>> import misstep as ms
    >>> import numpy as np
    >>> np.savez("two.npz", x=np.zeros((2, 8, 8), "uint8"), y=["dark", "dark"])
    >>> ms.read_images("two.npz").train_images.shape
    (2, 8, 8)
    """
    path = Path(os.fspath(source))
    if is_idx_folder(path):
        return read_idx_folder(path)
    if path.is_file() and is_image_name(path.name):
        raise FileFormatError(
            str(path),
            needed="many images to learn from",
            got="a single one",
            try_="the folder that holds a folder of images for each class",
        )
    if not path.is_file():
        return read_class_folders(path)
    if not is_npz(path):
        raise FileFormatError(
            str(path), needed="a folder of images, or an .npz file", got="another file"
        )
    arrays = read_arrays(path)
    found = images_from_arrays(arrays, path.name)
    if found is None:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:6])
        raise FileFormatError(
            str(path),
            needed="images x (rows, height, width) or (rows, height, width, 3) of bytes and "
            "labels y (rows,), or x_train, y_train, x_test and y_test",
            got=shapes,
        )
    return found


def read_unlabeled(path: Path) -> Images | None:
    """Return the images of an .npz file that holds one array and nothing else; else None.

    Raises StorageError, FileFormatError or DataError.
    """
    arrays = list(read_arrays(path).values())
    if len(arrays) != 1 or not is_images(arrays[0]):
        return None
    return Images.alone(pixels_of(arrays[0], path.name))
