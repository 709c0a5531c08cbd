"""The example of cats and dogs, on a few of the photographs."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
REAL = HOME.parent / "shared" / "data"
MAIN = runpy.run_path(str(HOME / "examples" / "cats_dogs.py"))["main"]


def test_a_few_cats_and_dogs(capsys: pytest.CaptureFixture[str]) -> None:
    if not REAL.is_dir():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    right = MAIN(str(REAL / "cats_dogs_64"), epochs=1, most=20)
    said = capsys.readouterr().out
    assert 0 <= right <= 1
    assert "network: a residual network" in said
    assert "of 40 images that training never saw are right" in said
