"""The Stop button reaches the process that works in the folder, and nobody else."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from misstep.errors import MisstepError
from misstep.storage import folder_holder, folder_in_use, folder_lock, process_mark
from misstep.storage.lock import LOCK
from misstep.web.watch.stopping import stop_run

PROGRAM = """
import sys, time
from misstep.storage import folder_lock
with folder_lock(sys.argv[1]):
    try:
        print("at work", flush=True)
        time.sleep(30)
    except KeyboardInterrupt:
        print("stopped as by Ctrl-C", flush=True)
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a process that works in `tmp_path`."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "at work\n"
        yield program
        program.kill()


def test_it_ends_as_by_ctrl_c(run: subprocess.Popen[str], tmp_path: Path) -> None:
    assert stop_run(tmp_path, "mine") == run.pid
    assert run.stdout is not None
    assert run.stdout.read() == "stopped as by Ctrl-C\n"
    assert run.wait(5) == 0
    assert not folder_in_use(tmp_path)
    with pytest.raises(MisstepError, match="one that is over"):
        stop_run(tmp_path, "mine")


def test_who_works_there_is_said(run: subprocess.Popen[str], tmp_path: Path) -> None:
    holder = folder_holder(tmp_path)
    assert holder is not None
    assert holder.pid == run.pid
    assert holder.mark == process_mark(run.pid)
    assert holder.mark != process_mark(os.getpid())


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"mark": "another process"}, "may be another by now"),
        ({"mark": ""}, "may be another by now"),
        ({"host": "elsewhere"}, "on this machine"),
        ({"pid": os.getpid()}, "this very one"),
        ({"pid": 2**22 + 1}, "may be another by now"),
        ({"pid": 0}, "may be another by now"),
        ({"pid": -1}, "may be another by now"),
        ({"pid": 10**400}, "may be another by now"),
    ],
)
def test_a_stranger_gets_nothing(
    run: subprocess.Popen[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    facts: dict[str, object],
    words: str,
) -> None:
    told = json.loads((tmp_path / LOCK).read_text())
    (tmp_path / LOCK).write_text(json.dumps({**told, **facts}))
    sent: list[object] = []
    monkeypatch.setattr(os, "kill", lambda *args: sent.append(args))
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *args: sent.append(args))
    with pytest.raises(MisstepError, match=words):
        stop_run(tmp_path, "mine")
    assert sent == []


def test_what_another_user_wrote_is_not_believed(
    run: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *args: sent.append(args))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(MisstepError, match="a run of this user"):
        stop_run(tmp_path, "mine")
    assert sent == []


def test_a_lock_that_is_a_link_or_a_pipe_is_none(
    run: subprocess.Popen[str], tmp_path: Path
) -> None:
    for name, make in (
        ("link", lambda lock: lock.symlink_to(tmp_path / LOCK)),
        ("pipe", lambda lock: os.mkfifo(lock)),
    ):
        folder = tmp_path / name
        folder.mkdir()
        make(folder / LOCK)
        assert not folder_in_use(folder)
        assert folder_holder(folder) is None
    before = (tmp_path / LOCK).read_text()
    with pytest.raises(MisstepError), folder_lock(tmp_path / "link"):
        pass
    assert (tmp_path / LOCK).read_text() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', '{"pid":1,"host":"h"}', "\0\0"])
def test_a_lock_that_says_nothing_names_nobody(
    run: subprocess.Popen[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / LOCK).write_text(text)
    assert folder_in_use(tmp_path)
    assert folder_holder(tmp_path) is None
    with pytest.raises(MisstepError):
        stop_run(tmp_path, "mine")


def test_a_lock_left_by_a_crash_is_of_nobody(run: subprocess.Popen[str], tmp_path: Path) -> None:
    run.kill()
    run.wait()
    assert (tmp_path / LOCK).exists()
    assert not folder_in_use(tmp_path)
    assert folder_holder(tmp_path) is None


def test_nobody_has_the_mark_of_no_process() -> None:
    assert process_mark(0) is None
    assert process_mark(-5) is None
    assert process_mark(2**22 + 1) is None
    assert process_mark(os.getpid())


def test_a_lock_that_says_nothing_readable_names_nobody(tmp_path: Path) -> None:
    lock = tmp_path / LOCK
    for content in (b"[" * 4_000, b"{}", b"[1]", b'{"pid": 1e999, "started": 0, "host": "a"}'):
        lock.write_bytes(content)
        with lock.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert folder_in_use(tmp_path)
            assert folder_holder(tmp_path) is None
