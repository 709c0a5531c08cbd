"""Faults of optimizer, schedule, clipping, batches, epochs and order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.doctor.faults.registry import fault
from benchmarks.doctor.setups import Part, Setup

STAGE = "optimizer"


def _with_rate(setup: Setup, factor: float) -> Setup:
    optimizer: Any = setup.optimizer
    rate = optimizer.learning_rate * factor
    return replace(setup, optimizer=replace(optimizer, learning_rate=rate))


@fault("learning-rate-too-high", (3.0, 10.0, 30.0, 100.0, 300.0), stage=STAGE)
def too_high(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """Adam's rate, so many times."""
    return _with_rate(setup, strength)


@fault("diverging", (3.0, 10.0, 30.0, 100.0, 1000.0), also=["learning-rate-too-high"], stage=STAGE)
def diverging(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """SGD with momentum at so many times a good rate: the loss runs off."""
    return _with_rate(replace(setup, optimizer=setup.steady), strength)


@fault("learning-rate-too-low", (1 / 3, 0.1, 1 / 30, 0.01, 0.001), stage=STAGE)
def too_low(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A part of Adam's rate."""
    return _with_rate(setup, strength)


def _updates(setup: Setup) -> int:
    rows = len(setup.train.x)
    batch = rows if setup.batch_size == "full" else int(setup.batch_size)
    return setup.epochs * -(-rows // batch)


@fault("slow-learning", (1.0, 3.0, 10.0, 30.0, 100.0), also=["learning-rate-too-low"], stage=STAGE)
def slow(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A warm-up so many times as long as the training."""
    steps = max(1, round(strength * _updates(setup)))
    return replace(setup, schedule=ms.optim.WarmUp(steps))


@fault("schedule-ends-early", (0.5, 0.3, 0.1, 0.03), stage="schedule")
def ends_early(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """The rate falls to this part with each tenth of the epochs."""
    return replace(setup, schedule=ms.optim.ExponentialDecay(strength ** (10 / setup.epochs)))


# Of the stage of optimizers, since it takes another one.
@fault("clipped-too-hard", (0.3, 0.1, 0.03, 0.01, 0.001), stage=STAGE)
def clipped(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """SGD with momentum, its gradient clipped to so small a norm."""
    return replace(setup, optimizer=setup.steady, clipping=(ms.optim.ClipNorm(strength),))


@fault("batch-too-large", (64, 128, 256, "full"), stage="batch")
def large_batch(setup: Setup, strength: int | str, random: np.random.Generator) -> Setup:
    """So many rows in a batch, and no more epochs than before."""
    return replace(setup, batch_size=strength)


@fault("wrong-optimizer", (0.03, 0.01, 0.003, 0.001), also=["learning-rate-too-low"], stage=STAGE)
def plain_descent(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """Plain SGD at a common rate instead of Adam."""
    return replace(setup, optimizer=ms.SGD(strength))


@fault("too-few-epochs", (0.5, 0.25, 0.12, 0.0), stage="epochs")
def few_epochs(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A part of the epochs, one at least."""
    return replace(setup, epochs=max(1, round(setup.epochs * strength)))


@fault("unshuffled", (16, 8, 4, 2, 1), stage="order")
def unshuffled(setup: Setup, strength: int, random: np.random.Generator) -> Setup:
    """Rows in the order of their answers within so many stretches, and no shuffling."""
    answers = setup.train.y.reshape(len(setup.train.y), -1)[:, 0]
    stretches = np.array_split(np.arange(len(answers)), strength)
    order = np.concatenate([rows[np.argsort(answers[rows], kind="stable")] for rows in stretches])
    return replace(setup, train=Part(setup.train.x[order], setup.train.y[order]), shuffle=False)
