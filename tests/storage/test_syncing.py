"""What was written reaches the disk itself, on systems whose fsync leaves it half way, too."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from misstep.storage import write_bytes


@pytest.mark.parametrize("known", [True, False])
def test_a_mac_is_asked_to_empty_the_memory_of_its_disk(
    known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    asked: list[str] = []

    def control(handle: int, what: int) -> int:
        asked.append("whole")
        if not known:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        return 0

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    monkeypatch.setattr(os, "fsync", lambda handle: asked.append("usual"))
    write_bytes(tmp_path / "file", b"1")
    # The file, then the folder that has its name.
    assert asked == (["whole"] * 2 if known else ["whole", "usual"] * 2)
