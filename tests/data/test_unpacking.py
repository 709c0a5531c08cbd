"""Small files that unpack to very much are refused before they fill the memory."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from misstep.data import read_images, read_table
from misstep.data.io.npz import read_arrays
from misstep.errors import FileFormatError


def test_a_table_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", 9) as file:
        file.write(b"a,b\n")
        for _ in range(20):
            file.write(b"1,2\n" * 2**20)
    with pytest.raises(FileFormatError, match="250 times"):
        read_table(path)


def test_a_table_that_is_packed_as_tables_are_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("a,b\n" + "1,2\n" * 50_000)
    assert len(read_table(path)) == 50_000


def test_arrays_of_nothing_but_zeros_are_refused_where_they_are_many(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(2**27, "uint8"))
    with pytest.raises(FileFormatError, match="250 times"):
        read_arrays(path)


def test_an_archive_is_not_believed_what_it_says_of_its_packing(tmp_path: Path) -> None:
    path = tmp_path / "lying.npz"
    np.savez_compressed(path, x=np.zeros(20_000_000, "uint8"), y=np.arange(3))
    content = bytearray(path.read_bytes())
    # Where the list of entries says how many bytes the first one is packed in.
    at = content.index(b"PK\x01\x02") + 20
    content[at : at + 4] = (10_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="at most 250 times"):
        read_arrays(path)


def test_many_arrays_that_each_unpack_to_little_are_refused_together(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    zeros = np.zeros(6_000_000, "uint8")
    np.savez_compressed(path, **{f"x{number}": zeros for number in range(3)})
    with pytest.raises(FileFormatError, match="at most 250 times"):
        read_arrays(path)


def test_arrays_that_were_read_can_be_written_into(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "some.npz", x=np.arange(5.0))
    x = read_arrays(tmp_path / "some.npz")["x"]
    x[0] = 7.0
    assert x.tolist() == [7.0, 1.0, 2.0, 3.0, 4.0]


def test_a_small_file_of_empty_cells_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", 9) as file:
        file.write(b"a,b\n" + b"," * 2**22)
    assert path.stat().st_size < 10_000
    with pytest.raises(FileFormatError, match="250 times"):
        read_table(path)


def test_a_picture_that_says_more_pixels_than_its_bytes_hold_is_not_decoded(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        # Of one color, as large as pictures of a screen are: that is how it packs.
        PIL.Image.new("L", (1920, 1080)).save(tmp_path / label / "plain.png")
    whole = io.BytesIO()
    PIL.Image.new("RGB", (2, 2)).save(whole, "BMP")
    content = bytearray(whole.getvalue())
    content[18:26] = (9_000).to_bytes(4, "little") + (9_000).to_bytes(4, "little")
    broken = tmp_path / "a" / "broken.bmp"
    broken.write_bytes(content)
    images = read_images(tmp_path)
    assert len(images.train_images) == 2
    assert any("81,000,000 pixels, in 70 bytes" in note for note in images.notes)


def test_an_image_that_is_nothing_but_blank_is_read(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        PIL.Image.new("1", (1920, 1080)).save(tmp_path / kind / "screen.png", bits=1)
    screen = tmp_path / "a" / "screen.png"
    assert screen.stat().st_size * 3_000 < 1920 * 1080
    images = read_images(tmp_path)
    assert len(images) == 2
    assert images.notes == []
