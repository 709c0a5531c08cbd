"""The example of digits, on the small ones and on a few of MNIST's."""

from __future__ import annotations

import gzip
import runpy
import struct
from pathlib import Path

import pytest

from misstep.data import read_idx

HOME = Path(__file__).resolve().parents[2]
REAL = HOME.parent / "shared" / "data"
MAIN = runpy.run_path(str(HOME / "examples" / "digits.py"))["main"]


def test_small_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert MAIN() > 0.9
    assert "digits that training never saw are right" in capsys.readouterr().out


def test_a_part_of_mnist(tmp_path: Path) -> None:
    if not REAL.is_dir():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    for part, rows in (("train", 2000), ("t10k", 300)):
        for kind in ("images-idx3", "labels-idx1"):
            name = f"{part}-{kind}-ubyte.gz"
            array = read_idx(REAL / "mnist" / name)[:rows]
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (tmp_path / name).write_bytes(gzip.compress(head + array.tobytes(), 1))
    assert MAIN(str(tmp_path), epochs=1) > 0.8
