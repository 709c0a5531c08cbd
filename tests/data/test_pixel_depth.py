"""Images of more than 8 bits, and those that use little of their range: nothing becomes black."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import misstep as ms
from misstep.data import Images, ImageScaling, pixels_of, read_images
from misstep.data.image.decoding import decoded_images
from misstep.data.image.depth import pixel_range
from misstep.data.image.images import images_from_arrays
from misstep.errors import DataError

RANDOM = np.random.default_rng(0)


def png(pixels: np.ndarray) -> bytes:
    """Return colors of 16 bits, (height, width, 3 or 4), as a PNG file; Pillow writes none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def as_file(pixels: np.ndarray, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


@pytest.mark.parametrize("channels", [3, 4])
def test_both_bytes_of_16_bit_colors_are_read(channels: int) -> None:
    pixels = RANDOM.integers(0, 4096, (6, 5, channels)).astype(np.uint16)
    pixels[..., 3:] = 65535
    found, _, broken = decoded_images([("a", png(pixels))], (6, 5), 3, "16-bit")
    assert broken == []
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[0], pixels[..., :3])
    grey, _, _ = decoded_images([("a", png(pixels))], (6, 5), 1, "16-bit")
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey[0], pixels[..., :3] @ weights, atol=0.6)


@pytest.mark.parametrize("how", [{}, {"compression": "tiff_deflate"}])
def test_numbers_of_tiff_files_stay(how: dict[str, str]) -> None:
    deep = RANDOM.integers(900, 1020, (6, 5)).astype(np.uint16)
    found, _, _ = decoded_images([("a", as_file(deep, "TIFF", **how))], (6, 5), 1, "16-bit")
    np.testing.assert_array_equal(found[0], deep)
    degrees = RANDOM.normal(20, 5, (6, 5)).astype(np.float32)
    found, _, _ = decoded_images([("a", as_file(degrees, "TIFF", **how))], (6, 5), 1, "values")
    np.testing.assert_array_equal(found[0], degrees)
    degrees[0, 0] = np.nan
    _, _, broken = decoded_images([("a", as_file(degrees, "TIFF", **how))], (6, 5), 1, "values")
    assert "finite" in broken[0].why


def test_bytes_among_16_bits_keep_their_share_of_white() -> None:
    grey = RANDOM.integers(0, 256, (6, 5)).astype(np.uint8)
    deep = grey.astype(np.uint16) * 257
    files = [("a", as_file(grey, "PNG")), ("b", as_file(deep, "PNG"))]
    found, _, _ = decoded_images(files, (6, 5), 1, "16-bit")
    np.testing.assert_allclose(found[0], found[1], atol=2)
    smaller, _, _ = decoded_images(files, (3, 2), 1, "16-bit")
    assert smaller.shape == (2, 3, 2)


def test_deep_images_are_turned_too() -> None:
    pixels = np.zeros((8, 16), np.uint16)
    pixels[:, :8] = 4000
    exif = Image.Exif()
    exif[0x0112] = 6
    file = as_file(pixels, "PNG", exif=exif)
    found, _, _ = decoded_images([("a", file)], (16, 8), 1, "16-bit")
    assert (found[0, :8] == 4000).all()
    assert (found[0, 8:] == 0).all()


def test_the_range_leaves_out_stray_pixels_and_full_bytes_alone() -> None:
    camera = RANDOM.integers(900, 1020, (50, 16, 16)).astype(np.uint16)
    assert pixel_range(camera, None) == (900, 1019)
    camera[0, 0, 0], camera[1, 0, 0] = 65535, 0
    low, high = pixel_range(camera, None) or (0, 0)
    assert 700 < low < 900
    assert 1019 < high < 1200
    assert pixel_range(RANDOM.integers(0, 256, (50, 8, 8)), 255.0) is None
    assert pixel_range(RANDOM.integers(0, 16, (50, 8, 8)), 255.0) == (0, 15)
    assert pixel_range(np.zeros((5, 8, 8)), 255.0) is None
    assert pixel_range(np.full((5, 8, 8), 7.0), None) == (7, 8)
    dots = np.zeros((50, 16, 16))
    dots[0, 0, 0] = 3
    assert pixel_range(dots, None) == (0, 3)


@pytest.mark.parametrize(
    ("kind", "low", "step"),
    [
        (np.uint16, 900, 120),
        (np.uint16, 0, 1023),
        (np.int32, -1024, 4000),
        (np.float32, 0.40, 0.02),
        (np.float64, -1.0, 2.0),
        (np.float32, 290.0, 12.0),
        (np.uint8, 0, 15),
    ],
)
def test_whatever_the_numbers_they_fill_the_range(kind: Any, low: float, step: float) -> None:
    shares = RANDOM.random((40, 8, 8, 1))
    images = (low + step * shares).astype(kind)
    found = images_from_arrays({"x": images, "y": np.arange(40) % 2}, "f")
    assert found is not None
    scaling = ImageScaling.of(found)
    rows = scaling.transform(found.train_images)
    assert rows.min() == 0
    assert rows.max() == 1
    assert np.unique(rows).size >= 15
    # One image alone is read as within the whole, and the same from files of the model.
    again = ImageScaling.from_json(scaling.to_json())
    alone = again.transform(pixels_of(images[3:4], "x", again.depth))
    np.testing.assert_array_equal(alone, rows[3:4])


def test_an_old_file_and_ordinary_bytes_stay() -> None:
    plain = {"kind": "pictures", "version": 1, "height": 2, "width": 2, "channels": 1}
    scaling = ImageScaling.from_json(plain | {"largest": 255.0})
    assert (scaling.depth, scaling.used) == ("8-bit", None)
    pixels = RANDOM.integers(0, 256, (9, 2, 2)).astype(np.uint8)
    np.testing.assert_array_equal(scaling.transform(pixels), pixels.reshape(9, 4) / np.float32(255))
    assert ImageScaling.of(Images.alone(pixels)) == scaling


def test_folders_of_16_bit_images_end_to_end(tmp_path: Path) -> None:
    for code, name in enumerate(("empty", "spot")):
        (tmp_path / name).mkdir()
        for row in range(12):
            pixels = RANDOM.integers(900, 930, (8, 8)).astype(np.uint16)
            pixels[2:6, 2:6] += np.uint16(90 * code)
            Image.fromarray(pixels).save(tmp_path / name / f"{row}.{('png', 'tif')[row % 2]}")
    images = read_images(tmp_path)
    assert "16-bit" in images.describe()
    scaling = ImageScaling.of(images)
    assert scaling.used == (900, 1019)
    assert "900 becomes 0, 1,019 becomes 1" in scaling.decisions[0].choice
    assert "of 65,535" in scaling.decisions[0].reason
    features, notes = scaling.encode(tmp_path / "spot")
    assert notes == []
    np.testing.assert_array_equal(features, scaling.transform(images.train_images[12:]))
    dark, light = np.zeros((1, 8, 8), np.uint8), np.full((1, 8, 8), 255, np.uint8)
    _, notes = scaling.encode(np.concatenate([dark, light]))
    assert notes[0].startswith("2 images of one color after scaling: no pixel lies between 900")


def test_classifier_learns_a_camera_of_12_bits() -> None:
    y = np.arange(60) % 2
    x = RANDOM.integers(900, 930, (60, 8, 8)).astype(np.uint16)
    x[y == 1, 2:6, 2:6] += 90
    model = ms.Classifier("dense8", epochs=40, random_state=0).fit(x, y)
    assert model.score(x, y) == 1
    assert (model.predict(x[:1]) == model.predict(x)[:1]).all()
    with pytest.raises(DataError):
        model.predict(np.full((1, 8, 8), np.nan))


def test_depths_that_have_nothing_in_common_are_refused() -> None:
    degrees = Images.alone(np.full((2, 8, 8), 20.5, np.float32), depth="values")
    with pytest.raises(DataError, match="pixels that are bytes, as in training"):
        degrees.in_depth("8-bit")
    deep = Images.alone(np.full((2, 8, 8), 65535, np.uint16), depth="16-bit")
    assert (deep.in_depth("8-bit").train_images == 255).all()
    with pytest.raises(DataError, match="1 or 3 channels"):
        pixels_of(np.full((2, 8, 8, 4), 1000), "x")
