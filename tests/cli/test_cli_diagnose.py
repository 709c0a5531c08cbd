"""`misstep diagnose`: what it says of a run, and what it refuses to take for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Run

from misstep.doctor import CannotTellError, Rule, Severity
from misstep.record import RecordWriter, read_record
from misstep.storage import folder_lock


def rule_of(slug, found=(), leads_to=(), title=None):
    """Return a rule that finds what it is told to, and is in no registry."""

    def check(self, evidence):
        for one in found:
            if isinstance(one, Exception):
                raise one
            severity, confidence, facts = one
            yield self.finding(severity, confidence, **facts)

    names = {
        "check": check,
        "slug": slug,
        "title": title or slug.replace("-", " "),
        "explanation": "It is so.",
        "needs_description": False,
        "leads_to": frozenset(leads_to),
        "sick": (),
        "symptom": lambda self, facts: f"The loss rose to {facts['loss']:g}.",
        "remedy": lambda self, facts: "`ms.SGD(0.01)` instead of `ms.SGD(10)`.",
    }
    before = dict(Rule.registry)
    rule = type("Made", (Rule,), names)()
    Rule.registry.clear()
    Rule.registry.update(before)
    return rule


HOT = rule_of(
    "too-hot",
    [(Severity.CRITICAL, 0.9, {"loss": 1e5, "layer": "dense1", "step": 3, "rows": [0, 4]})],
    leads_to=["not-sure"],
    title="a learning rate that is too high",
)
UNSURE = rule_of("not-sure", [(Severity.WARNING, 0.5, {"loss": 7.0})])
QUIET = rule_of("quiet")
BLIND = rule_of("blind", [CannotTellError("the record says nothing of it")])
BLIND_TOO = rule_of("blind-too", [CannotTellError("the record says nothing of it")])
BROKEN = rule_of("broken", [ZeroDivisionError("division by zero")])


@pytest.fixture
def with_rules(monkeypatch: pytest.MonkeyPatch):
    def use(*rules):
        table = {rule.slug: rule for rule in sorted(rules, key=lambda rule: rule.slug)}
        monkeypatch.setattr(
            sys.modules["misstep.doctor.examine"], "registered_rules", lambda: table
        )

    return use


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A run of two epochs that was broken off in the third."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    with RecordWriter(folder, {"network": "Dense(1)"}) as writer:
        writer.steps(1, [3.0, 2.0, 1.5], [0.1, 0.1, 0.1])
        writer.epoch(1, 1, {"training_loss": 3.0})
        writer.epoch(2, 2, {"training_loss": 2.0})
    return folder


def test_a_finding_is_said_with_all_its_parts(run: Run, recorded: Path, with_rules) -> None:
    with_rules(HOT, UNSURE, QUIET, BLIND, BLIND_TOO)
    done = run("diagnose", "runs/mine")
    assert done.code == 1
    assert done.out.split("\n") == [
        "runs/mine: 2 epochs, 3 updates; its end is not written: it was broken off",
        "",
        "Critical: a learning rate that is too high (too-hot)",
        "  The loss rose to 100000.",
        "  where       layer dense1, after update 3, rows 0 and 4 (counted from 0)",
        "  try         `ms.SGD(0.01)` instead of `ms.SGD(10)`.",
        "  how sure    very likely",
        "  what follows from it",
        "    Warning: not sure (not-sure)",
        "      The loss rose to 7.",
        "",
        "Found: 1 critical; 3 causes were looked for, and 2 could not be examined.",
        "",
        "Not examined",
        "  blind, blind-too",
        "    because the record says nothing of it",
        "",
    ]


def test_that_nothing_was_found_is_said(run: Run, recorded: Path, with_rules) -> None:
    with_rules(QUIET)
    done = run("diagnose", recorded)
    assert done.code == 0
    assert "Nothing wrong was found; 1 cause was looked for." in done.said


def test_machines_get_one_line_and_people_the_rest(run: Run, recorded: Path, with_rules) -> None:
    with_rules(HOT, UNSURE, BLIND)
    done = run("diagnose", recorded, "--json")
    assert done.code == 1
    assert len(done.out.strip().split("\n")) == 1
    assert set(done.json) == {"findings", "not_examined", "seconds"}
    (finding,) = done.json["findings"]
    assert finding["slug"] == "too-hot"
    assert finding["severity"] == "critical"
    assert finding["evidence"]["rows"] == [0, 4]
    assert [below["slug"] for below in finding["consequences"]] == ["not-sure"]
    assert done.json["not_examined"] == [
        {"slug": "blind", "because": "the record says nothing of it"}
    ]
    assert "Critical: a learning rate" in done.err


def test_a_rule_that_fails_does_not_silence_the_others(
    run: Run, recorded: Path, with_rules
) -> None:
    with_rules(BROKEN, HOT)
    done = run("diagnose", recorded)
    assert done.code == 1
    assert "too-hot" in done.out
    assert "its rule failed on this record, which is a fault in misstep" in done.said
    assert "Traceback" not in done.said


def test_a_run_at_work_is_called_so(run: Run, recorded: Path, with_rules) -> None:
    with_rules(QUIET)
    script = (
        "import sys, misstep.storage as s\n"
        "with s.folder_lock(sys.argv[1]):\n    print('locked', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(recorded)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "locked\n"
        assert "it is still going" in run("diagnose", recorded).said
        worker.communicate("")
    assert "it was broken off" in run("diagnose", recorded).said
    with folder_lock(recorded):
        pass  # free again


def test_a_torn_last_line_is_said(run: Run, recorded: Path, with_rules) -> None:
    with_rules(QUIET)
    path = recorded / "record.jsonl"
    path.write_bytes(path.read_bytes() + b'{"kind":"epoch","ep')
    done = run("diagnose", path)
    assert done.code == 0
    assert "the last line was torn off, as by a crash" in done.said


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file"),
        (b"a,b\n1,2\n", "another kind of file"),
        (b"\x00\xff\xfe" * 50, "another kind of file"),
        (b"[" * 100_000, "another kind of file"),
        (b'{"facts":{"a"', "torn off"),
        (b'{"facts":{},"format":"misstep record","kind":"start","version":99}\n', "version 99"),
        (b'{"facts":[],"format":"misstep record","kind":"start","version":1}\n', "version 1"),
    ],
)
def test_what_is_no_record_is_refused(run: Run, tmp_path: Path, content: bytes, got: str) -> None:
    (tmp_path / "record.jsonl").write_bytes(content)
    for named in (tmp_path, tmp_path / "record.jsonl"):
        done = run("diagnose", named)
        assert (done.code, done.out) == (2, "")
        assert got in done.err
        assert done.err.startswith("misstep: ")
        assert "Traceback" not in done.err


def test_places_without_a_run_are_refused(run: Run, recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for named, words in (
        ("empty", "an empty folder"),
        ("pipe", "a folder, pipe or device"),
        ("nowhere", "nothing of that name"),
        ("mine", "Try: runs/mine"),
        ("runs", "Try: runs/mine"),
        (".", "this folder: needed"),
        ("\x1b[31mred", "\\x1b[31mred"),
    ):
        done = run("diagnose", named)
        assert done.code == 2, named
        assert words in done.err, named


def test_what_a_hostile_record_says_ends_in_words(run: Run, recorded: Path) -> None:
    """Values that no run has: each line is read or passed over, and no rule ends the command."""
    path = recorded / "record.jsonl"
    head = path.read_bytes().split(b"\n")[0]
    for line in (
        {"kind": "steps", "first": 10**40, "loss": [1.0], "learning_rate": [1.0]},
        {"kind": "steps", "first": -5, "loss": [{"float": "nan"}] * 3, "learning_rate": [0] * 3},
        {"kind": "steps", "first": 1, "loss": [1e308] * 9, "learning_rate": [{"float": "inf"}] * 9},
        {"kind": "measures", "step": 10**40, "signals": {"dead_share": {"relu1": 1e308}}},
        {"kind": "measures", "step": 1, "signals": {"dead_share": {"\x1b[31m": 5}}},
        {"kind": "epoch", "epoch": 1, "step": 10**40, "values": {"training_loss": -1e308}},
        {"kind": "epoch", "epoch": 1, "step": 1, "values": {"training_loss": True}},
        {"kind": "finished", "facts": 3, "words": ["\x1b[31m"]},
        {"kind": "description", "run": {"layers": 3}},
        {"kind": ["x"]},
        [],
    ):
        path.write_bytes(head + b"\n" + json.dumps(line).encode() + b"\n{}\n")
        done = run("diagnose", path, "--json")
        assert done.code in (0, 1), done.err
        assert "fault in misstep" not in done.said
        assert "Traceback" not in done.said
        assert "\x1b" not in done.said
        assert "findings" in done.json


def test_a_recorded_run_is_diagnosed_in_a_moment(world: Path) -> None:
    words = (
        "import sys, time, misstep.cli\n"
        "misstep.cli.main(['diagnose', sys.argv[1]])\n"
        "print(time.process_time(), *sys.modules)"
    )
    command = [sys.executable, "-c", words, str(world / "runs" / "flowers")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, *modules = done.stdout.split("\n")[-2].split()
    assert float(seconds) < 1.0
    heavy = {"sklearn", "pandas", "scipy", "llvmlite", "torch", "keras"}
    heavy |= {"misstep.train", "misstep.compiler", "misstep.nn", "misstep.modeling"}
    assert not heavy & set(modules)


def test_a_record_says_what_the_command_was_given(run: Run, world: Path) -> None:
    done = run("train", "flowers.csv", "--target", "kind", "--epochs", 2, "--out", "mine")
    assert done.code == 0
    description = read_record(world / "mine").description
    assert description is not None
    assert description.origin == {
        "face": "command line",
        "source": "flowers.csv",
        "options": {"target": "kind", "epochs": 2, "folder": "mine"},
    }


def test_training_says_at_its_end_what_was_found(run: Run, world: Path, with_rules) -> None:
    words = ("train", "flowers.csv", "--target", "kind", "--epochs", 2, "--out", "mine")
    with_rules(QUIET, BLIND)
    done = run(*words)
    assert done.code == 0
    said = "Nothing wrong was found; 1 cause was looked for, and 1 could not be examined (blind)."
    assert said in done.said
    assert "misstep diagnose mine" in done.out
    with_rules(HOT, QUIET)
    done = run(*words, "--json")
    assert done.code == 0
    assert "Critical: a learning rate that is too high (too-hot)" in done.err
    assert [finding["slug"] for finding in done.json["findings"]] == ["too-hot"]
    assert done.json["not_examined"] == []
