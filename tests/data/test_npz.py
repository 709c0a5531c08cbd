"""Files of arrays: what goes in comes out; what could run code, or lies, is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import misstep as ms
from misstep.data.io.npz import is_npz, read_arrays


@given(
    arrays.arrays(
        st.sampled_from(["uint8", "int64", "float32", "float64", "<U3", "bool", ">f4"]),
        arrays.array_shapes(min_dims=0, max_dims=4, max_side=4),
    ),
    st.booleans(),
)
def test_arrays_come_back(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    (np.savez_compressed if packed else np.savez)(path, x=array, f=np.asfortranarray(array))
    found = read_arrays(path)
    assert list(found) == ["x", "f"]
    for one in found.values():
        np.testing.assert_array_equal(one, array)
        assert one.dtype == array.dtype.newbyteorder("=")


def test_a_single_array(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    assert is_npz(tmp_path / "a.npy")
    assert not is_npz(tmp_path / "a.csv")
    (found,) = read_arrays(tmp_path / "a.npy").values()
    np.testing.assert_array_equal(found, [[0, 1, 2], [3, 4, 5]])


def test_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{}, []], dtype=object))
    with pytest.raises(ms.errors.FileFormatError, match="may run code") as caught:
        read_arrays(tmp_path / "a.npz")
    assert str(caught.value).count("needed") == 1


def _header(text: str) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": (2,)}
    )
    start = file.getvalue()
    return start.replace(b"(2,)", text.encode().ljust(4))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "ends|magic|header"),
        (b"not arrays at all", "magic"),
        (_header("(2,)") + bytes(8), "more than there are|ends after"),
        (_header("9**9"), "header|parse|shape|malformed"),
        # No literal, and no end of one, as a few bits make of a header.
        (_header("(2,(") + bytes(16), "header|statement|syntax"),
        (_header("\0\0(("), "null bytes|header|statement"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ms.errors.FileFormatError, match=f"(?i){words}"):
        read_arrays(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(ms.errors.FileFormatError):
        read_arrays(tmp_path / "a.npz")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("a,b\n1,2\n")
    with pytest.raises(ms.errors.FileFormatError, match=r"np\.savez"):
        read_arrays(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("read.me", "nothing")
    with pytest.raises(ms.errors.FileFormatError, match="needed arrays, but got none"):
        read_arrays(tmp_path / "b.npz")
    with pytest.raises(ms.errors.StorageError):
        read_arrays(tmp_path / "absent.npz")
