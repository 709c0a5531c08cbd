"""Images as JSON: the bytes of a file in base64, or the numbers of their pixels.

Knows values of JSON and the shape that a network was trained on; Pillow decodes in `decoding.py`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.decoding import decoded_images
from misstep.data.image.depth import DTYPES, Depth
from misstep.data.json_rows import json_kind
from misstep.errors import DataError

__all__ = ["image_schema", "images_of_json"]

IMAGE, PIXELS = "image", "pixels"
# What a browser writes before the base64 of a file: data:image/png;base64,
DATA_ADDRESS = "data:image/"


def images_of_json(
    rows: Sequence[Any], shape: tuple[int, int, int], depth: Depth, largest: float
) -> NDArray[Any]:
    """Return images, (rows, height, width) or (rows, height, width, 3), on the scale of training.

    `shape`: height, width and channels; `largest`: what white is. Raises DataError with the place.
    """
    height, width, channels = shape
    images = np.empty((len(rows), height, width, channels), np.float64)
    for number, row in enumerate(rows):
        place = f"rows[{number}]"
        if isinstance(row, dict) and len(row) == 1 and IMAGE in row:
            file = _bytes_of(row[IMAGE], f"{place}.{IMAGE}")
            images[number] = _decoded(file, f"{place}.{IMAGE}", shape, depth, largest)
        elif isinstance(row, dict) and len(row) == 1 and PIXELS in row:
            images[number] = _pixels(row[PIXELS], f"{place}.{PIXELS}", shape)
        else:
            needed = f'{{"{IMAGE}": the base64 of a file}} or {{"{PIXELS}": lists of numbers}}'
            got = json_kind(row)
            if isinstance(row, dict):
                got = "an object with " + (", ".join(map(str, row))[:60] or "nothing")
            raise DataError(place, needed=needed, got=got)
    whole = images[..., 0] if channels == 1 else images
    rounded = depth == "8-bit" and bool((whole == np.rint(whole)).all())
    bounded = whole.size and whole.min() >= 0 and whole.max() <= largest
    # As files are read, so that a picture gives the same bits whichever way it comes.
    return whole.astype(DTYPES[depth]) if rounded and bounded else whole


def image_schema(shape: tuple[int, int, int], largest: float) -> dict[str, Any]:
    """Return the JSON schema of an image."""
    height, width, channels = shape
    pixel: dict[str, Any] = {"type": "number"}
    if channels > 1:
        pixel = {"type": "array", "items": pixel, "minItems": channels, "maxItems": channels}
    lines = {"type": "array", "items": {"type": "array", "items": pixel}}
    files = {"type": "string", "contentEncoding": "base64"}
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    IMAGE: files
                    | {"description": f"a PNG or JPEG file; brought to {height} × {width} pixels"}
                },
                "required": [IMAGE],
            },
            {
                "type": "object",
                "properties": {
                    PIXELS: lines
                    | {"description": f"{height} lines of {width} pixels, 0 to {largest:g}"}
                },
                "required": [PIXELS],
            },
        ],
        "example": {IMAGE: "iVBORw0KGgo…"},
    }


def _bytes_of(text: object, place: str) -> bytes:
    if not isinstance(text, str):
        raise DataError(place, needed="the base64 of a file", got=json_kind(text))
    if text.startswith(DATA_ADDRESS):
        text = text.partition(",")[2]
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(place, needed="the base64 of a file", got=str(error)[:80]) from error
    if not content:
        raise DataError(place, needed="the base64 of a file", got="an empty text")
    return content


def _decoded(
    content: bytes, place: str, shape: tuple[int, int, int], depth: Depth, largest: float
) -> NDArray[Any]:
    height, width, channels = shape
    images, _, broken = decoded_images([(place, content)], (height, width), channels, depth)
    if broken:
        raise DataError(place, needed="an image that can be read", got=broken[0].why)
    white = {"8-bit": 255.0, "16-bit": 65_535.0, "values": largest}[depth]
    pixels = images[0].reshape(shape)
    return pixels if white == largest else pixels * np.float32(largest / white)


def _pixels(lines: object, place: str, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    try:
        pixels = np.asarray(lines, dtype=object)
        numbers = pixels.astype(np.float64)
        plain = all(type(each) in (int, float) for each in pixels.flat)
    except (TypeError, ValueError, OverflowError):
        plain = False
    if not plain:
        raise DataError(place, needed="equally long lists of numbers", got=json_kind(lines))
    known = [shape] + ([shape[:2]] if shape[2] == 1 else [])
    if numbers.shape not in known:
        raise DataError(
            place,
            needed=" × ".join(map(str, known[-1])) + " numbers, as in training",
            got=" × ".join(map(str, numbers.shape)),
        )
    if not np.isfinite(numbers).all():
        raise DataError(place, needed="finite numbers", got="others among them")
    return numbers.reshape(shape)
