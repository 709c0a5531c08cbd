"""Two network namespaces with host names of their own, as two machines joined by TCP."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import TwoHosts, launcher

ADDRESSES = ("10.77.0.1", "10.77.0.2")


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[TwoHosts]:
    """Make two hosts with a cable between them.

    Needs Linux, root and the launcher; skipped, with words, where one of them is missing.
    """
    launcher()
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("needs ip and unshare, of Linux")
    names = f"misstep{os.getpid()}a", f"misstep{os.getpid()}b"
    ends = f"m{os.getpid()}a", f"m{os.getpid()}b"
    try:
        try:
            for name in names:
                run("ip", "netns", "add", name)
        except subprocess.CalledProcessError:
            pytest.skip("needs permission to make network namespaces")
        cable = ("type", "veth", "peer", "name", ends[1], "netns", names[1])
        run("ip", "link", "add", ends[0], "netns", names[0], *cable)
        for name, end, address in zip(names, ends, ADDRESSES, strict=True):
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", end)
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", end, "up")
        both = TwoHosts(names, ends, ADDRESSES, tmp_path)
        yield both
        for number in range(2):  # whatever a test left behind
            both.end(number)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
