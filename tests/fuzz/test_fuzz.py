"""Broken files, a few of each kind; and that what is wrong with one would be noticed.

Continuous integration tries for two minutes behind these tests (`.ci/run`), all targets.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import signal
import time
from pathlib import Path
from random import Random
from typing import ClassVar

import numpy as np
import pytest

import misstep as ms
from misstep.errors import FileFormatError, MisstepError
from tests.fuzz import campaign
from tests.fuzz.__main__ import table
from tests.fuzz.campaign import Campaign, a_round, number_of, place_of, quiet, working_in
from tests.fuzz.planted import CANARY, PICKLES
from tests.fuzz.pool import Pool
from tests.fuzz.structures import change_archive, change_array, change_chunks, change_json, resign
from tests.fuzz.targets import Target

# Those whose whole files are made in a moment; so many tries of each.
QUICK = ("idx", "npy", "png", "lock", "vectors", "lines", "object", "onnx", "prepared")
FEW = 20


def campaign_in(folder: Path, names: list[str], seed: int = 16) -> Campaign:
    return Campaign(folder / "made", folder / "scratch", folder / "kept", names, seed)


@pytest.mark.parametrize("name", QUICK)
def test_broken_files_are_refused_in_words(name: str, tmp_path: Path) -> None:
    tried = campaign_in(tmp_path, [name])
    with quiet(), working_in(tmp_path / "scratch"):
        tried.begin()
        tried.run(0, FEW)
    assert tried.counts[name].tries == FEW
    assert [fault.words for fault in tried.faults] == []


def test_the_same_seed_breaks_a_file_in_the_same_way_whatever_else_is_tried(tmp_path: Path) -> None:
    contents = []
    for place, names in (("a", ["idx"]), ("b", ["lines", "idx"])):
        tried = campaign_in(tmp_path / place, names, seed=5)
        with quiet(), working_in(tmp_path / "scratch"):
            tried.begin()
        target, seeds = tried._targets[-1]
        contents.append([tried.broken(target, seeds, number) for number in range(50)])
    assert contents[0] == contents[1]
    assert len(set(contents[0])) > 40


def test_numbers_go_to_targets_by_their_weight_and_back() -> None:
    names = ["table", "idx", "npz", "questions"]
    assert a_round(names) == sum(Target.registry[name].weight for name in names)
    turns = [place_of(number, names) for number in range(6 * a_round(names))]
    assert len(set(turns)) == len(turns)
    for number, (which, turn) in enumerate(turns):
        assert number_of(which, turn, names) == number
    for which, name in enumerate(names):
        own = [turn for place, turn in turns if place == which]
        assert sorted(own) == list(range(6 * Target.registry[name].weight))


class Bad(Target):
    """Goes wrong in each way that would be noticed, by what a file says."""

    name: ClassVar[str] = "bad"
    ending: ClassVar[str] = ".bad"
    mutations = (lambda content, random: content[random.randrange(9) :],)

    def make(self) -> list[bytes]:
        return [b"12345678"]

    def attempt(self, path: Path) -> None:
        content = path.read_bytes()
        if content == b"8":
            raise KeyError("foreign")
        if content == b"78":
            time.sleep(60)
        if content == b"678":
            pickle.loads(PICKLES[1])
        if content == b"5678":
            np.ones(campaign.MEMORY + 2**24, "uint8")
        if content == b"":
            raise MisstepError("refused")

    def is_open(self, content: bytes) -> bool:
        return True


class Dying(Bad):
    """Ends its process without a word, at one file of several."""

    name: ClassVar[str] = "dying"
    weight = 1
    mutations = (lambda content, random: content[random.choice((7, 6, 5, 4, 3, 2, 1)) :],)

    def attempt(self, path: Path) -> None:
        if path.read_bytes() == b"8":
            os.kill(os.getpid(), signal.SIGKILL)


# They are for these tests alone; processes that import this file know them as well.
OWN = {name: Target.registry.pop(name) for name in ("bad", "dying")}


@pytest.fixture
def own_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Target, "registry", {**Target.registry, **OWN})
    # Longer than anything takes that does not wait, on a machine that has other things to do.
    monkeypatch.setattr(campaign, "WAITING", 2.0)


@pytest.mark.usefixtures("own_targets")
def test_what_goes_wrong_is_noticed_and_kept(tmp_path: Path) -> None:
    # Of these, only one waits for nothing.
    tried = campaign_in(tmp_path, ["bad"], seed=32)
    with quiet(), working_in(tmp_path / "scratch"):
        tried.begin()
        tried.run(0, 25)
        assert not Path(CANARY).exists()
    words = {content(fault.file): fault.words for fault in tried.faults}
    assert "KeyError: 'foreign'" in words[b"8"]
    assert "no end" in words[b"78"]
    assert CANARY in words[b"678"]
    assert "pickle.find_class" in words[b"678"]
    assert "too much memory" in words[b"5678"]
    assert set(words) == {b"8", b"78", b"678", b"5678"}
    count = tried.counts["bad"]
    assert count.tries == 25
    assert count.tries > count.opened > count.read > 0
    # Of each kind a few are kept.
    assert count.faults > len(tried.faults)


def content(file: Path | None) -> bytes:
    assert file is not None
    return file.read_bytes()


@pytest.mark.usefixtures("own_targets")
def test_a_process_that_dies_is_a_fault_and_all_numbers_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(*(tmp_path / "made", tmp_path / "scratch", tmp_path / "kept", ["dying"], 5), jobs=1)
    OWN["dying"](tmp_path / "made" / "dying").prepare()
    # Processes that begin anew would not know this target, and take their time.
    monkeypatch.setattr("tests.fuzz.pool._context", multiprocessing.get_context("fork"))
    pool.run(0, 9, None)
    assert pool.counts["dying"].tries == 9
    assert pool.counts["dying"].faults == len(pool.faults) == 1
    assert all("-9" in fault.words for fault in pool.faults)
    assert all(content(fault.file) == b"8" for fault in pool.faults)
    said = table(pool)
    assert "the process ended with -9" in said
    assert "all" in said


def test_sums_are_right_where_a_mutation_knows_a_format() -> None:
    """Else nothing behind the sum would ever be tried."""
    import zipfile
    import zlib

    from PIL import Image

    random = Random(1)
    buffer = io.BytesIO()
    np.savez(buffer, x=np.arange(6), y=np.arange(3))
    whole = 0
    for _ in range(30):
        try:
            with zipfile.ZipFile(
                io.BytesIO(change_archive(change_array)(buffer.getvalue(), random))
            ) as archive:
                whole += archive.testzip() is None
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            zlib.error,
            RuntimeError,
            TypeError,
            ValueError,
        ):
            continue
    assert whole > 15
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    for _ in range(30):
        made = change_chunks(picture.getvalue(), random)
        length = int.from_bytes(made[8:12], "big")
        chunk = made[12 : 16 + length]
        assert made[16 + length : 20 + length] == zlib.crc32(chunk).to_bytes(4, "big")
    assert change_json(b'{"a": [1, {"b": 2}]}', random) != b'{"a": [1, {"b": 2}]}'
    assert resign("model")(b"no container", random) != b"no container"


def test_a_folder_is_no_model() -> None:
    with pytest.raises(FileFormatError, match="folder"):
        ms.load_model(Path(__file__).parent)
