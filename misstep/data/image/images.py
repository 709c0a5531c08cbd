"""Labeled images in two splits, and how arrays become them, whatever their layout is called.

Knows arrays and names of arrays, no files; `class_folders.py` and `idx.py` read those. Pixels
stay bytes here; `image_scaling.py` makes numbers of them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset
from misstep.data.image.decoding import bytes_of_pixels, decoded_images, refuse_many_broken
from misstep.errors import DataError

__all__ = ["Images", "images_from_arrays", "no_labels", "note_on_repeats"]

Bytes = NDArray[np.uint8]
Labeled = tuple[Bytes, NDArray[Any]]
Arrays = Mapping[str, NDArray[Any]]

# Names of arrays that people use, in pairs of images and labels: training first, then the test.
_TRAINING = (
    ("x_train", "y_train"),
    ("train_x", "train_y"),
    ("train_images", "train_labels"),
    ("X_train", "y_train"),
    ("x", "y"),
    ("X", "y"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "target"),
    ("pictures", "labels"),
)
_TEST = (
    ("x_test", "y_test"),
    ("test_x", "test_y"),
    ("test_images", "test_labels"),
    ("X_test", "y_test"),
)
_LABELS_OF_JPEG = ("y_{}", "{}_y", "{}_labels")
_CLASSES = ("classes", "class_names", "label_names")
# Grey, grey with alpha, red green blue, and that with alpha.
CHANNELS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Images(Dataset):
    """Labeled images in two splits; the test split has no rows where none was brought.

    `train_images`, `test_images`: (rows, height, width) of grey or (rows, height, width,
    channels), uint8. Labels: (rows,), of any kind, None where not known. `notes`: what was noticed.
    `largest`: the largest value a pixel may have. `train_files`, `test_files`: the name of each
    image's file, or nothing. `sizing`: why they have this size; empty where they came so.
    `split_name`: which split of all they are, in words.

    >>> import misstep as ms
    >>> import numpy as np
    >>> dark, light = np.zeros((1, 8, 8), "uint8"), np.full((1, 8, 8), 255, "uint8")
    >>> labels = np.array(["night", "day"])
    >>> ms.data.Images(np.concatenate([dark, light]), labels, dark[:0], labels[:0]).shape
    (8, 8, 1)
    """

    train_images: Bytes
    train_labels: NDArray[Any]
    test_images: Bytes
    test_labels: NDArray[Any]
    notes: list[str] = field(default_factory=list)
    largest: float = 255.0
    train_files: tuple[str, ...] = ()
    test_files: tuple[str, ...] = ()
    sizing: str = ""
    split_name: str = ""

    description: ClassVar[str] = "images"
    sample_name: ClassVar[str] = "image"

    def __len__(self) -> int:
        return len(self.train_images) + len(self.test_images)

    def take(self, indices: NDArray[np.integer[Any]]) -> Images:
        """Return the training images at `indices`, without notes or a test split."""
        return replace(
            self.alone(self.train_images[indices], self.train_labels[indices], self.largest),
            train_files=tuple(self.train_files[index] for index in indices if self.train_files),
            sizing=self.sizing,
            split_name=self.split_name,
        )

    def answers(self, target: str) -> Any:
        """Return the labels, (rows,), of the test split; they bear no name of their own."""
        return self.test_split.train_labels

    def cells(self, target: str) -> list[Any]:
        return list(self.train_images[0].reshape(-1))

    @property
    def test_split(self) -> Images:
        if not len(self.test_images):
            return self
        return replace(
            self.alone(self.test_images, self.test_labels, self.largest),
            notes=self.notes,
            train_files=self.test_files,
            sizing=self.sizing,
            split_name="the test part",
        )

    def describe(self) -> str:
        height, width, channels = self.shape
        colors = "grey" if channels == 1 else "in color"
        words = f"{len(self):,} images of {height} × {width} pixels, {colors}"
        test = len(self.test_images)
        return f"{words}; {test:,} of them for the test" if test else words

    def fingerprints(self) -> NDArray[np.uint64]:
        """Return a hash of the pixels of each training image, (rows,)."""
        digests = (hashlib.blake2b(each.tobytes(), digest_size=8) for each in self.train_images)
        return np.array([int.from_bytes(each.digest(), "little") for each in digests], np.uint64)

    def row_names(self) -> tuple[str, Sequence[Any]]:
        return ("file", self.train_files) if self.train_files else super().row_names()

    @classmethod
    def alone(
        cls, images: NDArray[Any], labels: NDArray[Any] | None = None, largest: float = 255.0
    ) -> Images:
        """Return images (rows, height, width[, channels]) without a test split.

        `labels`: (rows,), or None where they are not known.
        """
        labels = no_labels(len(images)) if labels is None else labels
        return cls(images, labels, images[:0], labels[:0], largest=largest)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each image."""
        height, width, *channels = self.train_images.shape[1:]
        return height, width, channels[0] if channels else 1


def no_labels(rows: int) -> NDArray[Any]:
    """Return labels that are not known, (rows,)."""
    return np.full(rows, None, dtype=object)


def images_from_arrays(arrays: Arrays, name: str) -> Images | None:
    """Return the images that arrays of a file hold; None where they hold none.

    `arrays`: by name: images (rows, height, width[, channels]) of bytes, or of floats from 0 to
    1, and labels (rows,), such as x and y, or x_train, y_train, x_test, y_test; or the bytes of
    JPEG files in a row as train_jpeg, with train_offsets (rows + 1) and y_train. `classes`: names
    of classes for labels that are numbers. `name`: of the file. Raises DataError for images and
    labels that do not fit together, and for broken ones.
    """
    notes: list[str] = []
    if "train_jpeg" in arrays and "train_offsets" in arrays:
        train: Labeled | None = _packed(arrays, "train", name, notes)
        brought = "test_jpeg" in arrays and "test_offsets" in arrays
        test = _packed(arrays, "test", name, notes) if brought else None
    else:
        train, test = _pair(arrays, _TRAINING, name, notes), _pair(arrays, _TEST, name, notes)
    if train is None:
        return None
    images, labels = train
    if not len(images):
        raise DataError(name, needed="at least one image", got="none")
    names = next((np.asarray(arrays[key]) for key in _CLASSES if key in arrays), None)
    if test is None:
        return replace(Images.alone(images, _named(labels, names)), notes=notes)
    if test[0].shape[1:] != images.shape[1:]:
        raise DataError(
            f"the test images of {name}",
            needed=f"the shape {images.shape[1:]} of training",
            got=str(test[0].shape[1:]),
        )
    notes += note_on_repeats(images, test[0])
    return Images(images, _named(labels, names), test[0], _named(test[1], names), notes)


def note_on_repeats(train: Bytes, test: Bytes) -> list[str]:
    """Return a note where images stand in both splits, pixel for pixel."""
    known = {image.tobytes() for image in train}
    repeats = sum(image.tobytes() in known for image in test)
    if not repeats:
        return []
    return [
        f"{repeats:,} of {len(test):,} test images also stand among those to learn from, pixel "
        "for pixel: on them the score says nothing"
    ]


def _pair(
    arrays: Arrays, pairs: Sequence[tuple[str, str]], name: str, notes: list[str]
) -> Labeled | None:
    """Return the images and labels of the first pair of names that is there, or None."""
    for first, second in pairs:
        if first in arrays and second in arrays and is_images(arrays[first]):
            images = pixels_of(arrays[first], f"{first} of {name}", notes)
            labels = np.asarray(arrays[second])
            if labels.shape == (len(images), 1):
                labels = labels[:, 0]
            _check_labels(len(images), labels, f"{second} of {name}")
            return images, labels
    return None


def is_images(array: object) -> bool:
    """Tell whether an array looks like images: bytes, or floats with channels at their end."""
    pixels = np.asarray(array)
    if pixels.ndim == 3:
        return pixels.dtype == np.uint8 and min(pixels.shape[1:]) > 1
    if pixels.ndim != 4 or pixels.dtype.kind not in "uif":
        return False
    return pixels.shape[3] in CHANNELS or pixels.shape[1] in CHANNELS


def pixels_of(array: object, which: str, notes: list[str] | None = None) -> Bytes:
    """Return images as bytes, (rows, height, width) or (rows, height, width, 3).

    array: (rows, height, width), (rows, height, width, channels) or (rows, channels, height,
    width); whole numbers from 0 to 255, or floats from 0 to 1. What shines through is laid on
    white. `which`: what they are called in errors. Raises DataError for other numbers or shapes.
    """
    pixels = np.asarray(array)
    if pixels.ndim not in (3, 4) or pixels.dtype.kind not in "buif" or 0 in pixels.shape[1:]:
        raise DataError(
            which,
            needed="images, shape (rows, height, width) or (rows, height, width, 3)",
            got=f"{pixels.dtype} of shape {pixels.shape}",
        )
    if pixels.ndim == 4 and pixels.shape[3] not in CHANNELS:
        if pixels.shape[1] not in CHANNELS:
            raise DataError(
                which,
                needed="1 to 4 channels: grey or colors, with alpha or without",
                got=f"shape {pixels.shape}",
            )
        pixels = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
        if notes is not None:
            notes.append(f"{which}: channels stood before height and width, and were moved behind")
    return bytes_of_pixels(pixels if pixels.dtype == np.uint8 else _as_bytes(pixels, which))


def _as_bytes(pixels: NDArray[Any], which: str) -> Bytes:
    if not pixels.size:
        return pixels.astype(np.uint8)
    lowest, highest = pixels.min(), pixels.max()
    unit = pixels.dtype.kind in "bf" and highest <= 1
    if not (lowest >= 0 and highest <= (1 if unit else 255)):
        raise DataError(
            which,
            needed="pixels from 0 to 255, or floats from 0 to 1",
            got=f"numbers from {lowest} to {highest}",
        )
    return np.rint(pixels * 255.0 if unit else pixels).astype(np.uint8)


def _check_labels(rows: int, labels: NDArray[Any], which: str) -> None:
    if labels.shape != (rows,):
        raise DataError(
            which, needed=f"{rows:,} labels, one for each image", got=f"shape {labels.shape}"
        )


def _packed(arrays: Arrays, split: str, name: str, notes: list[str]) -> Labeled:
    """Return images and labels of a split whose JPEG files stand in a row."""
    content, offsets = np.asarray(arrays[f"{split}_jpeg"]), np.asarray(arrays[f"{split}_offsets"])
    keys = (pattern.format(split) for pattern in _LABELS_OF_JPEG)
    key = next((key for key in keys if key in arrays), None)
    if key is None:
        raise DataError(
            name, needed=f"labels y_{split} beside {split}_jpeg", got="none of that name"
        )
    in_order = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
    if content.dtype != np.uint8 or content.ndim != 1 or not in_order:
        raise DataError(
            f"{split}_jpeg of {name}",
            needed="bytes in a row, and whole offsets (rows + 1)",
            got=f"{content.dtype} of shape {content.shape} and {offsets.dtype} of {offsets.shape}",
        )
    offsets = offsets.astype(np.int64)
    if offsets[0] < 0 or offsets[-1] > len(content) or (np.diff(offsets) < 0).any():
        raise DataError(
            f"{split}_offsets of {name}",
            needed=f"rising numbers from 0 to {len(content)}",
            got=f"{offsets.min()} to {offsets.max()}",
        )
    labels = np.asarray(arrays[key])
    ends = itertools.pairwise(offsets.tolist())
    files = [(f"{split} image {i + 1}", content[a:b].tobytes()) for i, (a, b) in enumerate(ends)]
    _check_labels(len(files), labels, f"{key} of {name}")
    images, kept, broken = decoded_images(files)
    notes += refuse_many_broken(broken, len(files), name)
    return images, labels[kept]


def _named(labels: NDArray[Any], names: NDArray[Any] | None) -> NDArray[Any]:
    """Return labels by their names where they are the numbers of those."""
    if names is None or names.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        return labels
    words = list(map(str, names.tolist()))
    if len(set(words)) != len(words) or labels.min() < 0 or labels.max() >= len(words):
        return labels
    return np.asarray(words)[labels]
