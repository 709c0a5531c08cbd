"""Several processes train as one: the same bits, the same settings, and nobody waits for the dead.

All of them: MISSTEP_RANKS=1. The whole campaign of kills: MISSTEP_KILLS=50.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from launching import command, environment, launched, launcher, result
from ranked_training import learned

from misstep.exchange import RankError, launch

KILLS = int(os.environ.get("MISSTEP_KILLS", "1"))
LONG = pytest.mark.skipif("MISSTEP_RANKS" not in os.environ, reason="long; set MISSTEP_RANKS=1")
# Within which a lost rank is noticed by all others, and all have ended.
SECONDS = 10.0


@pytest.mark.parametrize(
    ("kind", "ranks"),
    [pytest.param("mlp", 2, marks=LONG), ("cnn", 3), pytest.param("lstm", 4, marks=LONG)],
)
def test_ranks_learn_what_one_process_learns(kind: str, ranks: int) -> None:
    alone = learned({"kind": kind})
    together = result(launched(ranks, {"kind": kind}))
    assert together == {**alone, "ranks": ranks}


@LONG
@pytest.mark.parametrize("kind", ["mlp", "cnn", "lstm"])
def test_compiled_ranks_and_threads_change_no_bit(kind: str) -> None:
    found = {
        (ranks, threads): result(
            launched(ranks, {"kind": kind, "threads": threads, "compiling": True})
        )["weights"]
        for ranks in (1, 2, 4, 8)
        for threads in (1, 2)
    }
    alone = learned({"kind": kind, "compiling": True})["weights"]
    assert set(found.values()) == {alone}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("rows", "rows of rank 1: needed the same ones on all, but got others than rank 0 has"),
        pytest.param("epochs", "epochs of rank 1: needed that of rank 0, 2, but got 3", marks=LONG),
        pytest.param("fails", "this rank has no luck", marks=LONG),
    ],
)
def test_a_rank_that_does_something_else_is_refused(what: str, words: str) -> None:
    done = launched(2, {"odd": 1, "what": what}, SECONDS + 20)
    assert done.returncode != 0
    assert words in done.stderr
    assert '"weights"' not in done.stdout


@LONG
def test_more_ranks_than_shards_are_refused() -> None:
    done = launched(2, {"shards": 1})  # each for itself
    assert done.returncode == 0
    done = launched(4, {"shards": 2})
    assert "as many as there are ranks, 4, or more" in done.stderr


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_rank_is_named_and_the_run_goes_on_to_the_bit(number: int, tmp_path: Path) -> None:
    launcher()
    draw = random.Random(number)
    settings: dict[str, Any] = {"epochs": 60, "checkpoint_every": 3, "patience": 1000}
    wanted = learned(settings)
    ranks = draw.choice([2, 2, 3, 4])
    settings["folder"] = str(tmp_path / "run")
    started = subprocess.Popen(
        command(ranks, {**settings, "epochs": 100_000}),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoints = tmp_path / "run" / "checkpoints"
    until = time.monotonic() + 60
    while not (checkpoints.is_dir() and any(checkpoints.iterdir())):
        assert started.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(draw.uniform(0.0, 0.3))
    processes = ranks_of(started.pid)
    assert len(processes) == ranks
    victim = draw.randrange(ranks)
    killed, process = time.monotonic(), processes[victim]
    os.kill(process, signal.SIGKILL)
    _, errors = started.communicate(timeout=60)
    assert time.monotonic() - killed < SECONDS
    assert started.returncode != 0
    assert f"rank {victim}" in errors
    assert str(process) in errors
    assert not ranks_of(started.pid)
    if number % 5:  # a process by itself is quicker started
        assert learned(settings) == wanted
    else:
        going_on = draw.choice([1, 2, 3, 4])
        assert result(launched(going_on, settings)) == {**wanted, "ranks": going_on}


def ranks_of(process: int) -> dict[int, int]:
    """Return the process of each rank that a launcher started, by rank."""
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


def test_a_process_that_a_rank_starts_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not launch.is_launched({})
    assert launch.is_launched({"PMI_RANK": "1"})
    assert launch.is_launched({"PMIX_RANK": "1", launch.MARK: str(os.getpid())})
    assert not launch.is_launched({"PMIX_RANK": "1", launch.MARK: "1"})


def test_several_processes_without_mpi4py_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(launch, "_world", None)
    with pytest.raises(RankError, match=r"training in 2 processes.*misstep\[mpi\]"):
        launch.world()
