"""How many numbers a pixel may have: bytes, 16 bits, or any; and which of them images use.

A camera of 12 bits fills a 16-bit file to a sixteenth, a thermometer's image holds degrees: what is
bright there is black on a scale that ends at 65,535 or 1. Knows opened images of Pillow and arrays;
`decoding.py` opens files, `image_scaling.py` stores the range.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.storage import limits_and_entries

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = [
    "DTYPES",
    "WHITE",
    "Depth",
    "common_depth",
    "depth_of",
    "depth_of_dtype",
    "pixel_range",
    "values_of",
]

# 8-bit: bytes. 16-bit: whole numbers to 65,535. values: numbers that mean what they mean.
Depth = Literal["8-bit", "16-bit", "values"]
# As what each is kept.
DTYPES: dict[Depth, type[np.generic]] = {
    "8-bit": np.uint8,
    "16-bit": np.uint16,
    "values": np.float32,
}
# What is white, where that is known; bytes stand in deeper images as so many times as much.
WHITE: dict[str, float] = {"8-bit": 255.0, "16-bit": 65535.0}
BYTE_IN_16_BITS = 257
# Shares of all pixels that are darkest and brightest: a few dead or glowing ones must not stretch
# the range. They count as far as the range of all others reaches once more.
STRAY = 0.001
# Bytes that use half of their range are learned well as they are.
LEAST_USED = 0.5
# Pixels that are looked at: 0.1 % of them are still some thousands.
MOST_PIXELS = 4_000_000
# Weights of red, green and blue in what eyes see as grey (ITU-R 601), as Pillow has them.
GREY = np.array([0.299, 0.587, 0.114], np.float32)
# Exif's tag for which way the camera was held, and which of Pillow's turns puts that right.
ORIENTATION = 0x0112
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
# Pillow decodes colors of 16 bits to their upper bytes. Asked for the other order of bytes, it
# gives the lower ones.
_OTHER_ORDER = {"B": "L", "L": "B"}


def depth_of(image: Image) -> Depth:
    """Return how deep the pixels of an opened image are, before it is decoded."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return "16-bit"
    if image.mode in ("I", "F"):
        return "values"
    return "16-bit" if _order_of_bytes(image) else "8-bit"


def depth_of_dtype(dtype: np.dtype[Any]) -> Depth:
    """Return the depth whose images are kept as `dtype`."""
    return next(depth for depth, kept_as in DTYPES.items() if dtype == kept_as)


def common_depth(depths: set[Depth]) -> Depth:
    """Return the depth in which images of all these depths are read.

    Numbers that mean what they mean have nothing in common with others; then bytes must do.
    """
    if depths == {"values"}:
        return "values"
    return "16-bit" if "16-bit" in depths and "values" not in depths else "8-bit"


def values_of(image: Image, size: tuple[int, int], channels: int) -> NDArray[np.float32]:
    """Return the pixels of an opened image as they stand, bytes as a share of 16 bits.

    `size`: height and width to which it is brought, the middle of it. Returns (height, width) or
    (height, width, 3), floats. Transparent colors are laid on white.
    """
    import PIL.Image
    from PIL import ImageOps

    # In this order: which way up it is, a PNG file may say at its end only.
    planes = _planes(image)
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    if turn is not None:
        planes = [plane.transpose(PIL.Image.Transpose(turn)) for plane in planes]
    height, width = size
    if planes[0].size != (width, height):
        how = PIL.Image.Resampling.LANCZOS
        planes = [ImageOps.fit(plane, (width, height), how) for plane in planes]
    values = [np.asarray(plane, np.float32) for plane in planes]
    if channels == 1:
        return values[0] if len(values) == 1 else np.tensordot(GREY, np.stack(values), 1)
    return np.stack(values * 3 if len(values) == 1 else values, axis=-1)


def _planes(image: Image) -> list[Image]:
    """Return an image of floats for grey, or for each of red, green and blue."""
    import PIL.Image

    if image.mode.startswith("I") or image.mode == "F":
        return [PIL.Image.fromarray(np.asarray(image).astype(np.float32))]
    if _order_of_bytes(image):
        colors = _sixteen_bits(image)
    else:
        colors = np.asarray(image.convert("RGBA"), np.float32) * BYTE_IN_16_BITS
    if colors.shape[-1] == 4:
        alpha = colors[..., 3:] / WHITE["16-bit"]
        colors = colors[..., :3] * alpha + WHITE["16-bit"] * (1 - alpha)
    return [PIL.Image.fromarray(np.ascontiguousarray(colors[..., at])) for at in range(3)]


def _order_of_bytes(image: Image) -> str:
    """Return B or L for colors of 16 bits with the high or the low byte first; or ""."""
    raw = _raw_mode(image)
    if image.mode not in ("RGB", "RGBA") or not raw.startswith(f"{image.mode};16"):
        return ""
    # N is the order of this machine, which is L wherever we compile for.
    return "L" if raw[-1] == "N" else raw[-1]


def _raw_mode(image: Image) -> str:
    """Return what Pillow calls the layout of bytes in the file."""
    tiles = getattr(image, "tile", [])
    arguments: Any = tiles[0][3] if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _sixteen_bits(image: Image) -> NDArray[np.float32]:
    """Return colors of 16 bits, (height, width, 3 or 4), from their two bytes."""
    other = f"{image.mode};16{_OTHER_ORDER[_order_of_bytes(image)]}"
    low, high = _again(image), _again(image)
    low.tile = [
        tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)
        for tile in low.tile
    ]
    return np.asarray(high).astype(np.float32) * 256 + np.asarray(low).astype(np.float32)


def _again(image: Image) -> ImageFile:
    """Return an opened image opened once more."""
    import PIL.Image

    file: Any = image.filename or image.fp  # type: ignore[attr-defined]
    if not isinstance(file, str):
        file = io.BytesIO(file.getbuffer())
    return PIL.Image.open(file)


def pixel_range(pixels: NDArray[Any], white: float | None) -> tuple[float, float] | None:
    """Return from where to where images use the numbers that a pixel may have.

    pixels: of training images. `white`: the largest number where black is 0 and most images use
    all between, as bytes do; the range is then None where they do. A few stray pixels beyond it are
    not counted.
    """
    step = -(-pixels.size // MOST_PIXELS)
    least, most, some = limits_and_entries(pixels, step)
    lowest, highest = float(least), float(most)
    dark, bright = map(float, np.quantile(some, [STRAY, 1 - STRAY]))
    if bright > dark:
        span = bright - dark
        lowest, highest = max(lowest, dark - span), min(highest, bright + span)
    if white is not None and (highest - lowest >= LEAST_USED * white or highest == lowest):
        return None
    return lowest, highest if highest > lowest else lowest + 1.0
