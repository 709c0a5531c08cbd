"""Two hosts joined by TCP: the same bits; and what is told where one of them falls silent.

All of them: MISSTEP_RANKS=1.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from launching import TwoHosts, environment, result, wait_for_checkpoint
from ranked_training import learned

from misstep.exchange.presence import BEAT_EVERY, PRESENCE_EVERY, SILENCE

LONG = pytest.mark.skipif("MISSTEP_RANKS" not in os.environ, reason="long; set MISSTEP_RANKS=1")
# Within which one that is not heard of is told: silence, what a look at it waits for, and a
# machine's being busy.
SECONDS = SILENCE + BEAT_EVERY + PRESENCE_EVERY + 0.75


def test_two_hosts_learn_what_one_process_learns(hosts: TwoHosts) -> None:
    done = subprocess.run(
        hosts.command({"kind": "cnn", "hosts": True}),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = result(done)
    assert told.pop("hosts") == list(hosts.names)
    assert told == {**learned({"kind": "cnn"}), "ranks": 2}


@LONG
@pytest.mark.parametrize("what", ["killed", "killed, and its launcher hangs", "hangs", "cut off"])
def test_a_rank_of_another_host_that_is_gone_is_named(
    what: str, hosts: TwoHosts, tmp_path: Path
) -> None:
    settings = {"epochs": 60, "checkpoint_every": 3, "folder": str(tmp_path / "run")}
    started = subprocess.Popen(
        hosts.command({**settings, "epochs": 100_000}, apart=True),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_checkpoint(started, tmp_path / "run")
    rank, its_launcher = hosts.rank_on_second()
    (first,) = (one for one in hosts.processes(0) if "ranked_training" in words_of(one))
    began = time.monotonic()
    if what == "cut off":
        cut = ["ip", "-n", hosts.names[0], "link", "set", hosts.ends[0], "down"]
        subprocess.run(cut, check=True)
    elif what == "hangs":
        os.kill(rank, signal.SIGSTOP)
    else:
        if what != "killed":
            os.kill(its_launcher, signal.SIGSTOP)
        os.kill(rank, signal.SIGKILL)
    while "ranked_training" in words_of(first):
        assert time.monotonic() - began < SECONDS
        time.sleep(0.05)
    hosts.end(1)  # so that the launcher on the first one need not wait for them
    if what == "cut off":
        time.sleep(0.5)
        hosts.end(0)
    _, errors = started.communicate(timeout=60)
    assert f"on {hosts.names[1]}) is gone" in errors
    assert "got rank 1 (process" in errors
    assert learned(settings) == learned({**settings, "folder": str(tmp_path / "whole")})


def words_of(process: int) -> str:
    """Return the words that a process was started with; none where it has ended."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return words if "mpiexec" not in words and "prte" not in words else ""
