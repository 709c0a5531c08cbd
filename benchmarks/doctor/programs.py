"""The six base programs, healthy as they stand. Rules are tuned on four, and scored on two.

Data are drawn or come with scikit-learn; each seed has rows, first weights and order of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification, make_friedman1

import misstep as ms
from benchmarks.doctor.setups import Array, Part, Setup

# Rules must never have been fitted to what these show.
HELD_OUT = ("cnn", "lstm")
# Random numbers of different programs differ.
_SEEDS = {"spiral": 1, "table": 2, "friedman": 3, "digits": 4, "cnn": 5, "lstm": 6}
TRAIN, VALIDATION, TEST = 1024, 256, 512


def _random(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([_SEEDS[name], seed])


def _parts(x: Array, y: Array) -> dict[str, Part]:
    cuts = (TRAIN, TRAIN + VALIDATION)
    rows = zip(np.split(x.astype("float32"), cuts), np.split(y, cuts), strict=True)
    return {
        name: Part(np.ascontiguousarray(inputs), np.ascontiguousarray(answers))
        for name, (inputs, answers) in zip(("train", "validation", "test"), rows, strict=True)
    }


def _column(y: Array) -> Array:
    return y.reshape(-1, 1).astype("float32")


def spiral(seed: int) -> Setup:
    """Two spirals in the plane, told apart by a network of two hidden layers with one output."""
    random = _random("spiral", seed)
    rows = TRAIN + VALIDATION + TEST
    kinds = random.integers(0, 2, rows)
    along = random.uniform(0.3, 1.0, rows)
    angle = along * 3.1 * np.pi + np.pi * kinds
    x = 2.0 * np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1)
    x += random.normal(0.0, 0.1, x.shape)
    return Setup(
        layers=(ms.Dense(24), ms.Tanh(), ms.Dense(24), ms.Tanh(), ms.Dense(1)),
        loss=ms.BinaryCrossEntropy(),
        optimizer=ms.Adam(0.01),
        steady=ms.SGD(0.1, momentum=0.9),
        epochs=60,
        **_parts(x, _column(kinds)),
    )


@cache
def _table() -> tuple[Array, Array]:
    x, y = make_classification(
        8000,
        12,
        n_informative=6,
        n_redundant=2,
        n_classes=3,
        n_clusters_per_class=2,
        class_sep=1.3,
        random_state=3,
    )
    return (x - x.mean(axis=0)) / x.std(axis=0), y.astype("int64")


def table(seed: int) -> Setup:
    """A table of twelve standardized columns, four of which say nothing, and three classes."""
    x, y = _table()
    rows = _random("table", seed).permutation(len(x))[: TRAIN + VALIDATION + TEST]
    return Setup(
        layers=(ms.Dense(24), ms.ReLU(), ms.Dense(16), ms.ReLU(), ms.Dense(3)),
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(0.003),
        steady=ms.SGD(0.03, momentum=0.9),
        epochs=24,
        **_parts(x[rows], y[rows]),
    )


def friedman(seed: int) -> Setup:
    """Friedman's curved surface over ten columns, five of which count, with noise; numbers."""
    rows = TRAIN + VALIDATION + TEST
    x, y = make_friedman1(
        rows, 10, noise=1.0, random_state=np.random.RandomState([_SEEDS["friedman"], seed])
    )
    # Columns are uniform from 0 to 1; mean and deviation of the answers are those of many rows.
    return Setup(
        layers=(ms.Dense(24), ms.ReLU(), ms.Dense(16), ms.ReLU(), ms.Dense(1)),
        loss=ms.SquaredError(),
        optimizer=ms.Adam(0.01),
        steady=ms.SGD(0.01, momentum=0.9),
        epochs=30,
        **_parts((x - 0.5) * np.sqrt(12.0), _column((y - 14.4) / 5.0)),
    )


@cache
def _images() -> tuple[Array, Array]:
    found: tuple[Array, Array] = load_digits(return_X_y=True)
    return found


def _digits(name: str, seed: int) -> tuple[Array, Array]:
    pixels, classes = _images()
    rows = _random(name, seed).permutation(len(pixels))[: TRAIN + VALIDATION + TEST]
    return pixels[rows] / 16.0, classes[rows].astype("int64")


def digits(seed: int) -> Setup:
    """Handwritten digits, 64 pixels from 0 to 1 in a row, by a network of two hidden layers."""
    return Setup(
        layers=(ms.Dense(32), ms.ReLU(), ms.Dense(32), ms.ReLU(), ms.Dense(10)),
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(0.003),
        steady=ms.SGD(0.03, momentum=0.9),
        epochs=15,
        **_parts(*_digits("digits", seed)),
    )


def cnn(seed: int) -> Setup:
    """The same digits as images of 8 × 8, by a network of two convolutions."""
    x, y = _digits("cnn", seed)
    return Setup(
        layers=(
            *(ms.Conv2D(8, 3, padding="same"), ms.ReLU(), ms.MaxPool2D(2)),
            *(ms.Conv2D(16, 3, padding="same"), ms.ReLU(), ms.Flatten(), ms.Dense(10)),
        ),
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(0.005),
        steady=ms.SGD(0.03, momentum=0.9),
        epochs=10,
        **_parts(x.reshape(-1, 8, 8, 1), y),
    )


def lstm(seed: int) -> Setup:
    """Eight steps of a number and a mark: the sum of the two marked numbers, by an LSTM."""
    random = _random("lstm", seed)
    rows, steps = TRAIN + VALIDATION + TEST, 8
    numbers = random.uniform(-1.0, 1.0, (rows, steps))
    marks = np.zeros((rows, steps))
    every = np.arange(rows)
    places = random.integers(0, steps // 2, rows), random.integers(steps // 2, steps, rows)
    for place in places:
        marks[every, place] = 1.0
    y = sum(numbers[every, place] for place in places) + random.normal(0.0, 0.1, rows)
    return Setup(
        layers=(ms.LSTM(12), ms.Dense(12), ms.ReLU(), ms.Dense(1)),
        loss=ms.SquaredError(),
        optimizer=ms.Adam(0.01),
        steady=ms.SGD(0.05, momentum=0.9),
        epochs=14,
        **_parts(np.stack([numbers, marks], axis=2), _column(np.asarray(y) * np.sqrt(1.5))),
    )


PROGRAMS: dict[str, Callable[[int], Setup]] = {
    "spiral": spiral,
    "table": table,
    "friedman": friedman,
    "digits": digits,
    "cnn": cnn,
    "lstm": lstm,
}
TUNED: tuple[str, ...] = tuple(name for name in PROGRAMS if name not in HELD_OUT)


def program_names(which: str) -> tuple[str, ...]:
    """Return the programs of "tune", "held-out" or "all"."""
    known: dict[str, Any] = {"tune": TUNED, "held-out": HELD_OUT, "all": tuple(PROGRAMS)}
    names: tuple[str, ...] = known[which]
    return names
