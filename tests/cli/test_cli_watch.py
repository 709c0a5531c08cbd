"""`misstep watch` and `misstep train --watch` as people run them."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

import misstep.web.extra
from misstep.cli import main, train_command
from misstep.cli.watch_beside import page_beside
from misstep.errors import MisstepError
from misstep.record import RecordWriter


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with one run in runs/."""
    monkeypatch.chdir(tmp_path)
    folder = Path("runs/mine")
    folder.mkdir(parents=True)
    with RecordWriter(folder, {}) as writer:
        writer.steps(1, [3.0, 2.0], [0.1, 0.1])
    return Path("runs")


def told_at(address: str, path: str) -> dict[str, object]:
    """Return what the page of an address answers."""
    with urlopen(Request(address.partition("#")[0].rstrip("/") + path), timeout=60) as answer:
        told: dict[str, object] = json.load(answer)
    return told


def is_there(address: str) -> bool:
    """Return whether a page answers."""
    try:
        told_at(address, "/api/root")
    except OSError:
        return False
    return True


def test_it_says_its_address_and_ends_by_ctrl_c(runs: Path) -> None:
    command = [sys.executable, "-m", "misstep", "watch", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        told = json.loads(program.stdout.readline())
        assert told["address"].startswith(f"http://127.0.0.1:{told['port']}/#token=")
        runs_told = told_at(told["address"], "/api/runs")["runs"]
        assert [run["name"] for run in runs_told] == ["mine"]  # type: ignore[attr-defined]
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 130
        words = program.stderr.read()
        assert told["address"] in words
        assert "Ctrl-C ends the page; the runs go on." in words
        assert "Traceback" not in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nothing of that name"),
        (["mine"], "Try: runs/mine"),
        (["table.csv"], "another kind of file"),
        (["--port", "70000"], "0 to 65535"),
        (["--host", "no.such.host.invalid"], "a host of this machine"),
        (["--port", "many"], "needed a whole number"),
    ],
)
def test_what_it_cannot_watch_is_said(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    Path("table.csv").write_text("a,b\n1,2\n")
    assert main(["watch", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_without_runs_it_says_how_to_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["watch"]) == 2
    assert "misstep train digits --watch" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["watch"], ["train", "iris", "--watch"]])
def test_without_the_extra_it_says_what_to_install(
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    monkeypatch.setattr(misstep.web.extra, "PACKAGES", ("no_such_package",))
    assert main(arguments) == 2
    assert 'pip install "misstep[web]"' in capsys.readouterr().err
    assert not Path("runs/iris").exists()


def test_a_page_beside_a_training_ends_with_it(runs: Path) -> None:
    with page_beside(runs / "mine", linger=0.0) as address:
        told = told_at(address, "/api/runs?show=mine")
        assert told["runs"][0]["state"] == "broken off"  # type: ignore[index]
    end = time.monotonic() + 60
    while is_there(address):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_training_says_where_to_watch_before_it_begins(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    happened: list[str] = []

    @contextlib.contextmanager
    def beside(folder: Path) -> Iterator[str]:
        happened.append(f"a page for {folder}")
        try:
            yield "http://127.0.0.1:1/#token=x"
        finally:
            happened.append("the page is left")

    def walk(modality: object) -> object:
        happened.append(f"training, when {'http://' in capsys.readouterr().out} was said")
        raise MisstepError("that is enough")

    monkeypatch.setattr(train_command, "page_beside", beside)
    monkeypatch.setattr(train_command, "Walk", walk)
    Path("small.csv").write_text("a,y\n" + "".join(f"{at % 7},{at % 2}\n" for at in range(60)))
    assert main(["train", "small.csv", "--target", "y", "--watch", "--quiet"]) == 2
    pages = ["a page for runs/small", "training, when True was said", "the page is left"]
    assert happened == pages
    assert main(["train", "no-such.csv", "--target", "y", "--watch"]) == 2
    assert happened == pages
