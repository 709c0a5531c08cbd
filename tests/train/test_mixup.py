"""Mixup: what becomes of a batch and its loss, and the distribution of the shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from misstep.errors import ArgumentError
from misstep.nn import Dense, Embedding, Flatten, Network, Sequential
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from misstep.ops.randomness import uniform_numbers
from misstep.optim import SGD
from misstep.train import Trainer
from misstep.train.mixup import _STREAM, POINTS, tabulated_shares
from misstep.train.programs import Programs

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    shares = tabulated_shares(alpha)
    assert (np.diff(shares) >= 0).all()
    np.testing.assert_allclose(shares + shares[::-1], 1.0, atol=1e-12)
    fit = stats.kstest(shares, stats.beta(alpha, alpha).cdf)
    assert fit.statistic <= 1 / POINTS


@pytest.mark.parametrize(
    "loss",
    [
        SquaredError(),
        CrossEntropy(),
        CrossEntropy(smoothing=0.1),
        CrossEntropy(class_weights=(1.0, 2.0, 0.5)),
        BinaryCrossEntropy(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_is_that_of_the_mixed_rows(loss: Loss, weighted: bool) -> None:
    rows, outputs = 7, 3
    network = Network(Dense(outputs), (4,), dtype="float64", seed=1)
    x = RANDOM.normal(0, 1, (rows, 4))
    y: Any = RANDOM.integers(0, 2, (rows, outputs)).astype("float64")
    if isinstance(loss, CrossEntropy):
        y = RANDOM.integers(0, outputs, rows)
    weights = RANDOM.uniform(0.5, 2, rows) if weighted else None
    program = Programs(network, loss, SGD(0.1), mixup=0.5).step(rows, weighted=weighted)
    feeds = {
        "parameters": network.parameters,
        "x": x,
        "y": y,
        "weights": weights,
        "learning_rate": 0.1,
        "seed": 5,
        "draw": 3,
        "update": 0,
        "optimizer_state": np.zeros((0, 15)),
        "scalars": np.zeros(0),
    }
    found = program.run(feeds)

    shares = tabulated_shares(0.5)[
        (uniform_numbers(np.array(5), np.array(3), _STREAM, (rows,)) * POINTS).astype(int)
    ]
    mixed = shares[:, None] * x + (1 - shares[:, None]) * np.roll(x, -1, axis=0)
    # The same as each row twice, once with either answer, weighing its share.
    both = np.concatenate([mixed, mixed])
    answers = np.concatenate([y, np.roll(y, -1, axis=0)])
    weigh = np.concatenate([shares, 1 - shares]) * np.tile(
        np.ones(rows) if weights is None else weights, 2
    )
    plain = Programs(network, loss, SGD(0.1)).step(2 * rows, weighted=True)
    wanted = plain.run(feeds | {"x": both, "y": answers, "weights": weigh})
    np.testing.assert_allclose(found["loss"], wanted["loss"], rtol=1e-12)
    np.testing.assert_allclose(found["weight"], wanted["weight"], rtol=1e-12)
    np.testing.assert_allclose(found["parameters"], wanted["parameters"], rtol=1e-10)


def test_training_compiles_and_repeats_itself() -> None:
    x, y = RANDOM.normal(0, 1, (50, 4)), RANDOM.integers(0, 3, 50)

    def trained(threads: int, compiling: bool = True) -> np.ndarray:
        trainer = Trainer(
            Dense(3),
            loss=CrossEntropy(),
            batch_size=16,
            mixup=0.3,
            threads=threads,
            seed=2,
            compiling=compiling,
        )
        trainer.fit(x, y, epochs=3)
        assert trainer.backend.startswith("compiled" if compiling else "interpreter")
        return np.array(trainer.network.parameters)

    np.testing.assert_array_equal(trained(1), trained(2))
    np.testing.assert_allclose(trained(1), trained(1, compiling=False), atol=1e-5)


@pytest.mark.parametrize("wrong", [-0.1, 11, "much", None, True, float("nan")])
def test_wrong_strengths(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="mixup"):
        Trainer(Dense(1), loss=SquaredError(), mixup=wrong)


def test_positions_can_not_be_mixed() -> None:
    network = Sequential(Embedding(5, 2), Flatten(), Dense(1))
    trainer = Trainer(network, loss=SquaredError(), mixup=0.2)
    with pytest.raises(ArgumentError, match="positions"):
        trainer.fit([[0, 1], [2, 3]], [[0.0], [1.0]], epochs=1)
