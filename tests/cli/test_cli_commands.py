"""Every registered command is tested by being registered: help, examples, a case, and speed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from cli_world import Run

import misstep
from misstep.cli import command_line

ROOT: Any = command_line()
COMMANDS = sorted(ROOT.commands)
# A first command line for each command; one without a line here fails below.
CASES = {
    "train": "train flowers.csv --target kind --epochs 1 --out runs/again --json",
    "check": "check flowers.csv --target kind --json",
    "diagnose": "diagnose runs/flowers --json",
    "tune": "tune flowers.csv --target kind --epochs 1 --network dense4 --trials 1 --json",
    "report": "report runs/flowers flowers.csv --json",
    "repair": "repair runs/flowers --json",
    "find-rate": "find-rate flowers.csv --target kind --out runs/again --json",
    "predict": "predict runs/flowers/model.misstep flowers.csv --json",
    "explain": "explain runs/flowers/model.misstep flowers.csv --row 2 --json",
    "summary": "summary runs/flowers/model.misstep --json",
    "export": "export runs/flowers/model.misstep flowers.onnx --json",
    "lab": "lab one-neuron --json",
    "inspect": "inspect runs/flowers/model.misstep --json",
}
# They serve a page until Ctrl-C, and have tests of their own (tests/web).
SERVING = {"play", "serve", "watch"}
# People leave when help takes longer than this (seconds of the processor).
LONGEST_HELP = 0.4
HEAVY = ("numpy", "pandas", "scipy", "sklearn")


def test_every_command_has_a_case() -> None:
    assert sorted({*CASES, *SERVING}) == COMMANDS


@pytest.mark.parametrize("name", CASES)
def test_a_command_works_and_ends_with_json(name: str, run: Run, world: Any) -> None:
    done = run(*CASES[name].split())
    assert done.code == 0, done.err
    assert isinstance(done.json, dict)
    assert done.out.count("\n") == 1, "with --json, words go to standard error"
    assert "Traceback" not in done.said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help(name: str, run: Run) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert done.err == ""
    assert f"misstep {name}" in done.out
    assert max(map(len, done.out.splitlines())) <= 100
    assert "\x1b" not in done.out
    assert "\b" not in done.out
    command = ROOT.commands[name]
    assert command.help[0].isupper()
    for param in command.params:
        assert param.help, f"{name}: {param.name} has no help"
        assert param.help.rstrip()[-1] in ".]", f"{name}: {param.name}: a sentence ends in a dot"


def test_help_lists_every_command(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    assert all(f"  {name} " in done.out for name in COMMANDS)
    assert "..." not in done.out.split("Commands:")[1], "a short help is cut off"
    assert run().out == done.out


def examples() -> list[str]:
    texts = [ROOT.help, *(command.help for command in ROOT.commands.values())]
    return [line for text in texts for line in re.findall(r"^ +(misstep .*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("line", examples())
def test_an_example_in_a_help_text_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    command = ROOT.commands[words[0]]
    context = command.make_context(words[0], words[1:], resilient_parsing=True)
    assert context.args == []
    # Some commands do something useful without any word.
    given = list(context.params.values())[:1] if len(words) > 1 else []
    assert all(value is not None for value in given)


def test_there_are_examples() -> None:
    assert len(examples()) > 2 * len(COMMANDS)


def test_version(run: Run) -> None:
    assert run("--version").out == f"misstep {misstep.__version__}\n"


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"]])
def test_help_comes_at_once(words: list[str]) -> None:
    code = (
        "import sys, time; from misstep.cli import main; code = main(sys.argv[1:]); "
        "print(); print(code, time.process_time(), *sys.modules)"
    )
    command = [sys.executable, "-c", code, *words]
    times = []
    for _ in range(3):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        code_said, seconds, *loaded = done.stdout.splitlines()[-1].split()
        assert code_said == "0"
        assert sorted(set(HEAVY) & set(loaded)) == []
        times.append(float(seconds))
    assert min(times) < LONGEST_HELP


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "misstep", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"misstep {misstep.__version__}\n"
