"""A few made-up command lines; and that what is wrong with one would be noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.judging import judge
from tests.fuzz.lines import Tried, _damage
from tests.fuzz.sandbox import Done, Sandbox
from tests.fuzz.sources import Source, make_source
from tests.fuzz.words import Speaker, World

# So many in the test suite; `python -m tests.fuzz.lines` goes on for as long as is asked.
FEW = 6


def test_made_up_lines_end_well(tmp_path: Path) -> None:
    # In a process of its own: what is forked must hold no threads of other tests.
    words = ["--quick", "--count", str(FEW), "--seed", "16", "--kept", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.lines", *words],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{FEW} lines tried" in done.stdout


def done(words: str, code: int | None, out: str = "", err: str = "") -> Done:
    return Done(tuple(words.split()), code, out, err, 0.1)


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (done("train x.csv", None), "no end"),
        (done("train x.csv", -11), "exit code -11"),
        (done("train x.csv", 1, "", "Traceback (most recent call last):"), "traceback"),
        (done("train x.csv", 1, "", "misstep: sorry, something went wrong …"), "unexpected"),
        (done("predict m x.csv", 1), "exit code 1 of predict"),
        (done("train x.csv", 2), "without a message"),
        (done("train x.csv", 2, "", "misstep: KeyError in 'a'."), "name of an error"),
        (done("train x.csv", 2, "", f"misstep: {'x' * 2000}."), "more than 1500 letters"),
        (done("train x.csv --json", 0, "words\n"), "no JSON"),
        (done("train x.csv --json", 0, '{"rmse": NaN}\n'), "no JSON"),
        (done("train x.csv", 0, "rmse nan\n"), "a raw value: nan"),
        (done("train x.csv", 0, "\x1b[31m"), "an escape sequence"),
        (done("predict m x.csv", 0, "row,prediction\n1,inf\n"), "not finite"),
        (done("predict m x.csv", 0, "row,prediction,probability of a\n1,a,1.5\n"), "out of bounds"),
    ],
)
def test_what_is_wrong_is_noticed(one: Done, fault: str) -> None:
    assert fault in "\n".join(judge(one, ""))


def test_what_is_right_is_not() -> None:
    assert not list(judge(done("train x.csv", 0, "RMSE 1.5\n"), ""))
    assert not list(judge(done("train x.csv", 2, "", "misstep: x.csv: needed a file.\n"), ""))
    assert not list(judge(done("train x.csv", 0, "epoch 1/2 · loss nan · validation loss inf"), ""))
    # A label may say anything.
    assert not list(judge(done("train x.csv", 0, "class nan\n"), "color\nnan\n"))


def test_damage_is_noticed(tmp_path: Path) -> None:
    box = Sandbox(tmp_path)
    (box.here / "letter.txt").write_text("dear diary")
    before, around = box.sums(box.here), box.sums()
    (box.here / "letter.txt").write_text("")
    (box.root / "other" / "new").write_text("")
    (box.here / "model.misstep").write_text("")
    faults = "\n".join(_damage(box, ["train", "x"], before, around, done("train x", 2)))
    assert "changed outside" in faults
    assert "a file that was there has changed: letter.txt" in faults
    assert "refused, and left" in faults


def test_a_line_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.sandbox.main", lambda: __import__("time").sleep(60))
    assert Sandbox(tmp_path).run(["train"], seconds=0.2).code is None


def test_the_same_numbers_make_the_same_lines(tmp_path: Path) -> None:
    made = []
    for place in ("a", "b"):
        random = Random("1/2")
        (tmp_path / place).mkdir()
        source = make_source(random, tmp_path / place)
        made.append((source, Speaker(random, World(source)).train()))
    assert made[0] == made[1]


def test_every_command_and_option_is_spoken() -> None:
    source = Source("table", "x.csv", ["--target", "y"], {"y": ["a", "b"], "x": ["1", "2"]})
    said: set[str] = set()
    speaker = Speaker(Random(0), World(source, ("runs/x",)))
    wanted = set(speaker.commands) | {
        option.opts[0]
        for command in speaker.commands.values()
        for option in command.params
        if option.param_type_name == "option"
    }
    for _ in range(30_000):
        said |= {word.partition("=")[0] for word in (*speaker.train(), *speaker.other())}
        if wanted <= said:
            break
    assert wanted <= said


def test_only_lines_that_train_count_as_trained() -> None:
    for words, code, trained in (
        ("train x", 0, True),
        ("train x", 2, False),
        ("check x", 0, False),
    ):
        assert Tried(1, "table", [], [done(words, code)]).trained is trained
