"""`misstep diagnose --probe`: a run of the command line done again, or a clear word why not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.cli.app import main


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str = "houses.csv", rows: int = 90, seed: int = 0) -> None:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 2))
    price = 3 * x[:, 0] + np.sin(3 * x[:, 1])
    lines = [f"{a:.4f},{b:.4f},{c:.4f}" for (a, b), c in zip(x, price, strict=True)]
    Path(path).write_text("\n".join(["area,age,price", *lines]) + "\n")


def train(*options: str) -> None:
    words = ["train", "houses.csv", "--target", "price", "--network", "dense16", "--quiet"]
    assert main([*words, "--epochs", "5", *options]) == 0


def test_a_run_is_done_again_and_says_what_each_experiment_showed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write()
    train("--learning-rate", "1e-6", "--seed", "3")
    capsys.readouterr()
    assert main(["diagnose", "runs/houses", "--probe", "--budget", "8"]) in (0, 1)
    said = capsys.readouterr().out
    assert "Tried, for 8 seconds at most" in said
    assert "speaks for learning-rate-too-low" in " ".join(said.split())
    assert "not tried:" in said
    assert "because" in said
    record = ms.read_record("runs/houses")
    events = [event for event in record.events if event["kind"] == "experiment"]
    assert "rate-range" in {event["name"] for event in events}
    # What was tried is known from then on.
    assert main(["diagnose", "runs/houses", "--json"]) in (0, 1)
    facts = json.loads(capsys.readouterr().out)
    assert facts["findings"][0]["slug"] == "learning-rate-too-low"
    assert facts["findings"][0]["support"] > 0
    assert facts["experiments"]["rate-range"]


def test_for_machines_the_last_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    train("--learning-rate", "1e-6")
    capsys.readouterr()
    assert main(["diagnose", "runs/houses", "--probe", "--budget", "4", "--json"]) in (0, 1)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert facts["interrupted"] is False
    assert all(one["name"] and one["because"] for one in facts["not_tried"])
    assert facts["experiments"]


def test_data_may_have_moved(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    train()
    Path("houses.csv").rename("elsewhere.csv")
    capsys.readouterr()
    assert main(["diagnose", "runs/houses", "--probe"]) == 2
    error = capsys.readouterr().err
    assert "houses.csv" in error
    assert "--data" in error
    words = ["diagnose", "runs/houses", "--probe", "--budget", "2"]
    assert main([*words, "--data", "elsewhere.csv"]) in (0, 1)


def test_other_data_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    train()
    write(seed=1)
    assert main(["diagnose", "runs/houses", "--probe"]) == 2
    assert "the rows that the run learned from" in capsys.readouterr().err
    write(rows=120)
    assert main(["diagnose", "runs/houses", "--probe"]) == 2
    assert "where the run had" in capsys.readouterr().err
    assert not [one for one in ms.read_record("runs/houses").events if one["kind"] == "experiment"]


def test_a_run_of_python_is_probed_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, folder="runs/mine")
    assert main(["diagnose", "runs/mine", "--probe"]) == 2
    assert "ms.probe(trainer, x, y)" in capsys.readouterr().err


def test_a_budget_is_more_than_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    train()
    assert main(["diagnose", "runs/houses", "--probe", "--budget", "0"]) == 2
    assert "--budget" in capsys.readouterr().err
