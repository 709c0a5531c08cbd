"""`misstep train --track`: others are told of each epoch; other words are refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from cli_world import Run

from misstep.record import read_record

ROWS = "".join(f"{number},{number % 7},{3 * number}\n" for number in range(60))
TRAIN = ("train", "t.csv", "--target", "y", "--threads", 1, "--network", "dense4", "--out", "run")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(f"a,b,y\n{ROWS}")
    return tmp_path


def test_files_hold_what_the_record_holds_and_a_resumed_run_goes_on_in_them(
    here: Path, run: Run
) -> None:
    track = ("--track", "csv, jsonl=own.jsonl")
    assert run(*TRAIN, *track, "--epochs", 2).code == 0
    assert run(*TRAIN, *track, "--epochs", 3, "--resume").code == 0
    with (here / "run/metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = read_record(here / "run").epochs
    assert [float(row["training_loss"]) for row in rows] == [one["training_loss"] for one in epochs]
    assert len(rows) == 3
    lines = [json.loads(line) for line in (here / "own.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if "epoch" in line] == [1, 2, 3]


@pytest.mark.parametrize("word", ["wandb", "csv,,mlflow", ""])
def test_other_words_are_refused_before_anything_is_read(here: Path, run: Run, word: str) -> None:
    done = run(*TRAIN, "--track", word)
    assert done.code == 2
    assert "csv, jsonl, tensorboard, mlflow" in done.err
    assert not (here / "run").exists()
