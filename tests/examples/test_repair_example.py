"""The example of a repair: what learned nothing knows two spirals apart in the end."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

MAIN = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "repair.py"))["main"]


def test_two_spirals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert MAIN(str(tmp_path), steps=3000) > 0.9
    said = capsys.readouterr().out
    assert "found: vanishing-gradients" in said
    assert "Round 1: adopted" in said
    assert (tmp_path / "repair-1" / "record.jsonl").is_file()
    assert (tmp_path / "repair.svg").read_text().startswith("<svg")
