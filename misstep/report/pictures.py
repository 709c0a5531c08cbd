"""Small pictures for a page, as bytes of PNG files: the images of a data set, and what they show.

Knows pixels; where a picture stands, who shows it knows. A picture of a page is at most `SIDE`
pixels long, so that many of them stay small.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import ArrayLike, NDArray

from misstep.data import Dataset, Images
from misstep.report.markup import Markup, tag

__all__ = ["image_of_row", "picture", "png_of"]

# In pixels: larger images are made smaller.
SIDE = 96
# What is seen of pixels that may have any value: from the darkest to the brightest but for a few.
STRAY = 0.01


def png_of(image: ArrayLike, most: int = SIDE) -> bytes:
    """Return an image from 0 to 1, (height, width) or (height, width, 1, 3 or 4), as a PNG file.

    `most`: pixels of its longer side, at most.
    """
    from PIL import Image

    pixels = np.clip(np.nan_to_num(np.asarray(image, "float64")), 0.0, 1.0)
    if pixels.ndim == 3 and pixels.shape[2] not in (3, 4):
        # Of channels that are no colors the mean is seen.
        pixels = pixels.mean(axis=2)
    shown = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    longest = max(shown.size)
    if longest > most:
        width, height = (max(1, round(side * most / longest)) for side in shown.size)
        shown = shown.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    shown.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def image_of_row(data: Dataset, row: int = 0) -> NDArray[np.float64] | None:
    """Return a row as an image from 0 to 1, (height, width[, channels]); None if it is none."""
    if not isinstance(data, Images):
        return None
    image = np.asarray(data.train_images[row], "float64")
    if data.depth != "values":
        return image / data.largest
    low, high = np.nanquantile(image, [STRAY, 1 - STRAY])
    return np.asarray((image - low) / ((high - low) or 1.0))


def picture(png: bytes, words: str, side: int = SIDE, class_: str = "picture") -> Markup:
    """Return a picture, `side` pixels high; `words`: what it shows, for people who can't see it."""
    data = base64.b64encode(png).decode()
    return tag("img", src=f"data:image/png;base64,{data}", alt=words, height=side, class_=class_)
