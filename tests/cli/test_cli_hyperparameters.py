"""Hyperparameters on the command line: listed, chosen with --set, kept in the record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_world import Run

from misstep.record import read_record


@pytest.fixture
def hills(own_folder: None) -> Path:
    """A table with enough rows for a network that leaves something open."""
    numbers = np.random.default_rng(0).normal(size=(320, 3))
    height = numbers[:, 0] * numbers[:, 1] + numbers[:, 2]
    lines = [
        ",".join(f"{one:.3f}" for one in (*row, y)) for row, y in zip(numbers, height, strict=True)
    ]
    path = Path("hills.csv")
    path.write_text("\n".join(["a,b,c,height", *lines]) + "\n", encoding="utf-8")
    return path


def test_check_lists_them_and_what_was_set(run: Run, hills: Path) -> None:
    done = run("check", hills, "--target", "height", "--hyperparameters", "--json")
    listed = done.json["hyperparameters"]["dropout"]
    assert listed["value"] == listed["default"]
    assert "searched from" in listed["domain"]
    done = run(
        *("check", hills, "--target", "height", "--hyperparameters"), "--set", "dropout=0.37"
    )
    assert f"dropout 0.37 default {listed['default']} a number" in done.said


def test_set_reaches_the_network_and_the_record(run: Run, hills: Path) -> None:
    done = run("train", hills, "--target", "height", "--epochs", 1, "--set", "dropout=0.37")
    assert done.code == 0
    assert "drop0.37" in done.said
    description = read_record(Path("runs/hills/record.jsonl")).description
    assert description is not None
    assert description.origin["options"]["hyperparameters"] == {"dropout": "0.37"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "dropout"], "--set dropout: needed a name, = and a value"),
        (["--set", "=3"], "--set =3: needed a name, = and a value"),
        (["--set", "dropot=0.1"], "'dropout', the nearest name"),
        (["--set", "dropout=much"], "needed a number, searched from"),
        (["--set", "dropout=0.1", "--set", "dropout=0.2"], "one value for each name"),
    ],
)
def test_what_can_not_be_set_is_said_in_a_line(
    run: Run, hills: Path, words: list[str], said: str
) -> None:
    done = run("train", hills, "--target", "height", *words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert not Path("runs/hills/model.misstep").exists()
