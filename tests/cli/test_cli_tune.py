"""`misstep tune`: a search said, kept as a table and a drawing, and its winner trained as usual."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from cli_world import Done, Run, flowers, hashes

from misstep.modeling import load_model
from misstep.storage.lock import LOCK

# Little is open, so that few programs are made; all trials are short.
SMALL = ["--network", "dense4", "--epochs", 3, "--set", "batch_size=16"]
FLOWERS = ["flowers.csv", "--target", "kind", *SMALL]
FOLDER = Path("runs/flowers")
MODEL = FOLDER / "model.misstep"


@pytest.fixture
def table(own_folder: None) -> Path:
    path = Path("flowers.csv")
    path.write_text(flowers(90), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a search was done once; what it said is in tuned.json and words.txt."""
    import contextlib
    import io

    from misstep.cli import main

    folder = tmp_path_factory.mktemp("tuned")
    (folder / "flowers.csv").write_text(flowers(90), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = main(["tune", *map(str, FLOWERS), "--trials", "5", "--json"])
    assert code == 0, err.getvalue()
    (folder / "tuned.json").write_text(out.getvalue(), encoding="utf-8")
    (folder / "words.txt").write_text(err.getvalue(), encoding="utf-8")
    return folder


@pytest.fixture
def tuned(made: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(made)
    return json.loads(Path("tuned.json").read_text())


def test_every_trial_is_said_and_in_the_table(tuned: Any) -> None:
    words = Path("words.txt").read_text()
    with (FOLDER / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    trials = tuned["tuning"]["trials"]
    assert [int(row["number"]) for row in rows] == [0, 1, 2, 3, 4]
    heads = (FOLDER / "trials.csv").read_text().splitlines()[0].split(",")
    assert len(set(heads)) == len(heads)
    for row, trial in zip(rows, trials, strict=True):
        assert row["state"] == trial["state"]
        assert int(row["updates_taken"]) == trial["updates"]
        assert float(row["validation_loss"]) == trial["validation_loss"]
        assert float(row["validation_accuracy"]) == trial["metrics"]["accuracy"]
        for name, value in trial["hyperparameters"].items():
            assert json.loads(row[name]) == value
        assert re.search(rf"^ +{trial['number']} +\(?[\d.]+\)? +[\d.]+  ", words, re.MULTILINE)
    assert "the default" in words
    assert {row["batch_size"] for row in rows} == {"16"}


def test_the_drawing_has_a_dot_for_each_trial(tuned: Any) -> None:
    root = ElementTree.fromstring((FOLDER / "tuning.svg").read_text(encoding="utf-8"))
    marks = [each for each in root.iter() if each.tag.endswith(("circle", "path"))]
    assert len(marks) >= 5


def test_the_winner_is_a_usual_model_and_the_command_trains_the_same(
    tuned: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tuned["tuning"]["paid"]
    validation = tuned["tuning"]["best"]["metrics"]["accuracy"]
    assert tuned["metrics"]["validation"]["accuracy"] == pytest.approx(validation)
    words = shlex.split(tuned["command"])
    assert words[:2] == ["misstep", "train"]
    assert "--set" in words
    done = run(*words[1:], "--out", tmp_path / "again", "--quiet")
    assert done.code == 0
    before, after = (load_model(path) for path in (MODEL, tmp_path / "again" / "model.misstep"))
    assert before.network.parameters.tobytes() == after.network.parameters.tobytes()
    for command in (
        ["predict", MODEL, "flowers.csv"],
        ["explain", MODEL, "flowers.csv", "--row", 2],
        ["summary", MODEL],
        ["diagnose", FOLDER],
    ):
        assert run(*command).code in (0, 1), command


def test_test_rows_are_compared_row_by_row(tuned: Any) -> None:
    compared, words = tuned["on_test"], Path("words.txt").read_text()
    assert compared["rows"] == 18
    assert "Beside the default, on the same test rows" in words
    assert ("beyond chance" in words) == (compared["verdict"] != "even")


def test_the_same_command_goes_on_with_its_study(tuned: Any, run: Run) -> None:
    done = run("tune", *FLOWERS, "--trials", 5, "--json")
    assert done.code == 0
    assert done.json["tuning"]["trials"] == tuned["tuning"]["trials"]
    assert done.json["tuning"]["seconds"] < 5


def test_minutes_are_those_of_the_search(run: Run, table: Path) -> None:
    done = run("tune", *FLOWERS, "--trials", 500, "--minutes", 0.0001, "--json")
    assert done.code == 0
    assert "time" in done.json["tuning"]["ended_early"]
    assert done.json["tuning"]["default"]["epochs"] == done.json["epochs"] == 3
    assert "--minutes" not in done.json["command"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trials", 0], "--trials 0: needed a whole number of 1 or more"),
        (["--trials", -3], "--trials -3: needed a whole number of 1 or more"),
        (["--workers", 0], "--workers 0: needed a whole number of 1 or more"),
        (["--minutes", 0], "--minutes 0: needed a number above 0"),
        (["--space", "learning_rat=1e-3..1e-1"], "'learning_rate', the nearest name"),
        (["--space", "learning_rate"], "learning_rate=1e-4..1e-2"),
        (["--space", "learning_rate=2..1"], "a lower and a higher number"),
        (["--sampler", "tpo"], "'tpe', the nearest name"),
        (["--pruner", "medium"], "'median', the nearest name"),
        (["--storage", "nowhere://a/b"], "the storage nowhere://a/b"),
        (["--set", "dropot=1"], "the hyperparameter dropot"),
        (["--resume"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_destroys_nothing(
    run: Run, table: Path, words: list[Any], said: str
) -> None:
    FOLDER.mkdir(parents=True)
    # As a model begins, since a folder with another file of that name is refused before.
    there = bytes(8) + b'{"__metadata__":{"misstep":' + b" what was there"
    MODEL.write_bytes(there)
    done = run("tune", *FLOWERS, "--trials", 2, *words)
    assert done.code == 2, done.err
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("misstep: ")
    assert said in last
    assert MODEL.read_bytes() == there


def test_a_source_that_is_not_there(run: Run, own_folder: None) -> None:
    done = run("tune", "nothing.csv", "--target", "kind")
    assert done.code == 2
    assert "nothing.csv" in done.err
    assert hashes(Path()) == {}


def test_who_lacks_optuna_is_told_how_to_get_it(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from misstep.tuning import requirement

    requirement.optuna.cache_clear()
    monkeypatch.setitem(sys.modules, "optuna", None)
    try:
        done = run("tune", *FLOWERS)
    finally:
        requirement.optuna.cache_clear()
    assert done.code == 2
    assert 'pip install "misstep[tune]"' in done.err
    assert not FOLDER.exists()


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_who_ends_it_keeps_the_best_so_far(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    done = _interrupted(run, monkeypatch, after=2, number=signal.Signals[name])
    assert done.code == code
    assert "Ended by you; the best of 3 trials is trained now" in done.said
    assert load_model(MODEL).facts["epochs"] == 3


def test_a_second_ctrl_c_stops_at_once(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from misstep.cli.keeping import ModelFile

    def again(*words: Any, **more: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ModelFile, "keep", again)
    done = _interrupted(run, monkeypatch, after=1)
    assert done.code == 130
    assert "interrupted" in done.err
    assert not MODEL.exists()


def test_who_works_in_the_folder_trains_the_winner(run: Run, tuned: Any) -> None:
    before = MODEL.read_bytes()
    handle = os.open(FOLDER / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        refused = run("tune", *FLOWERS, "--trials", 5)
        # Another worker that still searches there shares the folder until it is done.
        fcntl.flock(handle, fcntl.LOCK_SH)
        left = run("tune", *FLOWERS, "--trials", 5, "--json")
        no_run = run("train", *FLOWERS, "--epochs", 1)
    finally:
        os.close(handle)
        (FOLDER / LOCK).unlink()
    for done in (refused, no_run):
        assert done.code == 2
        assert "needed a folder in which no other run is at work" in done.err
    assert left.code == 0
    assert "the winner is left to it" in left.said
    assert left.json["model"] is None
    assert MODEL.read_bytes() == before


def test_files_of_others_are_left_as_they_are(run: Run, table: Path) -> None:
    FOLDER.mkdir(parents=True)
    names = ("trials.csv", "tuning.svg", "report.html")
    others = {FOLDER / name: f"my own {name}" for name in names}
    for path, words in others.items():
        path.write_text(words, encoding="utf-8")
    done = run("tune", *FLOWERS, "--trials", 1, "--epochs", 1)
    assert done.code == 0
    assert "trials.csv: needed a place that is free, or holds an earlier one" in done.said
    assert "No report was written: writing" in done.said
    assert {path: path.read_text(encoding="utf-8") for path in others} == others
    refused = run("report", FOLDER)
    assert refused.code == 2
    assert "a file of another kind" in refused.err


def _interrupted(
    run: Run, monkeypatch: pytest.MonkeyPatch, after: int, number: signal.Signals = signal.SIGINT
) -> Done:
    """Tune, with a signal once trial `after` has been said."""
    from misstep.cli.trial_lines import TrialLines

    show = TrialLines.show

    def then_interrupt(lines: TrialLines, result: Any) -> None:
        show(lines, result)
        if result.number == after:
            signal.raise_signal(number)

    monkeypatch.setattr(TrialLines, "show", then_interrupt)
    return run("tune", *FLOWERS, "--trials", 9)
