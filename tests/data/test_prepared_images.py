"""Images that do not fit into memory: decoded once into a file, and read from there as before."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from misstep.data import Images, ImageScaling, read_images, read_rows
from misstep.data.image import prepared_images
from misstep.data.image.class_folders import read_class_folders
from misstep.data.io.array_heads import array_heads
from misstep.data.near_copies import near_copies
from misstep.data.preparation import Preparation
from misstep.errors import FileFormatError, StorageError
from misstep.modeling import Options, save_model
from misstep.modeling.pipeline import train
from misstep.storage import MappedRows, Scale, joined_rows, mapped_rows

SIDE = 9


def folder_of_images(folder: Path, *, deep: bool = False) -> Path:
    random = np.random.default_rng(5)
    for number in range(26):
        name = ("cat", "dog")[number % 2]
        split = "test" if number >= 20 else "train"
        into = folder / split / name
        into.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 130, (SIDE, SIDE, 3))
        pixels[:, : SIDE // 2, number % 2] += 100
        if deep:
            image = Image.fromarray((pixels[..., 0] * 16).astype(np.uint16))
        else:
            image = Image.fromarray(pixels.astype(np.uint8))
        image.save(into / f"{number}.png")
    (folder / "train" / "cat" / "broken.png").write_text("no image")
    return folder


def test_the_model_is_the_same_to_the_byte(tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "pictures")
    options = {"network": "dense5", "epochs": 1, "threads": 1}
    plain = train(source, Options(**options))
    small = train(source, Options(**options, memory="1kB", prepared=tmp_path / "rows"))
    for name, result in (("plain", plain), ("small", small)):
        save_model(result.model, tmp_path / f"{name}.misstep")
    one, other = ((tmp_path / f"{name}.misstep").read_bytes() for name in ("plain", "small"))
    assert one == other
    assert plain.scores == small.scores
    assert any("because they would take about" in note for note in small.notes)
    assert any("cat/broken.png" in note for note in small.notes)


@pytest.mark.parametrize("deep", [False, True])
def test_images_are_those_that_are_read_at_once(tmp_path: Path, deep: bool) -> None:
    source = folder_of_images(tmp_path / "pictures", deep=deep)
    plain = read_images(source)
    mapped = read_images(source, prepared=tmp_path / "rows", memory="1kB")
    assert isinstance(mapped.train_images, MappedRows)
    assert (np.asarray(mapped.train_images) == plain.train_images).all()
    assert (np.asarray(mapped.test_images) == plain.test_images).all()
    assert mapped.train_files == plain.train_files
    assert mapped.train_labels.tolist() == plain.train_labels.tolist()
    assert (mapped.fingerprints() == plain.fingerprints()).all()
    scaling = ImageScaling.of(plain)
    assert scaling == ImageScaling.of(mapped)
    features, notes = scaling.encode(mapped)
    expected, told = scaling.encode(plain)
    assert np.asarray(features).tobytes() == expected.tobytes()
    assert [note for note in told if note not in notes] == []
    some = np.array([3, 0, 11])
    assert (np.asarray(mapped.take(some).train_images) == plain.train_images[some]).all()


def test_what_fits_is_read_into_memory(tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "pictures")
    read = read_images(source, prepared=tmp_path / "rows", memory="1GB")
    assert isinstance(read.train_images, np.ndarray)
    assert not (tmp_path / "rows").exists()


def test_a_killed_preparation_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder_of_images(tmp_path / "pictures")
    monkeypatch.setattr(prepared_images, "MOST_FILES", 4)
    decoded, calls = prepared_images.decoded_images, []

    def counting(files: list, *arguments: object) -> object:
        calls.append(len(files))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return decoded(files, *arguments)

    monkeypatch.setattr(prepared_images, "decoded_images", counting)
    place = Preparation.of(tmp_path / "rows", 1)
    with pytest.raises(KeyboardInterrupt):
        read_class_folders(source, preparation=place)
    with (tmp_path / "rows" / "train_images.rows").open("ab") as file:
        file.write(b"half a piece")
    mapped = read_class_folders(source, preparation=place)
    # Three pieces were whole; three more of the train split, and two of the test, were left.
    assert calls == [4, 4, 4, 4, 4, 4, 1, 4, 2]
    assert (np.asarray(mapped.train_images) == read_images(source).train_images).all()
    read_class_folders(source, preparation=place)
    assert len(calls) == 9


def test_a_changed_source_is_prepared_anew(tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "pictures")
    place = Preparation.of(tmp_path / "rows", 1)
    read_class_folders(source, preparation=place)
    changed = source / "train" / "cat" / "0.png"
    Image.fromarray(np.full((SIDE, SIDE, 3), 7, np.uint8)).save(changed)
    os.utime(changed, ns=(1, 1))
    mapped = read_class_folders(source, preparation=place)
    assert not any("read again" in note for note in mapped.notes)
    assert (mapped.train_images[mapped.train_files.index("train/cat/0.png")] == 7).all()


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "pictures")
    place = Preparation.of(tmp_path / "rows", 1)
    mapped = read_class_folders(source, preparation=place)
    os.truncate(tmp_path / "rows" / "train_images.rows", 100)
    with pytest.raises(StorageError, match="cut off"):
        np.asarray(mapped.train_images)
    with pytest.raises(StorageError, match="bytes"):
        read_class_folders(source, preparation=place)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"arrays": {"../train": {}}},
        {"arrays": {"train_images": {"dtype": "object", "row_shape": [], "rows": 1}}},
        {"leftover": ["../train"]},
        {"facts": {"words": "x" * 2**22}},
        {"facts": {"size": [2**40, 1], "channels": 3, "depth": "8-bit", "sizing": ""}},
        {"facts": {"size": [1, 1], "channels": 3, "depth": "8-bit", "sizing": ""}},
    ],
)
def test_a_strange_manifest_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    source = folder_of_images(tmp_path / "pictures")
    place = Preparation.of(tmp_path / "rows", 1)
    read_class_folders(source, preparation=place)
    path = tmp_path / "rows" / "prepared.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileFormatError):
        read_class_folders(source, preparation=place)


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    theirs = tmp_path / "rows" / "mine.rows"
    theirs.write_text("important")
    source = folder_of_images(tmp_path / "pictures")
    with pytest.raises(StorageError, match="somebody else"):
        read_class_folders(source, preparation=Preparation.of(tmp_path / "rows", 1))
    assert theirs.read_text() == "important"


def arrays_of(kind: str) -> np.ndarray:
    pixels = np.random.default_rng(8).integers(0, 256, (30, 8, 10, 3))
    return {
        "bytes": pixels.astype(np.uint8),
        "grey": pixels[..., :1].astype(np.uint8),
        "shares": (pixels / 255).astype(np.float32),
        "channels first": pixels.transpose(0, 3, 1, 2).astype(np.uint8),
        "deep": (pixels * 200).astype(np.uint16),
        "values": (pixels * 40.0 - 300).astype(np.float64),
    }[kind]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["bytes", "grey", "shares", "channels first", "deep", "values"])
def test_arrays_are_those_that_are_read_at_once(tmp_path: Path, kind: str, packed: bool) -> None:
    x, y = arrays_of(kind), np.array(["a", "b", "c"] * 10)
    path = tmp_path / "pictures.npz"
    write = np.savez_compressed if packed else np.savez
    write(path, x_train=x[:20], y_train=y[:20], x_test=x[15:], y_test=y[15:])
    plain = read_images(path)
    for _ in range(2):
        mapped = read_images(path, prepared=tmp_path / "rows", memory=1)
        assert isinstance(mapped.train_images, MappedRows)
        assert mapped.depth == plain.depth
        assert np.asarray(mapped.train_images).dtype == plain.train_images.dtype
        assert (np.asarray(mapped.train_images) == plain.train_images).all()
        assert (np.asarray(mapped.test_images) == plain.test_images).all()
        assert mapped.train_labels.tolist() == plain.train_labels.tolist()
        assert any("5 of 15 test images" in note for note in mapped.notes)
        scaling = ImageScaling.of(plain)
        assert ImageScaling.of(mapped) == scaling
        rows = np.asarray(scaling.transform(mapped.train_images))
        assert rows.tobytes() == scaling.transform(plain.train_images).tobytes()
    in_place = kind in ("bytes", "grey") and not packed
    assert (tmp_path / "rows").exists() is not in_place


def test_who_comes_second_waits_and_reads_the_same(tmp_path: Path) -> None:
    source = folder_of_images(tmp_path / "pictures")
    said: list[str] = []
    place = Preparation.of(tmp_path / "rows", 1)
    second = Preparation.of(tmp_path / "rows", 1, said.append)
    with ThreadPoolExecutor(1) as pool:
        with place.files("another key"):
            waiting = pool.submit(read_class_folders, source, preparation=second)
            while not said:
                time.sleep(0.01)
        mapped = waiting.result(timeout=20)
    assert said[0].startswith("waiting for another process")
    assert (np.asarray(mapped.train_images) == read_images(source).train_images).all()


def entry_of(shape: str, content: bytes = b"") -> bytes:
    """Return an array as .npy has it, whose head says any shape."""
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + content


@pytest.mark.parametrize(
    ("shape", "content"),
    [
        ("(-1, 28, 28)", b""),
        ("(0, 1180591620717411303424, 28)", b""),
        ("(4000000000, 28, 28)", b""),
        # Packed a thousand to one: 20 MB in some 20 kB.
        ("(25510, 28, 28)", bytes(25510 * 28 * 28)),
    ],
)
def test_an_archive_whose_heads_can_not_be_is_refused(
    tmp_path: Path, shape: str, content: bytes
) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", entry_of(shape, content))
        archive.writestr("y.npy", entry_of("(2,)", b"\0\1"))
    with pytest.raises(FileFormatError):
        array_heads(path)


def test_rows_to_predict_for_are_those_that_are_read_at_once(tmp_path: Path) -> None:
    learned = ImageScaling.of(read_images(folder_of_images(tmp_path / "pictures")))
    x = np.random.default_rng(1).integers(0, 256, (12, SIDE, SIDE, 3)).astype(np.uint8)
    np.savez(tmp_path / "labeled.npz", x=x, y=["cat", "dog"] * 6)
    np.savez_compressed(tmp_path / "packed.npz", x=x, y=["cat", "dog"] * 6)
    np.savez_compressed(tmp_path / "alone.npz", x)
    shutil.copytree(tmp_path / "pictures" / "train" / "cat", tmp_path / "side by side")
    for name in ("pictures", "labeled.npz", "packed.npz", "alone.npz", "side by side"):
        plain = read_rows(tmp_path / name, learned)
        with Preparation.passing(1) as preparation:
            folder = preparation.folder
            mapped = read_rows(tmp_path / name, learned, preparation=preparation)
            assert isinstance(plain, Images)
            assert isinstance(mapped, Images)
            assert isinstance(mapped.train_images, MappedRows)
            features, _ = learned.encode(mapped)
            assert np.asarray(features).tobytes() == learned.encode(plain)[0].tobytes()
            assert mapped.train_labels.tolist() == plain.train_labels.tolist()
            assert mapped.row_names() == plain.row_names()
        assert not folder.exists()


def test_splits_of_one_file_are_joined_without_reading_them() -> None:
    stored = np.arange(40, dtype=np.uint8).reshape(10, 4)
    rows = MappedRows(stored, scale=Scale(0.0, 2.0))
    parts = [rows.take(np.array(each, int)) for each in ([7, 1], [], [3, 3, 9])]
    joined = joined_rows(parts)
    assert isinstance(joined, MappedRows)
    assert (np.asarray(joined) == stored[[7, 1, 3, 3, 9]] / 2).all()
    other = MappedRows(stored.copy(), scale=Scale(0.0, 2.0))
    assert isinstance(joined_rows([rows, other]), np.ndarray)
    assert (joined_rows([rows, other]) == np.concatenate([stored, stored]) / 2).all()


def test_copies_are_found_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(2).integers(0, 3, (200, 3)).astype(np.float32)
    train, others = MappedRows(x, np.arange(150)), MappedRows(x, np.arange(140, 200))
    whole = near_copies(x[:150], x[140:])
    monkeypatch.setattr(mapped_rows, "PIECE", 128)
    found = near_copies(train, others)
    assert found.exact == whole.exact > 10
    assert found.rows.tolist() == whole.rows.tolist()
    assert found.twins.tolist() == whole.twins.tolist()
