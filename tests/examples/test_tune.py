"""The example of tuning finds something on its own table, and says what."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_made_up_table(capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "tune.py"))
    default, tuned = example["main"]([])
    said = capsys.readouterr().out
    assert tuned > default
    assert "8 trials in" in said
    assert "The same again: ms.Regressor(hyperparameters={" in said
