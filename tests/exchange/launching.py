"""Starts trainings under a launcher of MPI, for tests; skips them where there is none."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("ranked_training.py")
ROOT = Path(__file__).resolve().parents[2]


def launcher() -> str:
    """Return the launcher; skip the test without one."""
    if importlib.util.find_spec("mpi4py") is None:
        pytest.skip('needs mpi4py: pip install "misstep[mpi]"')
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.skip("needs mpiexec, as the package openmpi brings it")
    return found


def environment() -> dict[str, str]:
    """Return what ranks are started with: this code, one thread in libraries, root allowed."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "OMP_NUM_THREADS": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }


def command(ranks: int, settings: dict[str, Any]) -> list[str]:
    """Return the words that start a training on so many ranks."""
    words = [launcher(), "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
    return [*words, sys.executable, str(PROGRAM), json.dumps(settings)]


def launched(
    ranks: int, settings: dict[str, Any], seconds: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run a training on so many ranks to its end."""
    words = command(ranks, settings)
    return subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=seconds, check=False
    )


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what rank 0 said that it learned."""
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def ranks_of(process: int) -> dict[int, int]:
    """Return the process of each rank that a launcher started on this machine, by rank."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or int(entry.name) == process:
                continue
            words = (entry / "environ").read_bytes().split(b"\0")
            known = dict(word.partition(b"=")[::2] for word in words)
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == process and b"OMPI_COMM_WORLD_RANK" in known:
            found[int(known[b"OMPI_COMM_WORLD_RANK"])] = int(entry.name)
    return found


def wait_for_checkpoint(started: subprocess.Popen[str], folder: Path, seconds: float = 90) -> None:
    """Wait until a run has written its first checkpoint."""
    until = time.monotonic() + seconds
    while not any((folder / "checkpoints").glob("*.misstep")):
        assert started.poll() is None, started.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)


@dataclass(frozen=True)
class TwoHosts:
    """Two network namespaces. `names`: of hosts; `ends`: of the cable's ends in them."""

    names: tuple[str, str]
    ends: tuple[str, str]
    addresses: tuple[str, str]
    room: Path

    def command(self, settings: dict[str, Any], *, apart: bool = False) -> list[str]:
        """Return the words that start a training on both, one rank each.

        `apart`: whether the second one has processes of its own, which the first can't see.
        """
        enter = self.room / "enter"
        hosts = zip(self.addresses, self.names, strict=True)
        cases = " ".join(f"{address}) host={name};;" for address, name in hosts)
        own = "-p -f --mount-proc" if apart else ""
        # Launchers name files by their process, and numbers are the same ones in each namespace.
        files = self.room / "files"
        files.mkdir()
        enter.write_text(
            f'#!/bin/sh\ncase "$1" in {cases} *) host="$1";; esac; shift\n'
            f'exec ip netns exec "$host" unshare -u {own} '
            f'sh -c "export TMPDIR={files}; hostname $host; $*"\n'
        )
        enter.chmod(0o755)
        listed = self.room / "hosts"
        listed.write_text("".join(f"{address} slots=1\n" for address in self.addresses))
        network = self.addresses[0].rpartition(".")[0] + ".0/24"
        words = [
            *(launcher(), "--hostfile", str(listed), "--map-by", "node", "-n", "2"),
            *("--bind-to", "none", "--prtemca", "plm_ssh_agent", str(enter)),
            *("--prtemca", "prte_if_include", network, "--mca", "btl", "tcp,self"),
            *("--mca", "btl_tcp_if_include", network, "-x", "PYTHONPATH", "-x", "OMP_NUM_THREADS"),
            *(sys.executable, str(PROGRAM), json.dumps(settings)),
        ]
        start = ["ip", "netns", "exec", self.names[0], "unshare", "-u", "sh", "-c"]
        return [*start, 'hostname "$0"; exec "$@"', self.names[0], *words]

    def processes(self, number: int) -> list[int]:
        """Return the processes of one of them."""
        words = ["ip", "netns", "pids", self.names[number]]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        return [int(word) for word in done.stdout.split()]

    def end(self, number: int) -> None:
        """End whatever runs on one of them."""
        for process in self.processes(number):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def rank_on_second(self) -> tuple[int, int]:
        """Return the processes, as all see them, of the second host's rank and of its launcher."""
        for process in self.processes(1):
            found = ranks_of(process)
            if found:
                return found[1], process
        raise AssertionError("no rank on the second host")
