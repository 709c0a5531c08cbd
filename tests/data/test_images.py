"""Images from folders, files and arrays: every kind of file, broken ones, sizes, labels."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from misstep.data import Images, ImageScaling, pixels_of, read_image_files, read_images, read_source
from misstep.data.image.class_folders import with_test_folder
from misstep.data.image.decoding import Look, chosen_size, decoded_images, looks_of
from misstep.data.image.flip_invariance import flip_invariance_of
from misstep.data.image.images import images_from_arrays
from misstep.errors import DataError, FileFormatError, StorageError

RANDOM = np.random.default_rng(0)


def saved(folder: Path, name: str, pixels: Any = None, mode: str | None = None, **how: Any) -> Path:
    """Save an image under a name; the folders come with it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        pixels = RANDOM.integers(0, 256, (16, 16, 3)).astype("uint8")
    image = Image.fromarray(np.asarray(pixels))
    (image if mode is None else image.convert(mode)).save(path, **how)
    return path


def pets(folder: Path, cats: int = 3, dogs: int = 2, part: str = "") -> Path:
    for kind, count in (("cats", cats), ("dogs", dogs)):
        for number in range(count):
            saved(folder / part / kind, f"{number}.png")
    return folder


def alone(path: Path, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Return the one image of a file."""
    pixels = read_image_files(path, size, channels).train_images
    assert pixels.dtype == np.uint8
    return np.asarray(pixels[0])


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    found = read_images(pets(tmp_path))
    assert found.shape == (16, 16, 3)
    assert found.train_labels.tolist() == ["cats"] * 3 + ["dogs"] * 2
    assert found.train_files[0] == "cats/0.png"
    assert len(found.test_images) == 0
    assert found.notes == []
    with Image.open(tmp_path / "dogs" / "1.png") as image:
        np.testing.assert_array_equal(found.train_images[4], np.asarray(image))


def test_folders_for_training_and_test(tmp_path: Path) -> None:
    pets(tmp_path, part="train")
    pets(tmp_path, 1, 2, part="test")
    repeated = (tmp_path / "train" / "cats" / "0.png").read_bytes()
    (tmp_path / "test" / "cats" / "0.png").write_bytes(repeated)
    found = read_images(tmp_path)
    assert found.train_labels.tolist() == ["cats"] * 3 + ["dogs"] * 2
    assert found.test_labels.tolist() == ["cats", "dogs", "dogs"]
    assert found.test_files == ("test/cats/0.png", "test/dogs/0.png", "test/dogs/1.png")
    assert "1 of 3 test images also stand among those to learn from" in found.notes[0]
    pets(tmp_path / "more", 1, 1)
    other = with_test_folder(found, tmp_path / "more")
    assert other.test_files == ("cats/0.png", "dogs/0.png")
    saved(tmp_path / "more", "dog/1.png")
    with pytest.raises(DataError, match="'dogs', the nearest"):
        with_test_folder(found, tmp_path / "more")


def test_what_is_no_image_is_left_out_with_a_note(tmp_path: Path) -> None:
    pets(tmp_path)
    (tmp_path / "cats" / "notes.txt").write_text("three cats")
    (tmp_path / "cats" / ".hidden.png").write_bytes(b"no")
    (tmp_path / "cats" / "Thumbs.db").write_bytes(b"no")
    (tmp_path / ".git").mkdir()
    found = read_images(tmp_path)
    assert len(found.train_images) == 5
    assert found.notes == ["1 file that is no image of a class left out: cats/notes.txt"]


def test_a_note_among_images_makes_them_no_texts(tmp_path: Path) -> None:
    pets(tmp_path)
    (tmp_path / "cats" / "notes.txt").write_text("three cats")
    found = read_source(tmp_path)
    assert isinstance(found, Images)
    assert len(found.train_images) == 5


def test_links_that_lead_back_are_no_classes(tmp_path: Path) -> None:
    pets(tmp_path)
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "up").symlink_to(tmp_path.parent)
    assert read_images(tmp_path).train_labels.tolist() == ["cats"] * 3 + ["dogs"] * 2


def test_a_single_broken_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="one that can be read"):
        read_image_files(tmp_path / "one.png", (8, 8), 3)


def test_few_broken_files_are_left_out_and_many_are_an_error(tmp_path: Path) -> None:
    pets(tmp_path, 20, 20)
    whole = (tmp_path / "cats" / "1.png").read_bytes()
    (tmp_path / "cats" / "0.png").write_bytes(b"")
    (tmp_path / "dogs" / "3.png").write_bytes(whole[: len(whole) // 2])
    found = read_images(tmp_path)
    assert len(found.train_images) == 38
    assert found.train_labels.tolist().count("cats") == 19
    assert "cats/0.png" not in found.train_files
    assert "2 images left out" in found.notes[0]
    assert "dogs/3.png" in found.notes[0]
    for number in range(8):
        (tmp_path / "dogs" / f"{number}.png").write_bytes(b"GIF89a")
    with pytest.raises(DataError, match="at most 10% that can't be read, but got 9 of 40"):
        read_images(tmp_path)


@pytest.mark.parametrize(
    ("folders", "words"),
    [([], "two or more classes"), (["cats"], "one, 'cats'"), ([""], "side by side")],
)
def test_folders_without_classes(tmp_path: Path, folders: list[str], words: str) -> None:
    for folder in folders:
        saved(tmp_path / folder, "a.png")
    with pytest.raises(DataError, match=words):
        read_images(tmp_path)


def test_other_things_than_images(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        read_images(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="many images"):
        read_images(saved(tmp_path, "a.png"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="images such as"):
        read_image_files(tmp_path / "empty", (8, 8), 3)


def test_any_kind_of_file_becomes_bytes(tmp_path: Path) -> None:
    grey = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (16, 1))
    color = np.stack([grey, grey.T, 255 - grey], axis=-1)
    for name in ("a.png", "a.bmp", "a.gif", "a.tif"):
        np.testing.assert_array_equal(alone(saved(tmp_path, name, grey), (16, 16), 1), grey)
    for name, error in (("a.png", 0), ("a.jpg", 12), ("a.webp", 40)):
        how = {"quality": 95} if error else {}
        found = alone(saved(tmp_path, name, color, **how), (16, 16)).astype(int)
        assert np.abs(found - color).mean() <= error
    inks = alone(saved(tmp_path, "cmyk.jpg", color, "CMYK", quality=95), (16, 16)).astype(int)
    assert np.abs(inks - color).mean() < 12
    palette = alone(saved(tmp_path, "p.png", color // 128 * 255, "P"), (16, 16))
    np.testing.assert_array_equal(palette, color // 128 * 255)
    deep = alone(saved(tmp_path, "deep.png", grey.astype(np.uint16) * 257), (16, 16), 1)
    np.testing.assert_array_equal(deep, grey)
    floats = alone(saved(tmp_path, "float.tif", (grey / 255).astype("float32")), (16, 16), 1)
    np.testing.assert_array_equal(floats, grey)
    ink = saved(tmp_path, "one.png", grey > 100, "1")
    assert set(np.unique(alone(ink, (16, 16), 1))) == {0, 255}


def test_what_shines_through_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:, 3] = 255
    found = alone(saved(tmp_path, "a.png", pixels), (8, 8))
    assert (found[:, :4] == 255).all()
    assert (found[:, 4:] == 0).all()
    np.testing.assert_array_equal(pixels_of(pixels[None], "x")[0], found)


def test_images_are_turned_as_the_camera_was_held(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # held so that the top is to the right
    path = saved(tmp_path, "a.png", pixels, exif=exif)
    looks, _ = looks_of([("a", path)])
    assert looks == [Look(0, (16, 8), True)]
    found = alone(path, (16, 8), 1)
    assert (found[:8] == 255).all()
    assert (found[8:] == 0).all()


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    for side in (20_000, 2**30):
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))
        looks, broken = looks_of([("bomb", bomb)])
        assert looks == []
        assert "pixels" in broken[0].why


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_an_image_or_broken(content: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0"):
        images, places, broken = decoded_images([("x", start + content)], (4, 4), 3)
        assert len(images) == len(places) == 1 - len(broken)


@given(
    st.lists(
        st.builds(Look, st.just(0), st.tuples(*[st.integers(1, 5000)] * 2), st.booleans()),
        min_size=1,
        max_size=9,
    )
)
def test_the_chosen_size_suits(looks: list[Look]) -> None:
    size, reason = chosen_size(looks)
    assert all(1 <= side <= 64 for side in size)
    if reason:
        assert all(side % 8 == 0 for side in size)
    else:
        assert {look.size for look in looks} == {size}
    median = np.median([look.size for look in looks], axis=0)
    assert (size[0] <= size[1]) or median[0] >= median[1]


def test_sizes_differ_and_the_middle_is_kept(tmp_path: Path) -> None:
    wide = np.zeros((100, 300), np.uint8)
    wide[:, 100:200] = 255
    saved(tmp_path / "a", "0.png", wide)
    saved(tmp_path / "a", "1.png", np.zeros((200, 200), np.uint8))
    saved(tmp_path / "b", "0.png", np.zeros((200, 200), np.uint8))
    found = read_images(tmp_path)
    assert found.shape == (64, 64, 1)
    assert "the median is 200 × 200 pixels" in found.sizing
    assert found.train_images[0].mean() > 250


def test_to_predict_for_any_folder_will_do(tmp_path: Path) -> None:
    pets(tmp_path)
    by_class = read_image_files(tmp_path, (16, 16), 3)
    assert by_class.train_labels.tolist() == ["cats"] * 3 + ["dogs"] * 2
    cats = read_image_files(tmp_path / "cats", (8, 8), 1)
    assert cats.train_labels.tolist() == [None] * 3
    assert cats.train_files == ("0.png", "1.png", "2.png")
    assert cats.train_images.shape == (3, 8, 8)
    saved(tmp_path, "alone.png")
    mixed = read_image_files(tmp_path, (16, 16), 3)
    assert mixed.train_labels.tolist() == [None] * 6
    pets(tmp_path, 1, 1, part="train")
    pets(tmp_path, 2, 1, part="test")
    assert len(read_image_files(tmp_path, (16, 16), 3).train_files) == 3


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels"), ("x_train", "y_train")])
def test_arrays_by_their_names(names: tuple[str, str]) -> None:
    x = RANDOM.integers(0, 256, (6, 5, 4, 3)).astype("uint8")
    y = np.array([0, 1, 2, 0, 1, 2])
    held = {names[0]: x, names[1]: y, "classes": np.array(["a", "b", "c"])}
    found = images_from_arrays(held, "f")
    assert found is not None
    np.testing.assert_array_equal(found.train_images, x)
    assert found.train_labels.tolist() == ["a", "b", "c"] * 2
    both = held | {"x_test": x[:2], "y_test": y[:2]}
    tested = images_from_arrays(both, "f")
    assert tested is not None
    assert len(tested.test_images) == 2
    assert "2 of 2 test images" in tested.notes[0]
    assert images_from_arrays({"x": np.zeros((4, 3)), "y": y}, "f") is None
    with pytest.raises(DataError, match="6 labels"):
        images_from_arrays(held | {names[1]: y[:5]}, "f")


def test_jpeg_bytes_in_a_row() -> None:
    images = [np.full((8, 8, 3), shade, np.uint8) for shade in (0, 100, 200)]
    files = []
    for pixels in images:
        made = io.BytesIO()
        Image.fromarray(pixels).save(made, "JPEG")
        files.append(np.frombuffer(made.getvalue(), np.uint8))
    offsets = np.cumsum([0, *map(len, files)])
    held = {"train_jpeg": np.concatenate(files), "train_offsets": offsets, "y_train": [1, 0, 1]}
    found = images_from_arrays(held, "f")
    assert found is not None
    np.testing.assert_allclose(found.train_images[:, 0, 0, 0], [0, 100, 200], atol=2)
    assert found.train_labels.tolist() == [1, 0, 1]
    for wrong in (offsets[:-1], offsets + 1, offsets[::-1], offsets.astype(float)):
        with pytest.raises(DataError):
            images_from_arrays(held | {"train_offsets": wrong}, "f")


@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)),
    st.sampled_from([None, 1, 3]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bytes_and_floats_are_the_same_images(pixels: np.ndarray, channels: int | None) -> None:
    if channels is not None:
        pixels = np.repeat(pixels[..., None], channels, axis=-1)
    wanted = pixels[..., 0] if channels == 1 else pixels
    for given_as in (pixels, pixels.astype(np.int64), pixels.astype(float)):
        # Floats of at most 1 mean shares of white.
        if given_as.dtype.kind != "f" or pixels.max() > 1:
            np.testing.assert_array_equal(pixels_of(given_as, "x", "8-bit"), wanted)
    np.testing.assert_array_equal(pixels_of(pixels.astype(np.int64), "x"), wanted)
    np.testing.assert_array_equal(pixels_of(pixels / 255, "x", "8-bit"), wanted)
    if np.ptp(pixels) >= 128:
        np.testing.assert_array_equal(pixels_of(pixels / 255, "x"), wanted)
        np.testing.assert_array_equal(pixels_of(pixels.astype(float), "x"), wanted)
    if channels == 3 and pixels.shape[1] not in (1, 2, 3, 4) and pixels.shape[2] > 4:
        first = pixels.transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(pixels_of(first, "x"), wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 3)),
        np.zeros((2, 3, 3), complex),
        np.full((2, 3, 3), np.nan),
        np.full((2, 3, 3), np.inf),
        np.zeros((2, 9, 9, 7)),
        np.zeros((2, 0, 3)),
    ],
)
def test_what_is_no_image(wrong: np.ndarray) -> None:
    with pytest.raises(DataError):
        pixels_of(wrong, "x")


def test_scaling_takes_rows_and_images() -> None:
    scaling = ImageScaling(2, 3, 3)
    pixels = RANDOM.integers(0, 256, (4, 2, 3, 3)).astype("uint8")
    flat = scaling.transform(pixels)
    assert flat.dtype == np.float32
    np.testing.assert_array_equal(flat, pixels.reshape(4, 18).astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(flat, scaling.transform(pixels.reshape(4, 18)))
    assert len(scaling.feature_names) == 18
    assert scaling.feature_names[4] == "pixel_2_green"
    assert ImageScaling.from_json(scaling.to_json()) == scaling
    for wrong in (pixels[..., 0], pixels[:, :1], pixels[0]):
        with pytest.raises(DataError, match="2 × 3 × 3 each"):
            scaling.transform(wrong)
    for field, value in (("height", 0), ("width", 2**30), ("largest", -1.0), ("channels", "3")):
        with pytest.raises(FileFormatError):
            ImageScaling.from_json(scaling.to_json() | {field: value})


def arrows(rows: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return arrows (rows, 24, 24) at any place, and which of two ways each points."""
    codes = np.arange(rows) % 2
    images = RANDOM.integers(0, 40, (rows, 24, 24)).astype("uint8")
    head = np.zeros((9, 9), "uint8")
    head[4] = 1
    head[[1, 2, 3, 5, 6, 7], [5, 6, 7, 7, 6, 5]] = 1
    if kind == "diagonal":
        head = np.eye(9, dtype="uint8")
    for image, code in zip(images, codes, strict=True):
        top, left = RANDOM.integers(0, 15, 2)
        one = head if code else head[:, ::-1]
        image[top : top + 9, left : left + 9] += 180 * (one.T if kind == "up" else one)
    return images, codes


@pytest.mark.parametrize(("kind", "allowed"), [("side", False), ("diagonal", False), ("up", True)])
def test_arrows_are_mirrored_where_that_changes_nothing(kind: str, allowed: bool) -> None:
    # A linear model knows none of them, as they stand anywhere.
    flips = flip_invariance_of(*arrows(200, kind))
    assert flips.allowed is allowed
    assert "of images it has not seen and" in flips.reason


def test_arrows_in_two_colors_are_not_mirrored_because_the_colors_are_known() -> None:
    images, codes = arrows(300, "side")
    colors = RANDOM.integers(0, 2, 300)
    colored = np.zeros((300, 24, 24, 3), "uint8")
    colored[np.arange(300), :, :, 2 * colors] = images
    assert not flip_invariance_of(colored, codes + 2 * colors).allowed


def test_two_of_many_classes_that_are_mirror_images_of_each_other_are_seen() -> None:
    codes = np.arange(400) % 8
    images = RANDOM.integers(0, 40, (400, 8, 16)).astype("uint8")
    for image, code in zip(images, codes, strict=True):
        if code < 6:
            image[code + 1] += 150
        else:
            image[:, 3 if code == 6 else 12] += 150
    flips = flip_invariance_of(images, codes)
    assert not flips.allowed
    assert "of one class" in flips.reason or "mirrored" in flips.reason


def test_images_tell_whether_they_may_be_mirrored() -> None:
    codes = np.arange(600) % 2
    noise = RANDOM.integers(0, 100, (600, 8, 8)).astype("uint8")
    sided, striped = noise.copy(), noise.copy()
    sided[codes == 1, :, :4] += 120
    sided[codes == 0, :, 4:] += 120
    striped[codes == 1, :4] += 120
    assert not flip_invariance_of(sided, codes).allowed
    assert flip_invariance_of(striped, codes).allowed
    # What is not known can't be known once mirrored.
    unknown = flip_invariance_of(noise, codes)
    assert not unknown.allowed
    assert "no more than chance" in unknown.reason
    assert not flip_invariance_of(sided[:2], codes[:2]).allowed
    assert not flip_invariance_of(noise[:300, :2, :3], codes[:300]).allowed
    assert flip_invariance_of(sided, codes) == flip_invariance_of(sided, codes)


def test_real_photographs(real: Path) -> None:
    found = read_images(real / "cats_dogs_originals")
    assert found.shape == (64, 56, 3)
    assert found.train_labels.tolist() == ["cats"] * 12 + ["dogs"] * 12
    assert found.notes == []
