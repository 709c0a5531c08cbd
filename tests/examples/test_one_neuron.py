"""The worked neuron prints the numbers of the blueprint, which were worked by hand."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "one_neuron.py"


def test_the_worked_neuron(capsys: pytest.CaptureFixture[str]) -> None:
    moved = runpy.run_path(str(EXAMPLE))["main"]()
    assert moved == pytest.approx(0.4052, abs=5e-5)
    said = capsys.readouterr().out
    for number in ("0.3000", "0.5744", "0.0905", "-0.0520", "0.4052"):
        assert number in said
    assert "∂loss/∂w = ∂loss/∂answer · ∂answer/∂z · ∂z/∂w" in said
