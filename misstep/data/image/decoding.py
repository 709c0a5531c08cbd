"""Images out of files, whatever their kind: size, colors, alpha, depth, which way is up.

Pillow decodes; this file says what is accepted and what comes out: bytes or, as `depth.py` has it,
deeper numbers, grey or red green blue, one size for all. Knows no labels and no folders. Sizes are
looked at before anything is decoded, so that a small file can't fill the memory.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.depth import (
    DTYPES,
    ORIENTATION,
    WHITE,
    Depth,
    common_depth,
    depth_of,
    values_of,
)
from misstep.errors import DataError
from misstep.text.counts import counted

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "are_image_paths",
    "bytes_of_pixels",
    "chosen_size",
    "decoded_images",
    "is_image_name",
    "looks_of",
    "pixels_of_paths",
    "refuse_many_broken",
]

Bytes = NDArray[np.uint8]
# An image by name: a file, or the bytes of one.
File = tuple[str, Path | bytes]

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# What Pillow calls them: its decoders for rarer kinds are not let near a stranger's file.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
# Cameras reach 200 million pixels; a file that says more is a mistake or a trap.
MOST_PIXELS = 200_000_000
# A byte of a file holds at most so many pixels of one color: 344 to 1,032 in PNG (deflate), 2,730
# in GIF (codes of 12 bits, each for 4,095 pixels). More is memory that a few bytes would take; so
# would images that are nothing but blank, of one bit (8,256 in PNG, 7,000 in TIFF's fax codes) or
# in WebP (16,000), of which those up to the size of a screen, 1,920 × 1,080, are believed.
MOST_PIXELS_OF_A_BYTE, FREE_PIXELS = 3_000, 2_100_000
# From this orientation on height and width are swapped.
SWAPPED = 5
# A few broken files are an accident, more than a tenth are a misunderstanding.
FEW_BROKEN, MOST_BROKEN = 3, 0.1
# More pixels cost more time than a network of the sizes that are chosen here makes use of.
LARGEST_SIDE = 64
# Networks halve an image three times or so; a multiple of 8 leaves no pixel over.
STEP = 8
THREADS = 4
# Modes of Pillow without color.
GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True)
class Broken:
    """A file that is no readable image, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Look:
    """What file number `index` says of its image before it is decoded; size: height, width."""

    index: int
    size: tuple[int, int]
    grey: bool
    depth: Depth = "8-bit"


def is_image_name(name: str) -> bool:
    """Tell whether a file's name ends like an image's."""
    return name.lower().endswith(ENDINGS)


def are_image_paths(data: Any) -> bool:
    """Tell whether `data` is a sequence of names of image files."""
    if isinstance(data, str) or not isinstance(data, Sequence | np.ndarray) or not len(data):
        return False
    if isinstance(data, np.ndarray) and data.ndim != 1:
        return False
    return all(isinstance(path, str | os.PathLike) and is_image_name(str(path)) for path in data)


def looks_of(files: Sequence[File]) -> tuple[list[Look], list[Broken]]:
    """Return what the files say of themselves, and the broken ones."""
    looks: list[Look] = []
    broken: list[Broken] = []
    with warnings.catch_warnings(action="ignore"):
        for index, (name, content) in enumerate(files):
            try:
                with _opened(content) as image:
                    depth = depth_of(image)
                    size = image.height, image.width
                    if image.getexif().get(ORIENTATION, 1) >= SWAPPED:
                        size = size[1], size[0]
                    looks.append(Look(index, size, image.mode in GREY, depth))
            except Exception as error:  # Pillow's decoders raise whatever they like
                broken.append(Broken(name, _why(error)))
    return looks, broken


def chosen_size(looks: Sequence[Look]) -> tuple[tuple[int, int], str]:
    """Return height and width for all of some images, and why."""
    sizes = np.array([look.size for look in looks])
    alike = (sizes == sizes[0]).all()
    if alike and sizes.max() <= LARGEST_SIDE:
        return looks[0].size, ""
    height, width = (float(side) for side in np.median(sizes, axis=0))
    shrink = min(1.0, LARGEST_SIDE / max(height, width))

    def side(length: float) -> int:
        return max(STEP, STEP * round(length * shrink / STEP))

    reason = f"{'all are' if alike else 'the median is'} {height:.0f} × {width:.0f} pixels"
    if shrink < 1:
        reason += f", and more than {LARGEST_SIDE} a side would cost time"
    return (side(height), side(width)), f"{reason}; what sticks out at the sides is cut off"


def decoded_images(
    files: Sequence[File],
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    depth: Depth = "8-bit",
) -> tuple[NDArray[Any], NDArray[np.int64], list[Broken]]:
    """Return the images of files in a depth, which of the files are whole, and the others.

    `size`: height and width to bring each to, the middle of it where the sides are in another
    proportion; None: those of the first whole one, and of another size is broken. `channels`: 1 for
    grey, (rows, height, width), 3 for colors, (rows, height, width, 3); None: grey where all are.
    `depth`: uint8, uint16 or float32 come of it.
    """
    looks, broken = looks_of(files)
    if channels is None:
        channels = 1 if all(look.grey for look in looks) else 3
    target = size or (looks[0].size if looks else (1, 1))
    if size is None:
        broken += [
            Broken(
                files[look.index][0], "{} × {} pixels, not those of the others".format(*look.size)
            )
            for look in looks
            if look.size != target
        ]
        looks = [look for look in looks if look.size == target]
    shape = len(looks), *target, *((3,) if channels == 3 else ())
    images = np.empty(shape, DTYPES[depth])

    def decode(row: int) -> str | None:
        try:
            images[row] = _decoded(files[looks[row].index][1], target, channels, depth)
        except Exception as error:  # Pillow's decoders raise whatever they like
            return _why(error)
        return None

    # Pillow lets other threads run while it decodes; each image has a row of its own.
    pool = ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1))
    with warnings.catch_warnings(action="ignore"), pool:
        reasons = list(pool.map(decode, range(len(looks)), chunksize=16))
    broken += [
        Broken(files[look.index][0], why)
        for look, why in zip(looks, reasons, strict=True)
        if why is not None
    ]
    indices = np.array([look.index for look in looks], np.int64)
    whole = np.array([why is None for why in reasons], dtype=bool)
    return (images, indices, broken) if whole.all() else (images[whole], indices[whole], broken)


def pixels_of_paths(
    paths: Sequence[Any],
    size: tuple[int, int] | None,
    channels: int | None,
    depth: Depth | None = None,
) -> NDArray[Any]:
    """Return the images in files, one row for each.

    `size`: height and width, `channels`: 1 or 3, `depth`; None: chosen from the files. Raises
    DataError for a file that can't be read: a row must not be lost.
    """
    files = [(str(path), Path(path)) for path in paths]
    if size is None or depth is None:
        looks, _ = looks_of(files)
        size = size or (chosen_size(looks)[0] if looks else (1, 1))
        depth = depth or common_depth({look.depth for look in looks})
    pixels, _, broken = decoded_images(files, size, channels, depth)
    if broken:
        raise DataError(
            f"the image {broken[0].name}",
            needed="a file that can be read",
            got=f"{broken[0].why} ({len(broken)} such files)",
            try_="leaving it out",
        )
    return pixels


def refuse_many_broken(broken: Sequence[Broken], files: int, source: str) -> list[str]:
    """Return a note on broken files. Raises DataError where they are too many of `files`."""
    if not broken:
        return []
    if files == 1:
        raise DataError(
            f"the image {source}",
            needed="one that can be read",
            got=f"none: {broken[0].why}",
            try_="copying it again",
        )
    shown = "; ".join(f"{file.name} ({file.why})" for file in broken[:5])
    shown += "; …" if len(broken) > 5 else ""
    if len(broken) == files or (len(broken) > FEW_BROKEN and len(broken) > MOST_BROKEN * files):
        raise DataError(
            f"the images of {source}",
            needed=f"at most {MOST_BROKEN:.0%} that can't be read",
            got=f"{len(broken):,} of {files:,}: {shown}",
            try_="leaving those files out, or copying them again",
        )
    return [f"{counted(len(broken), 'image')} left out because they can't be read: {shown}"]


def bytes_of_pixels(pixels: Bytes) -> Bytes:
    """Return images without alpha, laid on white: (…, height, width) or (…, height, width, 3)."""
    if pixels.ndim < 4 or pixels.shape[-1] == 3:
        return pixels
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    alpha = pixels[..., -1:].astype(np.uint16)
    mixed = (pixels[..., :-1] * alpha + 255 * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)[..., 0] if mixed.shape[-1] == 1 else mixed.astype(np.uint8)


def _opened(content: Path | bytes) -> Image:
    import PIL.Image

    file: Any = io.BytesIO(content) if isinstance(content, bytes) else content
    image = PIL.Image.open(file, formats=FORMATS)
    pixels = image.width * image.height
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if pixels > min(MOST_PIXELS, max(FREE_PIXELS, size * MOST_PIXELS_OF_A_BYTE)):
        image.close()
        raise ValueError(f"it says it has {pixels:,} pixels, in {size:,} bytes")
    return image


def _decoded(
    content: Path | bytes, size: tuple[int, int], channels: int, depth: Depth
) -> NDArray[Any]:
    """Return an image of a depth, (height, width) or (height, width, 3), the right way up."""
    import PIL.Image
    from PIL import ImageOps

    with _opened(content) as image:
        if depth != "8-bit":
            return _deep(image, size, channels, depth)
        if image.format == "JPEG":
            # JPEG can decode at a half, a quarter or an eighth; twice the size leaves enough.
            image.draft(image.mode, (2 * max(size), 2 * max(size)))
        plain = _flat(ImageOps.exif_transpose(image))
        plain = plain.convert("L" if channels == 1 else "RGB")
        height, width = size
        if plain.size != (width, height):
            plain = ImageOps.fit(plain, (width, height), PIL.Image.Resampling.LANCZOS)
        return np.asarray(plain)


def _deep(image: Image, size: tuple[int, int], channels: int, depth: Depth) -> NDArray[Any]:
    """Return an image of more than 8 bits. Raises ValueError for numbers that are none."""
    values = values_of(image, size, channels)
    if depth == "16-bit":
        # Between pixels that are far apart, resizing swings a little over.
        return np.rint(np.clip(values, 0, WHITE[depth])).astype(np.uint16)
    if not np.isfinite(values).all():
        raise ValueError("some of its pixels are no finite numbers")
    return values


def _flat(image: Image) -> Image:
    """Return an image of 8 bits a channel without alpha, which is laid on white."""
    import PIL.Image

    if image.mode.startswith(("I", "F")):
        return _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        shining = image.convert("RGBA")
        white = PIL.Image.new("RGBA", shining.size, "white")
        return PIL.Image.alpha_composite(white, shining).convert("RGB")
    return image


def _eight_bits(image: Image) -> Image:
    """Return an image of 16 or 32 bits, or of floats, with 8 bits."""
    import PIL.Image

    values = np.asarray(image).astype(np.float64)
    most = float(values.max(initial=0.0))
    if image.mode == "F" and most <= 1:
        values = values * 255
    elif image.mode.startswith("I;16") or most > 255:
        # 65535 is white, whatever the brightest pixel is.
        values = values / 257 if most <= 65535 else values / most * 255
    return PIL.Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))


def _why(error: Exception) -> str:
    """Return in a few words why an image can't be read."""
    import PIL.Image
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "no image, or damaged at its start"
    if isinstance(error, PIL.Image.DecompressionBombError):
        return "it says it has more pixels than any camera makes"
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:80]
