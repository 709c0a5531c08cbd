"""Several processes train as one: the same bits, the same settings, and nobody waits for the dead.

All of them: MISSTEP_RANKS=1. The whole campaign of kills: MISSTEP_KILLS=50.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from launching import (
    command,
    environment,
    launched,
    launcher,
    ranks_of,
    result,
    wait_for_checkpoint,
)
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
    wait_for_checkpoint(started, tmp_path / "run")
    time.sleep(draw.uniform(0.0, 0.3))
    processes = ranks_of(started.pid)
    assert len(processes) == ranks
    victim = draw.randrange(ranks)
    killed, process = time.monotonic(), processes[victim]
    os.kill(process, signal.SIGKILL)
    _, errors = started.communicate(timeout=60)
    seconds = time.monotonic() - killed
    print(f"of {ranks} ranks, {victim} was killed; all had ended {seconds:.2f} seconds later")
    assert seconds < SECONDS
    assert started.returncode != 0
    assert f"rank {victim}" in errors
    assert str(process) in errors
    assert not ranks_of(started.pid)
    if number % 5:  # a process by itself is quicker started
        assert learned(settings) == wanted
    else:
        going_on = draw.choice([1, 2, 3, 4])
        assert result(launched(going_on, settings)) == {**wanted, "ranks": going_on}


def begun(ranks: int, settings: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a training that would go on for long; return once there is a checkpoint."""
    started = subprocess.Popen(
        command(ranks, {**settings, "epochs": 100_000}),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_checkpoint(started, Path(settings["folder"]))
    return started


def test_a_signal_to_one_rank_ends_all_at_the_same_update(tmp_path: Path) -> None:
    launcher()
    settings = {"epochs": 60, "folder": str(tmp_path / "run"), "checkpoint_every": 3, "signals": 1}
    started = begun(2, settings)
    os.kill(ranks_of(started.pid)[1], signal.SIGTERM)
    told, errors = started.communicate(timeout=60)
    assert started.returncode == 0, errors
    ended = json.loads(told.strip().splitlines()[-1])
    assert len(set(ended["updates"])) == 1
    assert "SIGTERM" in ended["ending"]
    last = max((tmp_path / "run" / "checkpoints").glob("*.misstep"), key=lambda file: file.name)
    assert int(last.name.split("-")[1]) == ended["updates"][0]
    whole = learned({**settings, "folder": str(tmp_path / "whole")})
    assert learned(settings)["weights"] == whole["weights"]


@LONG
def test_ctrl_c_at_the_launcher_ends_all_and_the_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    settings = {"epochs": 60, "folder": str(tmp_path / "run"), "checkpoint_every": 3, "signals": 1}
    launcher()
    started = begun(3, settings)
    processes, began = ranks_of(started.pid), time.monotonic()
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=60)
    assert time.monotonic() - began < SECONDS
    assert not any(Path(f"/proc/{process}").exists() for process in processes.values())
    whole = learned({**settings, "folder": str(tmp_path / "whole")})
    assert learned(settings)["weights"] == whole["weights"]


@LONG
def test_a_signal_to_one_rank_of_the_command_is_its_exit_code(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{i % 7},{(i * 5) % 11 > 4}" for i in range(200))
    (tmp_path / "rows.csv").write_text(f"a,b,target\n{rows}\n")
    run = tmp_path / "run"
    words = [launcher(), "--oversubscribe", "--bind-to", "none", "-n", "2", sys.executable]
    words += ["-m", "misstep", "train", str(tmp_path / "rows.csv"), "--target", "target"]
    words += ["--epochs", "100000", "--out", str(run)]
    started = subprocess.Popen(
        words,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    until = time.monotonic() + 60
    while not (run / "run.jsonl").exists() and time.monotonic() < until:
        assert started.poll() is None, started.communicate()
        time.sleep(0.1)
    time.sleep(2.0)
    os.kill(ranks_of(started.pid)[1], signal.SIGTERM)
    told, errors = started.communicate(timeout=60)
    assert started.returncode == 128 + signal.SIGTERM, told + errors
    assert (run / "model.misstep").exists()
    assert any((run / "checkpoints").glob("*.misstep"))


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
