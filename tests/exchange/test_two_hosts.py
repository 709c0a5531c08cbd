"""Two network namespaces with host names of their own, as two machines joined by TCP.

Needs Linux, root and the launcher; skipped, with words, where one of them is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import PROGRAM, environment, launcher, result
from ranked_training import learned

ADDRESSES = ("10.77.0.1", "10.77.0.2")


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """Make two hosts with a cable between them; return their names."""
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
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_two_hosts_learn_what_one_process_learns(hosts: tuple[str, str], tmp_path: Path) -> None:
    enter = tmp_path / "enter"
    cases = " ".join(
        f"{address}) host={name};;" for address, name in zip(ADDRESSES, hosts, strict=True)
    )
    enter.write_text(
        f'#!/bin/sh\ncase "$1" in {cases} *) host="$1";; esac; shift\n'
        'exec ip netns exec "$host" unshare -u sh -c "hostname $host; $*"\n'
    )
    enter.chmod(0o755)
    (tmp_path / "hosts").write_text("".join(f"{address} slots=1\n" for address in ADDRESSES))
    network = "10.77.0.0/24"
    words = [
        *(launcher(), "--hostfile", str(tmp_path / "hosts"), "--map-by", "node", "-n", "2"),
        *("--bind-to", "none", "--prtemca", "plm_ssh_agent", str(enter)),
        *("--prtemca", "prte_if_include", network, "--mca", "btl", "tcp,self"),
        *("--mca", "btl_tcp_if_include", network, "-x", "PYTHONPATH", "-x", "OMP_NUM_THREADS"),
        *(sys.executable, str(PROGRAM), json.dumps({"kind": "cnn", "hosts": True})),
    ]
    done = subprocess.run(
        [
            "ip",
            "netns",
            "exec",
            hosts[0],
            "unshare",
            "-u",
            "sh",
            "-c",
            'hostname "$0"; exec "$@"',
            hosts[0],
            *words,
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = result(done)
    assert told.pop("hosts") == list(hosts)
    assert told == {**learned({"kind": "cnn"}), "ranks": 2}
