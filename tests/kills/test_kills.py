"""kill -9 at a hundred moments, and going on each time: nothing lost, the bits of never stopping.

A process of its own forks one child for each life, so that a life costs no start of Python. How
many: MISSTEP_KILLS; `python -m tests.kills` does all of it, for every work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Works whose lives are short, of both faces, which have most of what a training can go on from.
WORKS = ("perceptron", "train")
# Of a hundred kills, so many meet the first one; a life of the command line costs four times more.
OF_FIRST = 90


def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    kills = int(os.environ.get("MISSTEP_KILLS", "100"))
    # Of each of two kinds.
    counts = [-(-kills * share // 200) for share in (OF_FIRST, 100 - OF_FIRST)]
    works = ",".join(f"{name}={count}" for name, count in zip(WORKS, counts, strict=True))
    words = f"--works {works} --kinds clock,chain --seed 11 --stride 17 --json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.kills", *words.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] >= kills
    for work in told["works"].values():
        assert work["finished"] >= 2
