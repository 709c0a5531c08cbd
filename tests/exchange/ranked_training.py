"""A training that is started by a launcher of MPI in tests: what it learned, as one line of JSON.

Arguments: settings as JSON. `kind`: of network; `folder`: of the run, which goes on where it was
left; `signals`: whether one that asks to end does as Ctrl-C; `odd`: a rank that does something
else, and `what`: rows, epochs, or fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import sys
from typing import Any

import numpy as np

import misstep as ms
from misstep.cli.termination import signals_interrupt
from misstep.exchange import world

NETWORKS: dict[str, Any] = {
    "mlp": lambda: (ms.Sequential(ms.Dense(6), ms.Tanh(), ms.Dropout(0.3), ms.Dense(3)), (4,)),
    "cnn": lambda: (
        ms.Sequential(*(ms.Conv2D(2, 3), ms.BatchNorm(), ms.ReLU()), *(ms.Flatten(), ms.Dense(3))),
        (5, 5, 1),
    ),
    "lstm": lambda: (ms.Sequential(ms.LSTM(4), ms.Dense(3)), (4, 2)),
}


def learned(settings: dict[str, Any]) -> dict[str, Any]:
    """Train; return a digest of all weights, and the last loss."""
    ranks = world()
    odd = settings.get("odd") == ranks.rank
    network, shape = NETWORKS[settings.get("kind", "mlp")]()
    random = np.random.default_rng(1)
    x = random.normal(size=(43, *shape)).astype("float32")
    y = random.integers(0, 3, 43)
    if odd and settings["what"] == "rows":
        x[7] += 1.0
    if odd and settings["what"] == "fails":
        raise ValueError("this rank has no luck")
    trainer = ms.Trainer(
        network,
        loss=ms.CrossEntropy(),
        batch_size=12,
        seed=3,
        clipping=ms.optim.ClipNorm(1.0),
        threads=settings.get("threads", 1),
        compiling=settings.get("compiling", False),
        shards=settings.get("shards", 8),
    )
    with signals_interrupt() if "signals" in settings else contextlib.nullcontext():
        run = trainer.fit(
            x,
            y,
            epochs=settings.get("epochs", 2) + (odd and settings["what"] == "epochs"),
            validation=(x[:29], y[:29]),
            early_stopping=settings.get("patience"),
            folder=settings.get("folder"),
            resume="folder" in settings,
            checkpoint_every=settings.get("checkpoint_every"),
            report=False,
        )
    more: dict[str, Any] = {}
    if "hosts" in settings:
        more["hosts"] = ranks.gathered(socket.gethostname())
    if "signals" in settings:
        more["updates"] = ranks.gathered(run.updates)
    weights = trainer.network.parameters.tobytes() + trainer.network.buffers.tobytes()
    return {
        "weights": hashlib.sha256(weights).hexdigest(),
        "loss": run.losses[-1],
        "judged": [values["validation_loss"] for values in run.history[-2:]],
        "ranks": ranks.size,
        "ending": str(run.ending),
        **more,
    }


if __name__ == "__main__":
    told = learned(json.loads(sys.argv[1]))
    if world().is_first:
        print(json.dumps(told), flush=True)
