"""What a fresh process does that is timed from its start to its end: fit a network on digits.

`python -m benchmarks.fresh NAME FOLDER THREADS ARGUMENTS`. Imports what a person's own script would
import and hardly more; `digits.py` starts it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine

# scikit-learn's own default of 100 hidden units; as many epochs as digits need to be learned.
HIDDEN, BATCH, EPOCHS = 100, 32, 30


def fit_ours(x: Any, y: Any, threads: int, arguments: dict[str, Any]) -> Any:
    """Train with misstep; return the predictions."""
    import misstep as ms

    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(HIDDEN), ms.ReLU(), ms.Dense(10)),
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(1e-3),
        batch_size=BATCH,
        threads=threads,
        **arguments,
    )
    trainer.fit(x, y, epochs=EPOCHS)
    return trainer.predict(x).argmax(axis=1)


def fit_scikit_learn(x: Any, y: Any) -> Any:
    """Train with scikit-learn; return the predictions."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    network = MLPClassifier(
        (HIDDEN,), alpha=0.0, batch_size=BATCH, max_iter=EPOCHS, n_iter_no_change=EPOCHS
    )
    return network.fit(x, y).predict(x)


def main(name: str, folder: Path, threads: int, arguments: dict[str, Any]) -> None:
    """Train and tell how well."""
    machine.hold_to_cores(threads)
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    if name == "ours":
        answers = fit_ours(x, y, threads, arguments)
    else:
        answers = fit_scikit_learn(x, y)
    facts = {"accuracy": float((answers == y).mean()), "peak": machine.peak_memory()}
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
