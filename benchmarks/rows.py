"""The rows of a workload: real ones where their folder is found, else random ones of that shape.

MNIST's come from the folder that BENCH_MNIST names or `shared/data/mnist` beside the repository,
CIFAR-10's from the file that BENCH_CIFAR names or `shared/data` there. Random targets can be
learned, so that losses fall and a wrong step shows.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Workload

Array = NDArray[Any]

SEED = 7
ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
CIFAR = "cifar10_lossless_4k.npz"


def make_rows(workload: Workload) -> tuple[Array, Array, str]:
    """Return x, y and where they come from."""
    random = np.random.default_rng(SEED)
    if workload.network is None:
        side = workload.side
        factors = random.normal(size=(2, side, side)).astype(workload.dtype)
        return factors[0].copy(), factors[1].copy(), "random"
    if workload.data == "words":
        return *_words(workload, random), "random"
    images = {"mnist": _mnist, "cifar": _cifar}.get(workload.data, lambda: None)()
    if images is not None:
        x, y = images
        places = np.arange(workload.rows) % len(x)
        flat = x.reshape(len(x), -1)[places].astype(workload.dtype)
        x = (flat / np.asarray(255, workload.dtype)).reshape(-1, *workload.network.input_shape)
        return x, y[places].astype("int64"), workload.data
    rows, shape, outputs = workload.rows, workload.network.input_shape, workload.network.outputs
    inputs = math.prod(shape)
    x = random.normal(size=(rows, inputs)).astype(workload.dtype)
    signal = np.tanh(x @ random.normal(size=(inputs, outputs)) / np.sqrt(inputs)) * 2
    x = x.reshape(rows, *shape)
    if workload.loss == "squared-error":
        return x, signal.astype(workload.dtype), "random"
    return x, signal.argmax(axis=1).astype("int64"), "random"


def _words(workload: Workload, random: np.random.Generator) -> tuple[Array, Array]:
    """Return words as often as texts have them, by Zipf's law, and a class that they decide."""
    vocabulary = workload.network.vocabulary  # type: ignore[union-attr]
    shares = 1.0 / np.arange(1, vocabulary + 1)
    shape = (workload.rows, *workload.network.input_shape)  # type: ignore[union-attr]
    x = random.choice(vocabulary, size=shape, p=shares / shares.sum()).astype("int32")
    mood = random.normal(size=vocabulary)
    found = mood[x].sum(axis=1)
    return x, (found > np.median(found)).astype("int64")


def _mnist() -> tuple[Array, Array] | None:
    folder = mnist_folder()
    if folder is None:
        return None
    from misstep.data import read_images

    images = read_images(folder)
    return images.train_images, images.train_labels


def _cifar() -> tuple[Array, Array] | None:
    named = os.environ.get("BENCH_CIFAR")
    path = Path(named) if named else DATA / CIFAR
    if not path.is_file():
        return None
    with np.load(path) as found:
        return found["x"], found["y"]


def mnist_folder() -> Path | None:
    """Return the folder with MNIST's files, if there is one."""
    named = os.environ.get("BENCH_MNIST")
    folder = Path(named) if named else DATA / "mnist"
    return folder if folder.is_dir() else None
