"""Who may work in a folder at once, and whose files are written over."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from misstep.errors import StorageError
from misstep.storage import FolderInUseError, folder_lock, write_own_text


def elsewhere(work: Callable[[], None]) -> None:
    """Work in a thread that holds no lock, as another process would. Raises what `work` raises."""
    raised: list[BaseException] = []

    def catch() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=catch)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def lock(folder: Path, *, shared: bool) -> None:
    with folder_lock(folder, shared=shared):
        pass


def test_a_shared_folder_is_nobodys_alone(tmp_path: Path) -> None:
    with folder_lock(tmp_path, shared=True):
        elsewhere(lambda: lock(tmp_path, shared=True))
        with pytest.raises(FolderInUseError, match=f"process {os.getpid()} works in since"):
            elsewhere(lambda: lock(tmp_path, shared=False))
    elsewhere(lambda: lock(tmp_path, shared=False))
    with folder_lock(tmp_path), pytest.raises(FolderInUseError):
        elsewhere(lambda: lock(tmp_path, shared=True))
    assert list(tmp_path.iterdir()) == []


def test_the_first_to_leave_a_shared_folder_leaves_it_locked(tmp_path: Path) -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with folder_lock(tmp_path, shared=True):
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=stay)
    other.start()
    assert inside.wait(10)
    lock(tmp_path, shared=True)
    with pytest.raises(FolderInUseError):
        lock(tmp_path, shared=False)
    leave.set()
    other.join()
    lock(tmp_path, shared=False)
    assert list(tmp_path.iterdir()) == []


def test_only_texts_of_the_same_kind_are_written_over(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_own_text(page, "<title>first – mark</title>", "mark</title>")
    write_own_text(page, "<title>second – mark</title>", "mark</title>")
    assert "second" in page.read_text(encoding="utf-8")
    page.write_text("the mark</title> far behind".rjust(70_000), encoding="utf-8")
    with pytest.raises(StorageError, match="got a file of another kind"):
        write_own_text(page, "<title>third – mark</title>", "mark</title>")
    assert page.read_text(encoding="utf-8").endswith("far behind")
    page.write_text("")
    write_own_text(page, "mark", "mark")
    assert page.read_text(encoding="utf-8") == "mark"
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(StorageError):
        write_own_text(folder, "mark", "mark")


def test_a_pipe_in_a_texts_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "page.html")
    with pytest.raises(StorageError, match="needed a file, but got something else"):
        write_own_text(tmp_path / "page.html", "mark", "mark")
