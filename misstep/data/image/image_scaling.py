"""How images become rows of numbers: from bytes or files to flat float32 from 0 to 1.

Knows the one shape that a network was trained on, and the range of pixels where it was fitted. The
layers of the network give each row its height, width and channels back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset
from misstep.data.decision import Decision
from misstep.data.image.class_folders import holds_images, prepared_image_files, read_image_files
from misstep.data.image.decoding import are_image_paths, is_image_name, pixels_of_paths
from misstep.data.image.depth import BYTE_IN_16_BITS, Depth, pixel_range
from misstep.data.image.idx_folders import is_idx_folder
from misstep.data.image.image_json import image_schema, images_of_json
from misstep.data.image.image_parts import image_inputs, image_parts
from misstep.data.image.images import Images, images_from_arrays, is_images, pixels_of
from misstep.data.image.prepared_arrays import prepared_arrays
from misstep.data.inputs import Inputs
from misstep.data.io.idx import is_idx_name, read_idx
from misstep.data.io.npz import is_npz, read_arrays
from misstep.data.preparation import Preparation
from misstep.data.preprocessing import Preprocessing
from misstep.data.row_parts import BaselineRow, RowParts
from misstep.data.stored_json import check
from misstep.data.table.matrix import numbers_of
from misstep.data.table.table import Table
from misstep.errors import DataError
from misstep.storage import MappedRows, Scale, column_means, pieces_of
from misstep.text.counts import counted
from misstep.text.figures import figure, true_minus

__all__ = ["ImageScaling"]

COLORS = ("red", "green", "blue")
# Sides and channels that a model file may name: no more than an image of a large screen.
MOST_PIXELS = 2**26


@dataclass(frozen=True)
class ImageScaling(Preprocessing):
    """Brings images from 0..largest, or the range that those of training use, to 0..1 in flat rows.

    `depth`: how deep pixels are; `used`: from where to where training images use them, None where
    from 0 to `largest`. What is beyond becomes 0 or 1. `transform`: (rows, height, width[,
    channels]), or (rows, pixels), to float32 (rows, pixels), in the order rows, columns, channels.
    """

    height: int
    width: int
    channels: int = 1
    largest: float = 255.0
    depth: Depth = "8-bit"
    used: tuple[float, float] | None = None

    stored_as: ClassVar[str] = "pictures"
    sample_name: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        check(
            (min(self.shape) >= 1, "height, width and channels must be 1 or more"),
            (self.number_of_features <= MOST_PIXELS, "an image has too many pixels"),
            (np.isfinite(self.largest) and self.largest >= 1e-6, "largest must be above 0"),
            (
                self.used is None or (np.isfinite(self.used).all() and self.used[1] > self.used[0]),
                "the range used must rise",
            ),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    def encode(self, data: Any, target: str = "") -> tuple[NDArray[np.float32], list[str]]:
        """Return images, or a table or array with a column for each pixel, as `transform` does.

        data: anything that `read` takes, or numbers (rows, pixels). Raises DataError, StorageError.
        """
        notes = list(data.notes) if isinstance(data, Images) else []
        pixels = self.read(data)
        if pixels is None:
            pixels = numbers_of(data, self.number_of_features, target)
        features = self.transform(pixels)
        return features, [*notes, *self._notes_on_range(features)]

    def read(self, data: Any) -> NDArray[Any] | None:
        """Return pixels in the size and range of training; None where data is no kind of images.

        data: `Images`, of which the test split is taken; an array (rows, height, width[,
        channels]); the path of an image or of a folder with some, or a list of paths. Files are
        brought to the size of training, arrays must have it. Raises DataError, StorageError.
        """
        if isinstance(data, Images):
            return self._of_range(data.test_split)
        if isinstance(data, np.ndarray):
            if data.dtype.kind not in "buif":
                return None
            deep = self.depth == "16-bit" and data.dtype == np.uint8
            return data * np.uint16(BYTE_IN_16_BITS) if deep else data
        if isinstance(data, str | os.PathLike):
            path = Path(data)
            if path.is_dir() or is_image_name(path.name):
                return self.read(self._read_files(path))
            return None
        if are_image_paths(data):
            size = self.height, self.width
            return pixels_of_paths(data, size, self.channels, self.depth)
        return None

    def read_path(self, path: Path) -> Images | None:
        """Return single images, any folder of them or unlabeled arrays, in the size of training.

        An idx file of images stands alone. None for other paths. Raises StorageError,
        FileFormatError or DataError.
        """
        if path.is_dir():
            images = not is_idx_folder(path) and holds_images(path)
            return self._read_files(path) if images else None
        if not path.is_file():
            return None
        if is_image_name(path.name):
            return self._read_files(path)
        if is_npz(path):
            arrays = read_arrays(path)
            first = next(iter(arrays.values()))
            if len(arrays) == 1 and is_images(first):
                return Images.alone(pixels_of(first, path.name, self.depth), depth=self.depth)
            return images_from_arrays(arrays, path.name, self.depth)
        if is_idx_name(path.name):
            array = read_idx(path)
            if array.ndim < 2:
                got = f"{len(array):,} single numbers, as labels are"
                raise DataError(str(path), needed="images", got=got)
            return Images.alone(array)
        return None

    def read_path_prepared(self, path: Path, preparation: Preparation) -> Images | None:
        if path.is_dir() and not is_idx_folder(path) and holds_images(path):
            shape = (self.height, self.width), self.channels, self.depth
            return prepared_image_files(path, *shape, preparation)
        if path.is_file() and is_npz(path):
            return prepared_arrays(path, preparation, self.depth)
        return None

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        if isinstance(dataset, Images):
            return dataset
        if not isinstance(dataset, Table):
            raise DataError(source, needed="images, as in training", got=dataset.description)
        columns, pixels = len(dataset.frame.columns), self.number_of_features
        if columns not in (pixels, pixels + 1):
            raise DataError(
                source,
                needed=f"images of {pixels} pixels, or a table with a column for each pixel",
                got=f"a table of {counted(columns, 'column')}",
            )
        return dataset

    def _read_files(self, path: Path) -> Images:
        return read_image_files(path, (self.height, self.width), self.channels, self.depth)

    def _of_range(self, images: Images) -> NDArray[Any]:
        """Return pixels on the scale of training. Raises DataError for another kind of numbers."""
        if images.depth != self.depth:
            images = images.in_depth(self.depth)
        pixels, largest = images.train_images, images.largest
        return pixels if largest == self.largest else pixels * np.float32(self.largest / largest)

    def transform(self, X: object) -> NDArray[np.float32]:
        """Return the images flat and from 0 to 1.

        Raises DataError: another number of pixels, or values that are none from 0 to `largest`,
        or not finite.
        """
        if isinstance(X, MappedRows):
            return self._mapped(X)
        array = np.asarray(X)
        if array.dtype.kind not in "buif" or array.ndim < 2:
            raise DataError(
                "the images",
                needed="numbers of shape (rows, pixels) or (rows, height, width, channels)",
                got=f"{array.dtype} of shape {array.shape}",
            )
        self._check_shape(array.shape)
        flat = array.reshape(len(array), self.number_of_features)
        result = np.empty(flat.shape, np.float32)
        if self.depth == "values":
            if flat.size and not np.isfinite(flat).all():
                got = f"values from {flat.min()} to {flat.max()}"
                raise DataError("the images", needed="finite values", got=got)
        elif flat.size:
            lowest, highest = flat.min(), flat.max()
            if not (lowest >= 0 and highest <= self.largest):
                raise DataError(
                    "the images",
                    needed=f"values from 0 to {self.largest:g}",
                    got=f"values from {lowest} to {highest}",
                )
        # Straight into its place: a large set of images fits into memory once.
        if self.used is None:
            np.divide(flat, np.float32(self.largest), out=result, casting="same_kind")
            return result
        low, high = map(np.float32, self.used)
        np.subtract(flat, low, out=result, casting="same_kind", dtype=np.float32)
        np.divide(result, high - low, out=result)
        return np.clip(result, 0, 1, out=result)

    def _mapped(self, rows: MappedRows) -> Any:
        """Return images in a file as rows that are scaled when they are read."""
        self._check_shape(rows.shape)
        low, high = (0.0, self.largest) if self.used is None else self.used
        return rows.scaled(
            Scale(float(np.float32(low)), float(np.float32(high) - np.float32(low)), 0.0, 1.0)
        )

    def _notes_on_range(self, features: NDArray[np.float32]) -> list[str]:
        """Return a note where images have no pixel within the range of training."""
        if self.used is None or not features.size:
            return []
        count = 0
        for piece in pieces_of(features):
            lowest, highest = piece.min(axis=1), piece.max(axis=1)
            count += int(((lowest == highest) & ((lowest == 0) | (lowest == 1))).sum())
        if not count:
            return []
        return [
            f"{counted(count, 'image')} of one color after scaling: no pixel lies between "
            f"{self._number(self.used[0])} and {self._number(self.used[1])}, which is what images "
            "of training use; such a prediction says nothing"
        ]

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        known = [(self.number_of_features,), self.shape]
        known += [(self.height, self.width)] if self.channels == 1 else []
        if shape[1:] not in known:
            raise DataError(
                "the images",
                needed=f"{' × '.join(map(str, known[-1]))} each, as in training, or rows of "
                f"{self.number_of_features} pixels",
                got=" × ".join(map(str, shape[1:])),
                try_="the files themselves, which are brought to that size",
            )

    @property
    def feature_names(self) -> list[str]:
        if self.channels == 1:
            return [f"pixel_{i + 1}" for i in range(self.number_of_features)]
        pixels = range(self.height * self.width)
        return [f"pixel_{i + 1}_{color}" for i in pixels for color in self._colors]

    @property
    def _colors(self) -> tuple[str, ...]:
        """What the channels are called; numbers, where they are no colors that are known."""
        return COLORS if self.channels == 3 else tuple(map(str, range(1, self.channels + 1)))

    def names_in_row(self, features: NDArray[Any]) -> list[str]:
        """Return where each number stands in the image, counted from 1."""
        colors = [f"{color} of " for color in self._colors] if self.channels > 1 else [""]
        return [
            f"{color}pixel at row {i + 1}, column {j + 1}"
            for i in range(self.height)
            for j in range(self.width)
            for color in colors
        ]

    def image_of(self, features: NDArray[Any]) -> NDArray[Any] | None:
        """Return a grey image of one row, (features,), as (height, width); None for colors."""
        return features.reshape(self.shape[:2]) if self.channels == 1 else None

    def rows_of(self, data: Any) -> Dataset:
        """Return images: arrays, paths, or a table with a column for each pixel."""
        if isinstance(data, Dataset):
            return data
        pixels = self.read(data)
        return super().rows_of(data) if pixels is None else Images.alone(pixels, None, self.largest)

    def row_schema(self) -> dict[str, Any]:
        return image_schema(self.shape, self.largest)

    def rows_of_json(self, rows: Sequence[Any]) -> NDArray[Any]:
        return images_of_json(rows, self.shape, self.depth, self.largest)

    def baseline_row(
        self, data: Dataset, features: NDArray[Any], weights: NDArray[Any] | None = None
    ) -> BaselineRow:
        """Return the average image."""
        if weights is None:
            mean = column_means(features)
        else:
            # Without a product of matrices, whose sums may depend on threads.
            shares = np.asarray(weights, np.float64) / np.sum(weights)
            mean = np.einsum("r,rf->f", shares, np.asarray(features))
        return BaselineRow(len(features), features=mean.astype(np.float32))

    def parts_of(
        self, row: Dataset, features: NDArray[Any], baseline_row: BaselineRow | None
    ) -> RowParts:
        return image_parts(self.shape, features, self.largest, baseline_row)

    def inputs(self, baseline_row: BaselineRow | None) -> tuple[Inputs, ...]:
        """Return the regions of a grid, each replaced by the average of the training images."""
        return (image_inputs(self.shape, self.largest, baseline_row),)

    @property
    def number_of_features(self) -> int:
        return self.height * self.width * self.channels

    @property
    def decisions(self) -> list[Decision]:
        if self.used is None:
            choice, reason = f"divided by {self.largest:g}", "networks learn best from 0 to 1"
            return [Decision("pixels", choice, reason)]
        low, high = map(self._number, self.used)
        numbers = "images" if self.depth == "values" else f"{self.depth} images"
        use = f"{numbers} to learn from use {low} to {high}"
        if self.depth == "values":
            reason = f"{use}, and networks learn best from 0 to 1"
        else:
            reason = f"{use} of {self.largest:,.0f}, and would be all alike if divided by that"
        return [Decision("pixels", f"{low} becomes 0, {high} becomes 1", reason)]

    def _number(self, value: float) -> str:
        whole = self.depth != "values" or abs(value) >= 1000
        return true_minus(f"{value:,.0f}") if whole else figure(value)

    @classmethod
    def of(cls, images: Images) -> ImageScaling:
        """Return the scaling for images like these, those to learn from."""
        white = float(images.largest) if images.depth == "8-bit" else None
        used = pixel_range(images.train_images, white) if images.train_images.size else None
        return cls(*images.shape, float(images.largest), images.depth, used)
