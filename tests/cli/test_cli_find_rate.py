"""`misstep find-rate`: what it says, draws and leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from misstep.cli.app import main


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_says_the_rate_why_and_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-rate", "iris", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert "Loss as the rate grows" in said
    assert "because" in said
    command = said.strip().splitlines()[-1].split()
    assert command[:5] == ["misstep", "train", "iris", "--seed", "3"]
    assert command[5] == "--learning-rate"
    assert Path("runs/iris/learning-rate.svg").read_text().startswith("<svg")
    assert [path.name for path in Path("runs/iris").iterdir()] == ["learning-rate.svg"]
    assert main([*command[1:], "--epochs", "2", "--quiet"]) == 0


def test_for_machines_the_last_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--network", "dense4", "--without", "petal length", "--json"]
    assert main(["find-rate", "iris", *options]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1
    facts = json.loads(out[0])
    assert facts["suggestion"] > 0
    assert len(facts["rates"]) == len(facts["curve"]) == len(facts["losses"][0])
    assert "--without 'petal length'" in facts["command"]
    assert main(["find-rate", "iris", *options]) == 0
    assert json.loads(capsys.readouterr().out) == facts


def test_bad_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-rate", "nowhere.csv"]) == 2
    assert "nowhere.csv" in capsys.readouterr().err
    assert not Path("runs").exists()
