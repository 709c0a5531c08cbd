"""The power goes at each moment of a run: whatever the disk then holds, nothing reported is gone.

Here all moments of small runs are tried, with some of what the disk may hold at each and going on
from some of these; more of them by `python -m tests.disks`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from misstep.errors import StorageError
from misstep.record import RecordWriter
from misstep.storage import atomic
from misstep.train.run_folder import check_run_folder
from tests.disks.operations import watched
from tests.disks.power import PowerLog, Sync, Way, lay_out, trees
from tests.disks.replay import Act, Over, Replay, Saving, Settling, Train
from tests.disks.sweep import fast_place

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="which file is open by a number, only /proc tells"
)

# One of so many states is tried here, and of these one of so many gone on from.
FEW = {Train: (9, 1000), Settling: (1, 1000), Saving: (1, 1000)}
OTHERS = (4, 12)


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="misstep-disks-", dir=fast_place()) as folder:
        yield Path(folder)


@pytest.mark.parametrize("act", Act.registry.values(), ids=lambda each: each.name)
def test_what_was_reported_is_there_when_the_power_goes(act: type[Act], place: Path) -> None:
    stride, every = FEW.get(act, OTHERS)
    replay = Replay(act(), place)
    replay.run(stride=stride, every=every)
    assert replay.states > 3
    assert replay.wrong == []


@pytest.mark.parametrize("left_out", ["record", "folders", "all"])
def test_what_is_not_synced_would_be_noticed(
    left_out: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if left_out == "record":
        monkeypatch.setattr(RecordWriter, "sync", lambda writer: None)
    elif left_out == "folders":
        monkeypatch.setattr(atomic, "sync_folder", lambda folder: None)

    class Careless(Over):
        def act(self, folder: Path, log: PowerLog) -> None:
            super().act(folder, log)
            if left_out == "all":
                log.steps = [step for step in log.steps if not isinstance(step, Sync)]

    replay = Replay(Careless(), place)
    replay.run(stride=4)
    assert replay.wrong


def test_zeros_for_a_record_are_no_file_of_others(tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").write_bytes(bytes(1000))
    check_run_folder(tmp_path, "it")
    for of_others in (b"1,2,3\n", bytes(8) + b"a format that begins with zeros"):
        (tmp_path / "record.jsonl").write_bytes(of_others)
        with pytest.raises(StorageError):
            check_run_folder(tmp_path, "it")


def test_what_a_disk_may_hold(place: Path) -> None:
    folder = place / "watched"
    folder.mkdir()
    (folder / "old").write_bytes(b"old")
    log = PowerLog(folder)
    with watched(folder, log):
        with (folder / "new").open("wb") as file:
            file.write(b"12345678")
        (folder / "new").replace(folder / "old")
    found = {
        way: {
            tuple(sorted((name, content) for name, content in tree.items()))
            for _, _, tree, _ in trees(log, ways=[way])
        }
        for way in Way
    }
    # Neither bytes nor names were synced, so either may be missing.
    contents = [b"", b"12345678", b"1234", bytes(8)]
    least = {(("old", b"old"),), *((("old", content),) for content in contents)}
    most = least | {(("new", content), ("old", b"old")) for content in contents}
    for one in found.values():
        assert least <= one <= most
    lay_out({"a": None, "a/b": b"1"}, place)
    assert (place / "a/b").read_bytes() == b"1"
