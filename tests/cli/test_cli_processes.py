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


# Each says something on standard output.
SAYING = {
    "predict": f"predict {FLOWERS} flowers.csv",
    "as JSON": f"predict {FLOWERS} flowers.csv --json",
    "explain": f"explain {FLOWERS} flowers.csv",
    "summary": f"summary {FLOWERS}",
    "summary as JSON": f"summary {FLOWERS} --json",
    "help": "predict --help",
    "version": "--version",
    "welcome": "train",
}


@pytest.mark.parametrize("words", SAYING.values(), ids=SAYING)
def test_a_full_disk_is_told(words: str, world: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*MISSTEP, *words.split()],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=PLAIN,
        )
    assert done.returncode == 2
    told = done.stderr.splitlines()[-1]
    assert told.startswith("misstep: writing standard output: needed space on the disk")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("buffered", [True, False])
def test_a_disk_that_fills_up_while_it_is_written_to_is_told(buffered: bool, world: Path) -> None:
    resource = pytest.importorskip("resource")
    head, *rows = Path("flowers.csv").read_text().splitlines()
    Path("many.csv").write_text("\n".join([head, *(rows * 40)]) + "\n")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    with Path("out.csv").open("wb") as out:
        done = subprocess.run(
            [*MISSTEP, "predict", FLOWERS, "many.csv"],
            check=False,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=little_room,
            env=PLAIN | {"PYTHONUNBUFFERED": "" if buffered else "1"},
        )
    assert done.returncode == 2
    assert "writing standard output: needed room for a file of its size" in done.stderr
    # Into a file that it writes itself: whole, or as it was.
    Path("mine.csv").write_text("before")
    done = misstep("predict", FLOWERS, "many.csv", "--out", "mine.csv", preexec_fn=little_room)
    assert done.returncode == 2
    assert "writing mine.csv" in done.stderr
    assert Path("mine.csv").read_text() == "before"


def test_predictions_into_a_device_do_not_replace_it(world: Path) -> None:
    Path("target.csv").write_text("before")
    Path("link.csv").symlink_to("target.csv")
    done = misstep("predict", FLOWERS, "flowers.csv", "--out", "link.csv")
    assert done.returncode == 0
    assert Path("link.csv").is_symlink()
    assert Path("target.csv").read_text().startswith("row,")
    done = misstep("predict", FLOWERS, "flowers.csv", "--out", "/dev/stdout")
    assert done.stdout.startswith(Path("target.csv").read_text())


TRAIN = [*MISSTEP, "train", "flowers.csv", "--target", "kind", "--epochs", "3", "--out", "r"]


@pytest.mark.parametrize("streams", ["output", "both"])
def test_training_goes_on_without_readers(streams: str, world: Path) -> None:
    both = streams == "both"
    with subprocess.Popen(
        TRAIN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        env=PLAIN,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = b"" if both or process.stderr is None else process.stderr.read()
    assert process.returncode == 141
    assert b"Traceback" not in said
    assert load_model("r/model.misstep").facts["metrics"]


def test_training_goes_on_on_a_full_disk_behind_its_words(world: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            TRAIN, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=PLAIN
        )
    assert done.returncode == 2
    assert "the model is whole, in r/model.misstep" in done.stderr
    assert load_model("r/model.misstep").facts["metrics"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, world: Path) -> None:
    def shell(words: list[str]) -> subprocess.CompletedProcess[str]:
        line = ["bash", "-c", f'exec "$0" "$@" {closed}', *words]
        return subprocess.run(line, capture_output=True, text=True, check=False, env=PLAIN)

    done = shell([*TRAIN, "--quiet"])
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert load_model("r/model.misstep").facts["metrics"]
    done = shell([*MISSTEP, "predict", FLOWERS, "flowers.csv"])
    assert done.returncode == (2 if " >&-" in " " + closed else 0)
    if closed == ">&-":
        assert "standard output: needed one that is open" in done.stderr


def test_a_terminal_of_few_letters_does_no_harm(world: Path) -> None:
    env = PLAIN | {"PYTHONIOENCODING": "ascii"}
    done = misstep("explain", FLOWERS, "flowers.csv", "--weight", "dense1.weight", env=env)
    assert done.returncode == 0
    assert "?" in done.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_training_keeps_a_model(name: str, world: Path) -> None:
    words = ["train", "flowers.csv", "--target", "kind", "--epochs", "1000000", "--out", "r"]
    process = subprocess.Popen(
        [*MISSTEP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN
    )
    manifest, began = Path("r/checkpoints/manifest.json"), time.monotonic()
    while not manifest.exists() and time.monotonic() - began < 60:
        time.sleep(0.05)
    number = signal.Signals[name]
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    ended = "interrupted with Ctrl-C" if name == "SIGINT" else f"interrupted by {name}"
    assert ended in out
    assert "Traceback" not in err
    assert load_model("r/model.misstep").facts["ended"] == ended


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
