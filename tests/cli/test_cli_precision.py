"""`misstep train --precision`: said, recorded, reported, part of what a run goes on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from cli_world import Run

from misstep.cli.page import Page
from misstep.cli.precision import say_precision
from misstep.modeling import Options
from misstep.record import read_record

TRAIN = ("train", "t.csv", "--target", "y", "--epochs", 1, "--threads", 1, "--network", "dense4")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 2))
    y = np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")
    pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y}).to_csv("t.csv", index=False)
    return tmp_path


def test_it_is_said_recorded_reported_and_gone_on_with(here: Path, run: Run) -> None:
    done = run(*TRAIN, "--precision", "bfloat16", "--out", "run")
    assert done.code == 0
    assert "Products of dense layers are of bfloat16 numbers while training" in done.said
    description = read_record(here / "run").description
    assert description is not None
    assert description.precision == "bfloat16"
    assert description.origin["options"]["precision"] == "bfloat16"
    page = (here / "run/report.html").read_text()
    assert "<dt>products of dense layers</dt><dd>of bfloat16 numbers</dd>" in page
    other = run(*TRAIN, "--out", "run", "--resume")
    assert other.code == 2
    assert "needed the same precision as before" in other.said


def test_another_word_is_refused(here: Path, run: Run) -> None:
    done = run(*TRAIN, "--precision", "fp8")
    assert done.code == 2
    assert "--precision fp8: needed 'float32' or 'bfloat16'" in done.said


def test_float32_is_not_worth_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    say_precision(Page(), Options())
    assert capsys.readouterr() == ("", "")
