"""What a fresh process does that is timed from its start to its end: fit digits, or MNIST.

`python -m benchmarks.fresh TASK NAME FOLDER THREADS ARGUMENTS`. Imports what a person's own script
would import and hardly more; `fresh_runs.py` starts it.
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
# The CNN of the workload cnn-adam; PyTorch's and our own first weights.
CNN_BATCH, CNN_EPOCHS = 64, 2


def fit_ours(
    task: str, x: Any, y: Any, x_test: Any, threads: int, arguments: dict[str, Any]
) -> Any:
    """Train with misstep; return the answers for the test."""
    import misstep as ms

    if task == "cnn":
        from benchmarks.networks.small_cnn import SmallCNN

        layers, batch, epochs = SmallCNN().ours(), CNN_BATCH, CNN_EPOCHS
    else:
        layers = ms.Sequential(ms.Dense(HIDDEN), ms.ReLU(), ms.Dense(10))
        batch, epochs = BATCH, EPOCHS
    trainer = ms.Trainer(
        layers,
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(1e-3),
        batch_size=batch,
        threads=threads,
        **arguments,
    )
    trainer.fit(x, y, epochs=epochs)
    return trainer.predict(x_test).argmax(axis=1)


def fit_torch(x: Any, y: Any, x_test: Any, threads: int) -> Any:
    """Train the CNN with PyTorch, its own first weights; return the answers for the test.

    Rows are gathered by a new random order each epoch, images lie in the memory order that is
    faster here, and the optimizer is the fused one.
    """
    import torch
    from torch import nn

    from benchmarks.networks.torch_parts import FlattenImages

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        FlattenImages(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    rows, targets = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y)
    for _ in range(CNN_EPOCHS):
        for index in torch.randperm(len(rows)).split(CNN_BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(model(rows[index]), targets[index])
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        parts = torch.from_numpy(x_test).permute(0, 3, 1, 2).split(1000)
        return torch.cat([model(part).argmax(1) for part in parts]).numpy()


def fit_scikit_learn(x: Any, y: Any, x_test: Any) -> Any:
    """Train with scikit-learn; return the answers for the test."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    network = MLPClassifier(
        (HIDDEN,), alpha=0.0, batch_size=BATCH, max_iter=EPOCHS, n_iter_no_change=EPOCHS
    )
    return network.fit(x, y).predict(x_test)


def main(task: str, name: str, folder: Path, threads: int, arguments: dict[str, Any]) -> None:
    """Train and tell how well."""
    machine.hold_to_cores(threads)
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    x_test, y_test = np.load(folder / "x_test.npy"), np.load(folder / "y_test.npy")
    if name == "ours":
        answers = fit_ours(task, x, y, x_test, threads, arguments)
    elif name == "torch":
        answers = fit_torch(x, y, x_test, threads)
    else:
        answers = fit_scikit_learn(x, y, x_test)
    facts = {"accuracy": float((answers == y_test).mean()), "peak": machine.peak_memory()}
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3], Path(sys.argv[3]), int(sys.argv[4]), json.loads(sys.argv[5]))
