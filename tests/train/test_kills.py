"""kill -9 at random moments, and going on each time: the bits of never having stopped.

A process of its own forks one child for each life, so that a life costs no start of Python. How
many: MISSTEP_KILLS, few by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIVES = '''
import os, random, shutil, signal, sys, time
import numpy as np
import misstep as ms

kills, place = int(sys.argv[1]), sys.argv[2]
random.seed(11)
numbers = np.random.default_rng(0)
x = numbers.standard_normal((300, 6)).astype("float32")
y = ((x[:, 0] * x[:, 1] > 0) + (x[:, 2] > 0.5)).astype("int64")


def live(folder):
    """Train, or go on with training, in a process of its own; return its number."""
    child = os.fork()
    if child:
        return child
    network = ms.Sequential(
        ms.Dense(16), ms.BatchNorm(), ms.ReLU(), ms.Dropout(0.2), ms.Dense(3)
    )
    trainer = ms.Trainer(
        network, loss=ms.CrossEntropy(), optimizer=ms.Adam(3e-3), schedule=ms.optim.Cosine(),
        batch_size=20, accumulate=2, seed=7, threads=2,
    )
    run = trainer.fit(
        x, y, epochs=150, validation=(x[:40], y[:40]), early_stopping=100, folder=folder,
        checkpoint_every=3, probe_every=50, resume=True,
    )
    with open(folder + ".done", "wb") as file:
        file.write(trainer.network.parameters.tobytes() + trainer.network.buffers.tobytes())
        file.write(np.array([each["training_loss"] for each in run.history]).tobytes())
    os._exit(0)


def whole(folder):
    began = time.monotonic()
    assert os.waitpid(live(folder), 0)[1] == 0
    with open(folder + ".done", "rb") as file:
        return file.read(), time.monotonic() - began


whole(place + "/first")  # makes the object code that the others find
wanted, seconds = whole(place + "/whole")
done = finished = 0
while done < kills or not finished:
    folder = place + "/killed"
    child = live(folder)
    if done < kills:
        # From its first moment on; on average a tenth of the training gets done in a life.
        until = time.monotonic() + random.uniform(0.0, 0.2 * seconds)
        status = None
        while status is None and time.monotonic() < until:
            ended, code = os.waitpid(child, os.WNOHANG)
            status = code if ended else None
            time.sleep(0.0005)
        if status is None:  # only what still runs: its number may soon be another process's
            os.kill(child, signal.SIGKILL)
            done += 1
            os.waitpid(child, 0)
        else:
            assert status == 0
    else:
        assert os.waitpid(child, 0)[1] == 0
    if os.path.exists(folder + ".done"):
        with open(folder + ".done", "rb") as file:
            assert file.read() == wanted, f"other bits after {done} kills"
        finished += 1
        os.remove(folder + ".done")
        shutil.rmtree(folder)
print('{"kills": %d, "finished": %d}' % (done, finished))
'''


def test_kill_and_resume_give_the_same_bits(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    kills = os.environ.get("MISSTEP_KILLS", "10")
    done = subprocess.run(
        [sys.executable, "-c", LIVES, kills, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == int(kills)
    assert told["finished"] >= 1
