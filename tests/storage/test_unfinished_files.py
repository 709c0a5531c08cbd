"""Files that killed writers left beside their places: the next writer there removes them."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from misstep.storage import write_bytes
from misstep.storage.unfinished import TEMPORARY, start_beside


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    path = tmp_path / "model.misstep"
    child = os.fork()
    if not child:
        start_beside(path)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [each.name.endswith(TEMPORARY) for each in tmp_path.iterdir()] == [True]
    write_bytes(tmp_path / "model", b"another name")
    assert len(list(tmp_path.iterdir())) == 2
    write_bytes(path, b"whole")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model", "model.misstep"]


def test_what_another_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    handle, name = start_beside(path)
    write_bytes(path, b"mine")
    assert Path(name).exists()
    os.close(handle)
    write_bytes(path, b"mine again")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_one_that_somebody_else_has_locked_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    opened = os.open
    others: list[int] = []

    def with_another(name: Any, *how: Any) -> int:
        handle = opened(name, *how)
        if not others:
            others.append(opened(name, os.O_RDONLY))
            fcntl.flock(others[0], fcntl.LOCK_EX)
        return handle

    monkeypatch.setattr(os, "open", with_another)
    write_bytes(tmp_path / "model.misstep", b"whole")
    os.close(others[0])
    assert [each.name for each in tmp_path.iterdir()] == ["model.misstep"]


def test_who_may_read_a_file_stays_as_it_was(tmp_path: Path) -> None:
    new, private = tmp_path / "new", tmp_path / "private"
    mask = os.umask(0o027)
    try:
        write_bytes(new, b"1")
        private.touch()
        private.chmod(0o600)
        handle, name = start_beside(private)
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        os.close(handle)
        write_bytes(private, b"2")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
