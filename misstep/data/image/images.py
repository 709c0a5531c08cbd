"""Labeled images in two splits, and how arrays become them, whatever their layout is called.

Knows arrays and names of arrays, no files; `class_folders.py` and `idx.py` read those. Pixels
stay here as they came; `image_scaling.py` brings them to what a network takes.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.copies import Traits
from misstep.data.dataset import Dataset
from misstep.data.image.decoding import bytes_of_pixels, decoded_images, refuse_many_broken
from misstep.data.image.depth import BYTE_IN_16_BITS, LEAST_USED, WHITE, Depth
from misstep.data.image.image_traits import image_traits
from misstep.errors import DataError
from misstep.storage import MappedRows, taken_rows
from misstep.text.counts import counted

__all__ = ["Images", "depth_of_array", "images_from_arrays", "no_labels", "note_on_repeats"]

Bytes = NDArray[np.uint8]
Pixels = NDArray[Any]
Labeled = tuple[Pixels, NDArray[Any]]
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
# What is said of images that are no bytes.
DEPTHS: dict[Depth, str] = {"8-bit": "", "16-bit": ", 16-bit", "values": ", each pixel any number"}
# Images that are compared by what is light and dark where: some kB of memory each. Of more, those
# are copies that are equal.
MOST_COMPARED = 250_000
# Shorter sides are rather steps or channels of a sequence.
SHORTEST_SIDE = 8


@dataclass(frozen=True)
class Images(Dataset):
    """Labeled images in two splits; the test split has no rows where none was brought.

    `train_images`, `test_images`: (rows, height, width) of grey or (rows, height, width,
    channels), uint8, or deeper as `depth` says. Labels: (rows,), of any kind, None where not known.
    `notes`: what was noticed. `largest`: the largest value a pixel may have; of "values" it is not
    known. `train_files`, `test_files`: the name of each
    image's file, or nothing. `sizing`: why they have this size; empty where they came so.
    `split_name`: which split of all they are, in words.

    >>> import misstep as ms
    >>> import numpy as np
    >>> dark, light = np.zeros((1, 8, 8), "uint8"), np.full((1, 8, 8), 255, "uint8")
    >>> labels = np.array(["night", "day"])
    >>> ms.data.Images(np.concatenate([dark, light]), labels, dark[:0], labels[:0]).shape
    (8, 8, 1)
    """

    train_images: Pixels
    train_labels: NDArray[Any]
    test_images: Pixels
    test_labels: NDArray[Any]
    notes: list[str] = field(default_factory=list)
    largest: float = 255.0
    train_files: tuple[str, ...] = ()
    test_files: tuple[str, ...] = ()
    sizing: str = ""
    split_name: str = ""
    depth: Depth = "8-bit"

    description: ClassVar[str] = "images"
    sample_name: ClassVar[str] = "image"

    def __len__(self) -> int:
        return len(self.train_images) + len(self.test_images)

    def take(self, indices: NDArray[np.integer[Any]]) -> Images:
        """Return the training images at `indices`, without notes or a test split."""
        images = taken_rows(self.train_images, indices)
        return replace(
            self.alone(images, self.train_labels[indices], self.largest, self.depth),
            train_files=tuple(self.train_files[index] for index in indices if self.train_files),
            sizing=self.sizing,
            split_name=self.split_name,
        )

    def answers(self, target: str) -> Any:
        """Return the labels, (rows,), of the test split, or None without any.

        They bear no name of their own.
        """
        labels = self.test_split.train_labels
        return None if all(label is None for label in labels.tolist()) else labels

    def cells(self, target: str) -> list[Any]:
        return list(self.train_images[0].reshape(-1))

    @property
    def test_split(self) -> Images:
        if not len(self.test_images):
            return self
        return replace(
            self.alone(self.test_images, self.test_labels, self.largest, self.depth),
            notes=self.notes,
            train_files=self.test_files,
            sizing=self.sizing,
            split_name="the test part",
        )

    def describe(self) -> str:
        height, width, channels = self.shape
        colors = "grey" if channels == 1 else "in color"
        depth = DEPTHS[self.depth]
        words = f"{counted(len(self), 'image')} of {height} × {width} pixels, {colors}{depth}"
        test = len(self.test_images)
        return f"{words}; {test:,} of them for the test" if test else words

    def fingerprints(self) -> NDArray[np.uint64]:
        """Return a hash of the pixels of each training image, (rows,)."""
        digests = (hashlib.blake2b(each.tobytes(), digest_size=8) for each in self.train_images)
        return np.array([int.from_bytes(each.digest(), "little") for each in digests], np.uint64)

    def traits(self, without: Container[str] = ()) -> Traits:
        """Return what is light and dark where in each training image; of very many, all of it."""
        if len(self.train_images) > MOST_COMPARED:
            return super().traits(without)
        return image_traits(self.train_images, self.largest)

    def row_names(self) -> tuple[str, Sequence[Any]]:
        return ("file", self.train_files) if self.train_files else super().row_names()

    @classmethod
    def alone(
        cls,
        images: NDArray[Any],
        labels: NDArray[Any] | None = None,
        largest: float | None = None,
        depth: Depth = "8-bit",
    ) -> Images:
        """Return images (rows, height, width[, channels]) without a test split.

        `labels`: (rows,), or None where they are not known. `largest`: by default that of `depth`.
        """
        labels = no_labels(len(images)) if labels is None else labels
        largest = WHITE.get(depth, 1.0) if largest is None else largest
        return cls(images, labels, images[:0], labels[:0], largest=largest, depth=depth)

    def in_depth(self, depth: Depth) -> Images:
        """Return the training images as numbers of another depth. Raises DataError: of no kind."""
        if depth == self.depth:
            return self
        if "values" in (depth, self.depth):
            numbers = {"8-bit": "bytes", "16-bit": "16 bits", "values": "any numbers"}
            raise DataError(
                "the images",
                needed=f"pixels that are {numbers[depth]}, as in training",
                got=f"pixels that are {numbers[self.depth]}",
            )
        pixels = self.train_images.astype(np.float32) * (WHITE[depth] / self.largest)
        pixels = np.rint(pixels).astype(np.uint8 if depth == "8-bit" else np.uint16)
        return replace(self.alone(pixels, self.train_labels, depth=depth), notes=self.notes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each image."""
        height, width, *channels = self.train_images.shape[1:]
        return height, width, channels[0] if channels else 1


def no_labels(rows: int) -> NDArray[Any]:
    """Return labels that are not known, (rows,)."""
    return np.full(rows, None, dtype=object)


def images_from_arrays(arrays: Arrays, name: str, depth: Depth | None = None) -> Images | None:
    """Return the images that arrays of a file hold; None where they hold none.

    `arrays`: by name: images (rows, height, width[, channels]) of numbers, and labels (rows,), such
    as x and y, or x_train, y_train, x_test, y_test; or the bytes of JPEG files in a row as
    train_jpeg, with train_offsets (rows + 1) and y_train. `classes`: names of classes for labels
    that are numbers. `name`: of the file. `depth`: to read them in; None: as those to learn from
    say. Raises DataError for images and labels that do not fit together, and for broken ones.
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
    depth = depth or depth_of_array(images)
    images = pixels_of_depth(images, depth, f"the images of {name}")
    alone = replace(Images.alone(images, _named(labels, names), depth=depth), notes=notes)
    if test is None:
        return alone
    test_images = pixels_of_depth(test[0], depth, f"the test images of {name}")
    if test_images.shape[1:] != images.shape[1:]:
        raise DataError(
            f"the test images of {name}",
            needed=f"the shape {images.shape[1:]} of training",
            got=str(test_images.shape[1:]),
        )
    notes += note_on_repeats(images, test_images)
    test_labels = _named(test[1], names)
    return replace(alone, test_images=test_images, test_labels=test_labels)


def pairs_of_names() -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Return what images and labels of training, and of the test, may be called in a file."""
    return _TRAINING, _TEST


def note_on_repeats(train: Pixels, test: Pixels) -> list[str]:
    """Return a note where images stand in both splits, pixel for pixel."""
    if not len(test):
        return []

    def digests(images: Pixels) -> Iterator[bytes]:
        return (hashlib.blake2b(each.tobytes(), digest_size=16).digest() for each in images)

    # Of the images to learn from, there may be more than memory holds twice.
    tested = list(digests(test))
    wanted = set(tested)
    known = {digest for digest in digests(train) if digest in wanted}
    repeats = sum(digest in known for digest in tested)
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
            images = channels_last(arrays[first], f"{first} of {name}", notes)
            labels = np.asarray(arrays[second])
            if labels.shape == (len(images), 1):
                labels = labels[:, 0]
            _check_labels(len(images), labels, f"{second} of {name}")
            return images, labels
    return None


def is_images(array: object) -> bool:
    """Tell whether an array looks like images: bytes, or numbers with channels at their end."""
    pixels = array if isinstance(array, MappedRows) else np.asarray(array)
    if pixels.ndim == 3:
        sides = min(pixels.shape[1:])
        deep = pixels.dtype == np.uint16 and sides >= SHORTEST_SIDE
        return deep or (pixels.dtype == np.uint8 and sides > 1)
    if pixels.ndim != 4 or pixels.dtype.kind not in "uif":
        return False
    return pixels.shape[3] in CHANNELS or pixels.shape[1] in CHANNELS


def pixels_of(array: object, which: str, depth: Depth | None = None) -> Pixels:
    """Return images as `channels_last` has them, as numbers of a depth, else of their own.

    Raises DataError for other numbers or shapes.
    """
    pixels = channels_last(array, which)
    return pixels_of_depth(pixels, depth or depth_of_array(pixels), which)


def channels_last(array: object, which: str, notes: list[str] | None = None) -> Pixels:
    """Return images as (rows, height, width) or (rows, height, width, channels), numbers as given.

    array: (rows, height, width), (rows, height, width, channels) or (rows, channels, height,
    width). `which`: what they are called in errors. Raises DataError for other shapes.
    """
    if isinstance(array, MappedRows):
        return array  # type: ignore[return-value]
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
    return pixels


def depth_of_array(pixels: Pixels) -> Depth:
    """Return how deep the numbers of images are: bytes, 16 bits, or any.

    Floats are bytes or shares of white where they use at least half of that range. Raises
    DataError for numbers that are not finite.
    """
    if pixels.dtype in (np.uint8, np.bool_) or not pixels.size:
        return "8-bit"
    lowest, highest = pixels.min(), pixels.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise DataError("the images", needed="finite numbers", got=f"{lowest} to {highest}")
    if pixels.dtype.kind == "f":
        white = 1.0 if highest <= 1 else WHITE["8-bit"]
        used = float(highest) - float(lowest) >= LEAST_USED * white or highest == lowest
        return "8-bit" if used and lowest >= 0 and highest <= white else "values"
    if lowest < 0 or highest > WHITE["16-bit"]:
        return "values"
    return "16-bit" if highest > WHITE["8-bit"] else "8-bit"


def pixels_of_depth(
    pixels: Pixels, depth: Depth, which: str, limits: tuple[float, float] | None = None
) -> Pixels:
    """Return images (rows, height, width[, channels]) as numbers of a depth.

    Bytes are uint8, 16 bits uint16, values float32; floats of at most 1 become bytes as shares of
    white. What shines through is laid on white. Raises DataError for numbers that are none of it.
    `limits`: the smallest and the largest number, where these are some of many; None: of these.
    """
    if isinstance(pixels, MappedRows):
        return pixels
    if depth == "8-bit":
        bytes_ = pixels if pixels.dtype == np.uint8 else _as_bytes(pixels, which, limits)
        return bytes_of_pixels(bytes_)
    if pixels.ndim == 4 and pixels.shape[3] == 1:
        pixels = pixels[..., 0]
    if depth == "16-bit":
        if pixels.dtype == np.uint8:
            pixels = pixels.astype(np.uint16) * np.uint16(BYTE_IN_16_BITS)
        lowest, highest = (pixels.min(), pixels.max()) if pixels.size else (0, 0)
        if not (lowest >= 0 and highest <= WHITE[depth]):
            got = f"numbers from {lowest} to {highest}"
            raise DataError(which, needed="16-bit pixels, from 0 to 65,535", got=got)
        deep = np.rint(pixels) if pixels.dtype.kind == "f" else pixels
        return _without_alpha(deep.astype(np.uint16), which)
    if pixels.size and not np.isfinite(pixels).all():
        got = f"numbers from {pixels.min()} to {pixels.max()}"
        raise DataError(which, needed="finite numbers", got=got)
    return _without_alpha(pixels.astype(np.float32), which)


def _without_alpha(pixels: Pixels, which: str) -> Pixels:
    """Return deep images, of which alpha is not known how it is meant. Raises DataError."""
    if pixels.ndim == 4 and pixels.shape[3] not in (1, 3):
        raise DataError(
            which,
            needed="1 or 3 channels where pixels are no bytes",
            got=f"{pixels.shape[3]}",
            try_="x[..., :3] without the alpha channel",
        )
    return pixels


def _as_bytes(pixels: Pixels, which: str, limits: tuple[float, float] | None) -> Bytes:
    if not pixels.size:
        return pixels.astype(np.uint8)
    lowest, highest = (pixels.min(), pixels.max()) if limits is None else limits
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
