"""The example of house prices learns from its own table and from a small part of a real one."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest

import misstep as ms

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "tabular" / "boston_housing.csv"


@pytest.fixture(scope="module")
def example() -> dict[str, object]:
    return runpy.run_path(str(ROOT / "examples" / "house_prices.py"))


def test_a_made_up_table(
    example: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert example["main"]([]) > 0.9  # type: ignore[operator]
    assert "houses never seen: R²" in capsys.readouterr().out
    model = ms.load_model("house_prices.misstep")
    assert model.predict(example["made_up"](20)).shape == (20,)  # type: ignore[operator]


def test_a_real_table(
    example: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not REAL.is_file():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    monkeypatch.chdir(tmp_path)
    pd.read_csv(REAL).sample(150, random_state=1).to_csv("boston.csv", index=False)
    assert example["main"](["boston.csv", "MEDV"]) > 0.5  # type: ignore[operator]
