"""How pictures become rows of numbers: from bytes of any size to flat float32 from 0 to 1.

Knows the one shape that a network was trained on; nothing is fitted. The layers of the network give
each row its height, width and channels back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.pictures import Pictures
from misstep.data.stored import STRICT, from_plain, to_plain
from misstep.errors import DataError

__all__ = ["PictureScaling"]

COLORS = ("red", "green", "blue")
# Sides and channels that a model file may name: no more than a picture of a large screen.
MOST_PIXELS = 2**26


@dataclass(frozen=True)
class PictureScaling:
    """Brings pictures from 0..largest to 0..1 in flat rows.

    `transform`: (rows, height, width[, channels]), or (rows, pixels), to float32 (rows, pixels), in
    the order rows, columns, channels.
    """

    height: int
    width: int
    channels: int = 1
    largest: float = 255.0
    kind: Literal["pictures"] = "pictures"
    version: Literal[1] = 1

    __pydantic_config__: ClassVar[Any] = STRICT

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.channels) < 1:
            raise ValueError("height, width and channels must be 1 or more")
        if self.number_of_features > MOST_PIXELS:
            raise ValueError("a picture has too many pixels")
        if not (np.isfinite(self.largest) and self.largest >= 1e-6):
            raise ValueError("largest must be above 0")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    def transform(self, X: object) -> NDArray[np.float32]:
        """Return the pictures flat and divided by `largest`.

        Raises DataError: another number of pixels, or values that are none from 0 to `largest`.
        """
        array = np.asarray(X)
        if array.dtype.kind not in "buif" or array.ndim < 2:
            raise DataError(
                "the pictures",
                needed="numbers of shape (rows, pixels) or (rows, height, width, channels)",
                got=f"{array.dtype} of shape {array.shape}",
            )
        self._check_shape(array.shape)
        flat = array.reshape(len(array), self.number_of_features)
        if flat.size:
            lowest, highest = flat.min(), flat.max()
            if not (lowest >= 0 and highest <= self.largest):
                raise DataError(
                    "the pictures",
                    needed=f"values from 0 to {self.largest:g}",
                    got=f"values from {lowest} to {highest}",
                )
        result = np.empty(flat.shape, np.float32)
        # Straight into its place: a large set of pictures fits into memory once.
        np.divide(flat, np.float32(self.largest), out=result, casting="same_kind")
        return result

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        given = shape[1:]
        known = [(self.number_of_features,), self.shape]
        known += [(self.height, self.width)] if self.channels == 1 else []
        if given not in known:
            raise DataError(
                "the pictures",
                needed=f"{' × '.join(map(str, known[-1]))} each, as in training, or rows of "
                f"{self.number_of_features} pixels",
                got=f"{' × '.join(map(str, given))}",
                try_="the files themselves, which are brought to that size",
            )

    @property
    def feature_names(self) -> list[str]:
        """One name for each number, counted from 1."""
        if self.channels == 1:
            return [f"pixel_{i + 1}" for i in range(self.number_of_features)]
        colors = COLORS if self.channels == 3 else tuple(map(str, range(1, self.channels + 1)))
        pixels = range(self.height * self.width)
        return [f"pixel_{i + 1}_{color}" for i in pixels for color in colors]

    @property
    def number_of_features(self) -> int:
        """How many columns `transform` returns."""
        return self.height * self.width * self.channels

    @property
    def reasons(self) -> list[str]:
        """One sentence for each choice."""
        return [f"all values are pixels from 0 to {self.largest:g}, so each is divided by that"]

    def to_json(self) -> dict[str, Any]:
        """Return everything needed as plain JSON."""
        return to_plain(self)

    @classmethod
    def from_json(cls, plain: object) -> PictureScaling:
        """Rebuild what `to_json` gave. Raises FileFormatError."""
        return from_plain(cls, plain, "the stored scaling of pictures")

    @classmethod
    def of(cls, pictures: Pictures) -> PictureScaling:
        """Return the scaling for pictures like these."""
        return cls(*pictures.shape, float(pictures.largest))
