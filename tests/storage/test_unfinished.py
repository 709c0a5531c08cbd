"""Files that killed writers left beside their places: the next writer there removes them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

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
