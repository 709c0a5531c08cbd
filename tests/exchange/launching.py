"""Starts trainings under a launcher of MPI, for tests; skips them where there is none."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
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
