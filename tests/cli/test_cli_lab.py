"""`misstep lab`: what it lists, shows, writes and leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from misstep.cli.app import main
from misstep.labs import registered_labs
from misstep.labs.lessons.one_neuron import OneNeuron


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab"]) == 0
    said = capsys.readouterr().out
    assert all(slug in said for slug in registered_labs())
    assert main(["lab", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["labs"]) == set(registered_labs())
    assert not Path("runs").exists()


def test_a_lab_shows_its_numbers_and_leaves_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "one-neuron"]) == 0
    said = capsys.readouterr().out
    for words in ("0.5744", "0.0905", "−0.0520", "0.4052", "✓"):
        assert words in said
    assert "✗" not in said
    assert "\x1b" not in said
    page = Path("runs/labs/one-neuron/lab-one-neuron.html")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert str(page) in said


def test_for_machines_the_last_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "one-neuron", "--json", "--out", "here", "--threads", "2"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1
    facts = json.loads(out[0])
    assert facts["lab"] == "one-neuron"
    assert facts["measured"]["step"]["new_w"] == pytest.approx(0.4052, abs=1e-4)
    assert all(claim["holds"] for claim in facts["claims"])
    assert Path(facts["report"]) == Path("here/lab-one-neuron.html")
    assert Path(facts["report"]).exists()


@pytest.mark.parametrize("width", [30, 60, 120])
def test_it_fits_the_window(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["lab", "one-neuron"]) == 0
    said = capsys.readouterr().out
    curve = next(line for line in said.splitlines() if "█" in line)
    assert len(curve) <= max(width, 40)


def test_bad_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "vanishin"]) == 2
    assert "misstep lab vanishing" in capsys.readouterr().err
    Path("file").write_text("mine", encoding="utf-8")
    assert main(["lab", "one-neuron", "--out", "file"]) == 2
    assert Path("file").read_text(encoding="utf-8") == "mine"


def test_ctrl_c_leaves_an_earlier_page_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: OneNeuron, bench: object) -> None:
        raise KeyboardInterrupt

    page = Path("runs/labs/one-neuron/lab-one-neuron.html")
    page.parent.mkdir(parents=True)
    page.write_text("earlier", encoding="utf-8")
    monkeypatch.setattr(OneNeuron, "measure", interrupted)
    assert main(["lab", "one-neuron"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "earlier"


def test_a_claim_that_does_not_hold_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("misstep.labs.lessons.one_neuron.NEAR", -1.0)
    assert main(["lab", "one-neuron"]) == 1
    said = capsys.readouterr().out
    assert "✗ Measured by moving the weight, the slope is the same." in said
    assert "did not come so on this machine" in said
