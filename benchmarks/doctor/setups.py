"""`Setup`: everything that a training is made of; faults change it, `train` trains it.

Scores have no unit: the share of right answers, or R². They are taken on rows that nobody trains
on and that no fault spoils, so that harm can be measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import misstep as ms
from misstep.nn.losses import Loss
from misstep.optim import Clipping, ConstantRate, Optimizer, Regularizer, Schedule
from misstep.train import Run

Array = npt.NDArray[Any]
# R² of predictions that are worse than the mean says little more by being lower.
LEAST_SCORE = -1.0
# How long the validation loss is averaged before its lowest point is sought, in epochs.
TURN_WINDOW = 3


@dataclass(frozen=True)
class Part:
    """Rows: x (rows, …) and y, as the loss wants it."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Setup:
    """A training, before it is done.

    `steady`: SGD with momentum at a rate that does well here, for what Adam would hide. `test`:
    rows as they will come in practice. `first_numbers`: changes a parameter's first numbers, given
    its name and a generator; None leaves them. `practiced`: the training that the weights come
    from, None where they are drawn. `validating`: whether validation rows are given to `fit`.
    """

    layers: tuple[ms.Module, ...]
    loss: Loss
    optimizer: Optimizer
    steady: Optimizer
    train: Part
    validation: Part
    test: Part
    epochs: int
    batch_size: int | str = 32
    schedule: Schedule = field(default_factory=ConstantRate)
    clipping: tuple[Clipping, ...] = ()
    regularizers: tuple[Regularizer, ...] = ()
    shuffle: bool = True
    first_numbers: Callable[[str, Array, np.random.Generator], Array] | None = None
    practiced: Setup | None = None
    validating: bool = True

    @property
    def is_classification(self) -> bool:
        """Return whether the answers are classes."""
        return not isinstance(self.loss, ms.SquaredError)

    def with_parts(self, change: Callable[[Part], Part], test: bool = True) -> Setup:
        """Return this setup with its rows changed; those of the test only where `test` says so."""
        changed = replace(self, train=change(self.train), validation=change(self.validation))
        return replace(changed, test=change(self.test)) if test else changed


@dataclass(frozen=True)
class Outcome:
    """What came of a training. `score`: on the test rows; `claimed`: on the validation rows.

    `turn`: by how much the validation loss rose again above its lowest, as a share of how far that
    was below the loss of guessing; 0 where it never turned up. `failed`: whether the loss was no
    longer a number; the score is then that of guessing.
    """

    score: float
    claimed: float
    turn: float
    failed: bool


def make_trainer(setup: Setup, seed: int) -> ms.Trainer:
    """Return the Trainer of a setup, its first numbers changed where the setup says so."""
    if setup.practiced is not None:
        before = make_trainer(setup.practiced, seed)
        before.fit(setup.practiced.train.x, setup.practiced.train.y, epochs=setup.practiced.epochs)
        network = before.network
    else:
        module = ms.Sequential(*setup.layers)
        network = ms.Network(module, setup.train.x.shape[1:], seed=seed)
    if setup.first_numbers is not None:
        random = np.random.default_rng(seed)
        flat = network.parameters
        for slice_ in network.parameter_slices:
            part = flat[slice_.start : slice_.stop]
            name = slice_.specification.name
            shaped = part.reshape(slice_.specification.shape)
            part[:] = np.asarray(setup.first_numbers(name, shaped, random)).reshape(-1)
    return ms.Trainer(
        network,
        loss=setup.loss,
        optimizer=setup.optimizer,
        schedule=setup.schedule,
        clipping=setup.clipping,
        regularizers=setup.regularizers,
        batch_size=setup.batch_size,
        shuffle=setup.shuffle,
        seed=seed,
        threads=1,
    )


def train(setup: Setup, seed: int, folder: Path | None = None) -> Outcome:
    """Train a setup; with `folder`, its record is written there."""
    trainer = make_trainer(setup, seed)
    validation = (setup.validation.x, setup.validation.y) if setup.validating else None
    run = trainer.fit(
        setup.train.x,
        setup.train.y,
        epochs=setup.epochs,
        validation=validation,
        folder=folder,
        watch=folder is not None,
        # One checkpoint, at the end: it is the record that is wanted.
        checkpoint_every=None if folder is None else 10**9,
    )
    return Outcome(
        score=_score(trainer, setup.test, run),
        claimed=_score(trainer, setup.validation, run),
        turn=_turn(run, setup.validation),
        failed=run.failed,
    )


def _score(trainer: ms.Trainer, part: Part, run: Run) -> float:
    if run.failed:
        return _guessing(trainer, part)
    predicted = trainer.predict(part.x)
    return score(predicted, part.y, not isinstance(trainer.loss, ms.SquaredError))


def _guessing(trainer: ms.Trainer, part: Part) -> float:
    if isinstance(trainer.loss, ms.SquaredError):
        return 0.0
    _, counts = np.unique(part.y, return_counts=True)
    return float(counts.max() / counts.sum())


def score(predicted: Array, y: Array, is_classification: bool) -> float:
    """Return the share of right classes, or R² (LEAST_SCORE at least)."""
    if not is_classification:
        error = float(np.mean((predicted.astype("float64") - y) ** 2))
        r2 = 1.0 - error / float(np.mean((y - y.mean(axis=0)) ** 2))
        return max(r2, LEAST_SCORE) if math.isfinite(r2) else LEAST_SCORE
    if y.ndim > 1:
        return float(np.mean((predicted > 0.5) == (y > 0.5)))
    return float(np.mean(np.argmax(predicted, axis=1) == y))


def _turn(run: Run, part: Part) -> float:
    losses = np.array([values.get("validation_loss", math.nan) for values in run.history])
    if len(losses) < 2 * TURN_WINDOW or not np.isfinite(losses).all():
        return 0.0
    smooth = np.convolve(losses, np.ones(TURN_WINDOW) / TURN_WINDOW, "valid")
    gained = _loss_of_guessing(part.y) - smooth.min()
    return float((smooth[-1] - smooth.min()) / gained) if gained > 0 else 0.0


def _loss_of_guessing(y: Array) -> float:
    """Return the loss of the best constant prediction: an entropy, or a variance."""
    classes, counts = np.unique(y, return_counts=True)
    if y.ndim == 1 or len(classes) == 2:
        shares = counts / counts.sum()
        return float(-np.sum(shares * np.log(shares)))
    return float(np.var(y))
