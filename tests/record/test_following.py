"""A record that grows is followed: every line once, torn ones when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep.record.following as following
from misstep.errors import FileFormatError, StorageError
from misstep.record import Follower, Record, RecordWriter, read_record


def written(folder: Path, losses: int = 12, facts: dict[str, object] | None = None) -> Path:
    """Write a record with lines of every kind; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    with RecordWriter(folder, facts or {"seed": 0}) as writer:
        for first in range(1, losses, 3):
            writer.steps(first, np.arange(first, first + 3) / 7, np.full(3, 0.1))
            writer.measures(first, {("gradient_norm", "dense1.weight"): first / 3})
            writer.epoch(first, first + 2, {"training_loss": 1 / first, "seconds": float("nan")})
            writer.snapshot(first, 10, {"validation_loss": 0.5}, last=False)
        writer.event("note", "a word – of äll")
    return folder / "record.jsonl"


def all_of(record: Record | None) -> object:
    """Return everything that a record holds, to be compared."""
    if record is None:
        return None
    steps = {name: array.tolist() for name, array in record.steps.items()}
    return repr((record.facts, steps, record.epochs, record._measures, record.snapshots)), repr(
        (record.events, record.description)
    )


def test_at_every_byte_it_has_the_whole_lines(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole").read_bytes()
    path = tmp_path / "record.jsonl"
    follower, lines = Follower(tmp_path), 0
    with path.open("wb", buffering=0) as file:
        for at in range(len(whole)):
            file.write(whole[at : at + 1])
            changed = follower.advance()
            assert changed == (whole[at : at + 1] == b"\n")
            lines += changed
    assert lines == whole.count(b"\n")
    assert follower.begun == 1
    assert all_of(follower.record) == all_of(read_record(path))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_in_any_pieces_it_is_what_reading_gives(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    whole = written(folder / "whole").read_bytes()
    path, follower, done = folder / "record.jsonl", Follower(folder), 0
    for count in pieces:
        done = min(done + count, len(whole))
        path.write_bytes(whole[:done])  # another writer might write the same file anew
        follower.advance()
        upto = whole[:done].rpartition(b"\n")[0]
        if not upto:
            assert follower.record is None
            continue
        (folder / "upto.jsonl").write_bytes(upto + b"\n")
        assert all_of(follower.record) == all_of(read_record(folder / "upto.jsonl"))
    assert follower.begun == 1


def test_nothing_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    read: list[int] = []
    pread = os.pread

    def counted(handle: int, count: int, place: int) -> bytes:
        got = pread(handle, count, place)
        read.append(len(got))
        return got

    monkeypatch.setattr(following.os, "pread", counted)
    follower = Follower(path)
    assert follower.advance()
    assert sum(read) == path.stat().st_size
    for _ in range(5):
        assert not follower.advance()
    with RecordWriter(tmp_path, {}) as writer:
        writer.event("note", "more")
    read.clear()
    assert follower.advance()
    # What is new, and the last bytes before it, to see that it is the same file.
    assert sum(read) < 2 * following.REMEMBERED + 100


def test_it_comes_in_pieces_where_it_is_asked_so(tmp_path: Path) -> None:
    path = written(tmp_path)
    follower, turns = Follower(path), 0
    while follower._place < path.stat().st_size:
        follower.advance(100)
        turns += 1
    assert turns == -(-path.stat().st_size // 100)
    assert all_of(follower.record) == all_of(read_record(path))


def test_another_file_in_its_place_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, facts={"seed": 1})
    follower = Follower(path)
    follower.advance()
    path.replace(tmp_path / "before.jsonl")
    assert follower.advance()
    assert (follower.record, follower.begun) == (None, 2)
    written(tmp_path, losses=30, facts={"seed": 2})
    assert follower.advance()
    assert follower.record is not None
    assert follower.record.facts == {"seed": 2}
    assert all_of(follower.record) == all_of(read_record(path))


@pytest.mark.parametrize("losses", [3, 12, 60])
def test_a_file_written_anew_is_noticed_however_long_it_is(tmp_path: Path, losses: int) -> None:
    path = written(tmp_path / "one", facts={"seed": 1})
    other = written(tmp_path / "other", losses=losses, facts={"seed": 2}).read_bytes()
    follower = Follower(path)
    follower.advance()
    with path.open("r+b") as file:  # the same file, with other bytes
        file.truncate(0)
        file.write(other)
    assert follower.advance()
    assert follower.begun == 2
    assert all_of(follower.record) == all_of(read_record(path))


def test_a_line_torn_by_a_crash_is_passed_over_when_the_run_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    follower = Follower(path)
    follower.advance()
    with RecordWriter(tmp_path, {}) as writer:
        writer.resumed(3, 1)
        writer.event("note", "on")
    follower.advance()
    assert follower.record is not None
    assert follower.record.notes == ["1 line could not be read and was passed over"]
    assert all_of(follower.record) == all_of(read_record(path))


def test_a_line_without_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_LINE", 1_000)
    monkeypatch.setattr(following, "PIECE", 300)
    path = written(tmp_path)
    follower = Follower(path)
    with path.open("ab") as file:
        file.write(b"a" * 5_000)
    follower.advance()
    assert len(follower._rest) <= 1_300
    with path.open("ab") as file:
        file.write(b'\n{"kind":"note","words":"on"}\n')
    follower.advance()
    assert follower.record is not None
    assert follower.record.events[-1]["words"] == "on"
    assert follower.record.notes == ["1 line could not be read and was passed over"]


def test_what_is_no_record_is_said(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match="another kind of file"):
        Follower(path).advance()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileFormatError, match="pipe"):
        Follower(path).advance()
    path.unlink()
    path.mkdir()
    with pytest.raises(FileFormatError, match="folder"):
        Follower(path).advance()
    assert not Follower(tmp_path / "nowhere").advance()


def test_what_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(following.os, "open", refuse)
    with pytest.raises(StorageError, match="permission denied"):
        Follower(tmp_path).advance()
