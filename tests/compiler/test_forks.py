"""A process that forks while a program runs: the child runs it too, and gets the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FORKS = """
import os, threading, warnings
warnings.simplefilter("ignore")  # of forking with threads
import numpy as np
from misstep.compiler import NativeProgram, Roles
from misstep.ir import Graph, make_input

x = make_input("x", (64,))
program = NativeProgram(Graph({"y": x * 1.5 + 0.25}), Roles(states={"y": "x"}))

def run(steps):
    numbers = np.ones(64, np.float32)
    program.run({"x": numbers}, steps)
    return numbers.tobytes()

wanted, going = run(3), True

def work():
    while going:
        run(2_000_000)

thread = threading.Thread(target=work)
thread.start()
codes = []
for _ in range(5):
    while not program._lock.locked():
        pass
    child = os.fork()
    if child == 0:
        os._exit(0 if run(3) == wanted else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
going = False
thread.join()
print(codes)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_runs_what_another_thread_was_running() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[0, 0, 0, 0, 0]"
