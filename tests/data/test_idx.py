"""Reading idx files, and refusing headers that lie."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misstep.data import is_idx_folder, read_idx
from misstep.data.image.idx_folders import read_idx_folder
from misstep.errors import FileFormatError, MisstepError, StorageError


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + (
        array.tobytes()
    )


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([1, 0], dtype=np.uint8)


def folder_of(folder: Path, **files: bytes) -> Path:
    names = {
        "a": "train-images-idx3-ubyte",
        "b": "train-labels-idx1-ubyte",
        "c": "t10k-images-idx3-ubyte.gz",
        "d": "t10k-labels-idx1-ubyte",
    }
    for key, content in files.items():
        (folder / names[key]).write_bytes(content)
    return folder


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(idx(IMAGES))
    np.testing.assert_array_equal(read_idx(path), IMAGES)
    path.write_bytes(gzip.compress(idx(IMAGES), mtime=0))
    np.testing.assert_array_equal(read_idx(path), IMAGES)
    numbers = np.array([1.5, -2], dtype=">f4")
    path.write_bytes(idx(numbers, 0x0D))
    assert read_idx(path).tolist() == [1.5, -2.0]
    assert read_idx(path).dtype.isnative


HUGE = struct.pack(">BBBBIII", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)
LARGE = struct.pack(">BBBBI", 0, 0, 8, 1, 2**31) + b"abc"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "none"),
        (b"\0\0", "00 00"),
        (b"\0\0\x08", "idx"),
        (b"\0\0\x07\x01" + b"\0" * 8, "idx"),
        (b"\x89PNG", "idx"),
        (b"\0\0\x08\x00", "axes"),
        (b"\0\0\x08\xff" + b"\0" * 2000, "axes"),
        (b"\0\0\x08\x03\0\0", "ends before"),
        (idx(IMAGES)[:-1], "bytes"),
        (idx(IMAGES) + b"x", "more"),
        (HUGE, "the header says"),
        (LARGE, "the header says"),
        (struct.pack(">BBBBIII", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1), "0 × 4294967295"),
        (gzip.compress(HUGE, mtime=0), "the header says"),
        (gzip.compress(LARGE, mtime=0), "the header says"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-9], "gzip"),
        (gzip.compress(idx(IMAGES)[:-1], mtime=0), "values"),
        (gzip.compress(idx(IMAGES) + b"x", mtime=0), "more"),
    ],
)
def test_wrong_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=words):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 200), byte=st.integers(0, 255), packed=st.booleans())
def test_damage(tmp_path: Path, place: int, byte: int, packed: bool) -> None:
    content = bytearray(gzip.compress(idx(IMAGES), mtime=0) if packed else idx(IMAGES))
    content[place % len(content)] = byte
    (tmp_path / "x").write_bytes(bytes(content))
    try:
        read_idx(tmp_path / "x")
    except MisstepError:
        return


def test_folder(tmp_path: Path) -> None:
    assert not is_idx_folder(tmp_path)
    folder_of(tmp_path, a=idx(IMAGES), b=idx(LABELS))
    assert is_idx_folder(tmp_path)
    images = read_idx_folder(tmp_path)
    assert images.test_images.shape == (0, 3, 4)
    assert images.notes
    folder_of(tmp_path, c=gzip.compress(idx(IMAGES[:1]), mtime=0), d=idx(LABELS[:1]))
    images = read_idx_folder(tmp_path)
    assert images.train_images.shape == (2, 3, 4)
    assert images.test_labels.tolist() == [1]


def test_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="train-images"):
        read_idx_folder(tmp_path)
    with pytest.raises(StorageError):
        read_idx_folder(tmp_path / "nowhere")
    folder_of(tmp_path, a=idx(IMAGES), b=idx(LABELS[:1]))
    with pytest.raises(FileFormatError, match="2 labels"):
        read_idx_folder(tmp_path)
    folder_of(tmp_path, a=idx(LABELS), b=idx(LABELS))
    with pytest.raises(FileFormatError, match="images"):
        read_idx_folder(tmp_path)
    folder_of(tmp_path, a=idx(IMAGES), d=idx(LABELS))
    with pytest.raises(StorageError, match="t10k-images"):
        read_idx_folder(tmp_path)


def test_mnist(real: Path) -> None:
    images = read_idx_folder(real / "mnist")
    assert images.train_images.shape == (60000, 28, 28)
    assert images.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(images.train_labels).sum() == 60000
