"""Digits, clothes, small color images, cats and dogs: what `misstep train` does by default."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.systems.system import DATA, System
from misstep.modeling import Options, train

# A small network of two convolutions in PyTorch, the same parts of the data.
SMALL_CNN = "PyTorch, small CNN, {} epochs: accuracy {}"


def _run(
    path: str, seed: int, threads: int | None, epochs: int | None = None
) -> Mapping[str, float]:
    options = Options(seed=seed, threads=threads, epochs=epochs, patience=epochs)
    scores = train(DATA / path, options).scores
    return scores["test"] | {
        f"{name} accuracy": scores[name]["accuracy"] for name in ("linear", "baseline")
    }


SYSTEMS = (
    System(
        "mnist-3-epochs",
        lambda seed, threads: _run("mnist", seed, threads, 3),
        {"accuracy": 0.990},
        beside=SMALL_CNN.format(2, "0.985 in 77 s"),
    ),
    System(
        "mnist",
        lambda seed, threads: _run("mnist", seed, threads),
        {"accuracy": 0.993},
        beside=SMALL_CNN.format(2, "0.985 in 77 s"),
    ),
    System(
        "fashion-mnist",
        lambda seed, threads: _run("fashion_mnist", seed, threads),
        {"accuracy": 0.920},
        beside=SMALL_CNN.format(2, "0.910"),
    ),
    System(
        "cifar10",
        lambda seed, threads: _run("cifar10_jpeg_30k.npz", seed, threads),
        {"accuracy": 0.72},
        minutes=10,
        beside=SMALL_CNN.format(3, "0.578"),
    ),
    System(
        "cats-dogs",
        lambda seed, threads: _run("cats_dogs_64", seed, threads),
        {"accuracy": 0.80},
        seeds=3,
        beside=SMALL_CNN.format(20, "0.73"),
    ),
)
