"""Recorded sequences: movements of a wrist, and people who walk between rooms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.systems.system import DATA, System, split
from misstep.data import sequences_from_arrays
from misstep.data.io.npz import read_arrays
from misstep.modeling import FitResult, Options, train

MOTIONS, MOVEMENT = "sequence/basic_motions.npz", "sequence/indoor_movement.npz"


def _scores(trained: FitResult) -> Mapping[str, float]:
    test, linear = trained.scores["test"], trained.scores["linear"]
    return {"accuracy": test["accuracy"], "linear accuracy": linear["accuracy"]}


def _motions(seed: int, threads: int | None) -> Mapping[str, float]:
    sequences = sequences_from_arrays(read_arrays(DATA / MOTIONS), MOTIONS)
    return _scores(train(sequences, Options(seed=seed, threads=threads)))


def _movement(seed: int, threads: int | None) -> Mapping[str, float]:
    sequences = sequences_from_arrays(read_arrays(DATA / MOVEMENT), MOVEMENT)
    learn, test = (np.asarray(rows) for rows in split(MOVEMENT, len(sequences)))
    trained = train(
        sequences.take(learn), Options(test=sequences.take(test), seed=seed, threads=threads)
    )
    return _scores(trained)


SYSTEMS = (
    System(
        "motions",
        _motions,
        {"accuracy": 0.975},
        seeds=3,
        minutes=1.0,
        beside="logistic regression on summaries 0.975, LSTM 0.80",
    ),
    System(
        "movement",
        _movement,
        {"accuracy": 0.90},
        seeds=3,
        minutes=1.0,
        beside="logistic regression on summaries 0.905, LSTM 0.889",
    ),
)
