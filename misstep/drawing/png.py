"""Small pictures as the bytes of PNG files, the same bytes for the same pixels.

Knows pixels and the file format (PNG, second edition, ISO/IEC 15948:2004), no data.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["png_bytes", "thumbnail"]

# Kinds of color by the number of channels: grey, grey and opacity, red green blue, and opacity.
_COLOR = {1: 0, 2: 4, 3: 2, 4: 6}
# Filters of a row that are tried: none, and the difference to the pixel at the left and above.
_NONE, _LEFT, _ABOVE = 0, 1, 2


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG file of pixels, (height, width) of grey or (height, width, 1 to 4 channels)."""
    image = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    height, width, channels = image.shape
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOR[channels], 0, 0, 0)
    body = min((_filtered(image, one) for one in (_NONE, _LEFT, _ABOVE)), key=len)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND")


def thumbnail(image: NDArray[Any], largest: float, side: int) -> NDArray[np.uint8]:
    """Return an image as bytes, no side longer than `side` pixels.

    image: (height, width) or (height, width, channels) of any numbers from 0 to `largest`. Pixels
    that become one are averaged.
    """
    pixels = np.asarray(image, "float64")
    pixels = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    if pixels.shape[2] not in _COLOR:
        # More channels than colors: what they have in common.
        pixels = pixels.mean(axis=2, keepdims=True)
    height, width, _ = pixels.shape
    shrink = max(height, width) / side
    if shrink > 1:
        rows = _edges(height, max(round(height / shrink), 1))
        columns = _edges(width, max(round(width / shrink), 1))
        pixels = np.add.reduceat(pixels, rows[:-1], axis=0)
        pixels = np.add.reduceat(pixels, columns[:-1], axis=1)
        pixels /= np.diff(rows)[:, np.newaxis, np.newaxis] * np.diff(columns)[:, np.newaxis]
    scaled = np.nan_to_num(pixels * (255.0 / (largest or 1.0)))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _edges(length: int, parts: int) -> NDArray[np.int64]:
    """Return where each of so many parts of a length begins, and its end."""
    return np.arange(parts + 1) * length // parts


def _filtered(image: NDArray[np.uint8], kind: int) -> bytes:
    before = np.zeros_like(image)
    if kind == _LEFT:
        before[:, 1:] = image[:, :-1]
    elif kind == _ABOVE:
        before[1:] = image[:-1]
    rows = (image - before).reshape(len(image), -1)
    kinds = np.full((len(rows), 1), kind, np.uint8)
    return zlib.compress(np.hstack([kinds, rows]).tobytes(), 9)


def _chunk(name: bytes, content: bytes = b"") -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
