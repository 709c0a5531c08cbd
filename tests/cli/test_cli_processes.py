"""The command line as a process of its own: pipes, signals, terminals, other languages.

Few and short, since each starts a Python.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from misstep.modeling import load_model

MISSTEP = [sys.executable, "-m", "misstep"]
FLOWERS = "runs/flowers/model.misstep"
PLAIN = {
    name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")
}


def misstep(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*MISSTEP, *map(str, words)]
    options = {"env": PLAIN, "timeout": 100, "check": False} | options
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        **options,
    )


def test_output_in_a_pipe_has_no_colors_and_no_blanks_at_ends(world: Path) -> None:
    done = misstep("train", "flowers.csv", "--target", "kind", "--epochs", 2)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert max(len(line) for line in lines if not line.startswith("  misstep ")) <= 100


def test_the_last_line_is_json(world: Path) -> None:
    done = misstep("train", "houses.csv", "--target", "price", "--epochs", 2, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["task"] == "regression"
    assert "Choices" in done.stderr


def test_a_reader_that_has_gone_is_no_error(world: Path) -> None:
    command = [*MISSTEP, "predict", FLOWERS, "flowers.csv"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # Long before the first line is written.
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141
    assert said == ""


@pytest.mark.parametrize("buffered", [True, False])
def test_a_full_disk_is_told(buffered: bool, world: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*MISSTEP, "predict", FLOWERS, "flowers.csv"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=PLAIN | {"PYTHONUNBUFFERED": "" if buffered else "1"},
        )
    assert done.returncode == 1
    assert "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr


def test_a_terminal_of_few_letters_does_no_harm(world: Path) -> None:
    env = PLAIN | {"PYTHONIOENCODING": "ascii"}
    done = misstep("explain", FLOWERS, "flowers.csv", "--weight", "dense1.weight", env=env)
    assert done.returncode == 0
    assert "?" in done.stdout


def test_ctrl_c_in_training_keeps_a_model(world: Path) -> None:
    words = ["train", "flowers.csv", "--target", "kind", "--epochs", "1000000", "--out", "r"]
    process = subprocess.Popen(
        [*MISSTEP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN
    )
    manifest, began = Path("r/checkpoints/manifest.json"), time.monotonic()
    while not manifest.exists() and time.monotonic() - began < 60:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted with Ctrl-C" in out
    assert "Traceback" not in err
    assert load_model("r/model.misstep").facts["ended"] == "interrupted with Ctrl-C"


def test_on_a_terminal(world: Path) -> None:
    pty = pytest.importorskip("pty")
    main_end, far_end = pty.openpty()
    env = PLAIN | {"TERM": "xterm-256color", "COLUMNS": "70"}
    env.pop("NO_COLOR", None)
    words = ["train", "flowers.csv", "--target", "kind", "--epochs", "2"]
    process = subprocess.Popen(
        [*MISSTEP, *words], stdout=far_end, stderr=far_end, stdin=far_end, env=env
    )
    os.close(far_end)
    shown = b""
    while True:
        try:
            part = os.read(main_end, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(main_end)
    assert process.wait(60) == 0
    assert b"\x1b[" in shown
    assert b"this network" in shown
    assert "━".encode() in shown


def test_a_warning_of_a_library_is_not_shown(world: Path) -> None:
    rows = "".join(f"{n}e300,{n % 7},{'ab'[n % 2]}\n" for n in range(1, 60))
    Path("far.csv").write_text("x,y,kind\n" + rows)
    done = misstep("train", "far.csv", "--target", "kind", "--epochs", 2, "--learning-rate", "9")
    assert done.returncode in (0, 1)
    assert "Warning" not in done.stderr
