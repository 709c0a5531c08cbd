"""Broken files, a few of each kind; and that what is wrong with one would be noticed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

import pytest

import misstep as ms
from misstep.errors import FileFormatError
from tests.fuzz import campaign
from tests.fuzz.campaign import Campaign
from tests.fuzz.targets import Target

# So many of each kind in the test suite; `python -m tests.fuzz` goes on for as long as is asked.
FEW = 25


@pytest.mark.parametrize("name", list(Target.registry))
@pytest.mark.filterwarnings("ignore")
def test_broken_files_are_refused_in_words(name: str, tmp_path: Path) -> None:
    tried = Campaign(tmp_path, [name], seed=16)
    tried.run(tries=FEW)
    assert tried.tries[name] == FEW
    assert [fault.words for fault in tried.faults] == []


def test_the_same_seed_breaks_a_file_in_the_same_way(tmp_path: Path) -> None:
    contents = []
    for place in ("a", "b"):
        tried = Campaign(tmp_path / place, ["idx"], seed=5)
        tried.run(tries=9)
        contents.append((tmp_path / place / "tried-idx-idx3-ubyte").read_bytes())
    assert contents[0] == contents[1]


def test_a_reader_that_fails_or_has_no_end_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "registry", dict(Target.registry))
    monkeypatch.setattr(campaign, "SECONDS", 0.2)

    class Bad(Target):
        name: ClassVar[str] = "bad"
        ending: ClassVar[str] = ".bad"

        def seeds(self, folder: Path) -> list[bytes]:
            return [b"good" * 8]

        def attempt(self, path: Path) -> None:
            content = path.read_bytes()
            if content == b"good" * 8:
                return
            if len(content) < 32:
                raise KeyError("short")
            time.sleep(5)

    tried = Campaign(tmp_path, ["bad"], seed=0)
    tried.run(tries=12)
    words = "\n".join(fault.words for fault in tried.faults)
    assert "KeyError" in words
    assert "no end" in words
    assert all(fault.file is not None and fault.file.exists() for fault in tried.faults)


def test_a_folder_is_no_model() -> None:
    with pytest.raises(FileFormatError, match="folder"):
        ms.load_model(Path(__file__).parent)
