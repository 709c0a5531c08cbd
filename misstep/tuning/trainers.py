"""`tune_trainer`: a search over the settings of a trainer that somebody put together.

Knows trainers and arrays; no tables.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Rows, split_rows
from misstep.errors import ArgumentError, DataError, ShapeError
from misstep.modeling import Options
from misstep.modeling.hyperparameters import (
    Choice,
    Domain,
    Hyperparameter,
    Integers,
    Reals,
    refuse_unknown,
)
from misstep.modeling.modalities import Setup
from misstep.optim import Optimizer
from misstep.train import EarlyStopping, Trainer
from misstep.train.digest import rows_digest
from misstep.tuning.problem import Candidate, Fold, Judge, Problem, digest_of
from misstep.tuning.result import TrialResult, Tuning
from misstep.tuning.space import read_space
from misstep.tuning.study import TRIALS, search_problem

__all__ = ["TrainerProblem", "tune_trainer"]

# How far from a trainer's own rate is searched, as a factor, and which batches are tried.
RATE_APART = 10.0
SMALLEST_BATCH, LARGEST_BATCH = 8, 512
LEAST_DECAY, MOST_DECAY = 1e-5, 1e-1
# The share of rows to validate on where none are given.
VALIDATION_SHARE = 0.1
EPOCHS, PATIENCE = 10, 10
# Other seeds that the best are compared under where the validation rows are a person's own.
SEEDS = 3

TrainerOf = Callable[[Mapping[str, Any]], Trainer]


class TrainerProblem(Problem):
    """A trainer, or a function that makes one of hyperparameters; rows, and how long it trains.

    `drawn`: whether the validation rows were drawn from among all, so that others can be too.
    """

    def __init__(
        self,
        trainer: Trainer | TrainerOf,
        x: Any,
        y: Any,
        *,
        validation: tuple[Any, ...],
        sample_weight: Any = None,
        epochs: int = EPOCHS,
        early_stopping: EarlyStopping | int | None = PATIENCE,
        space: Mapping[str, Domain] | None = None,
        seed: int = 0,
        threads: int | None = None,
        drawn: bool = False,
    ) -> None:
        self.drawn = drawn
        self.trainer, self.epochs, self.patience = trainer, epochs, early_stopping
        self.rows = (x, y, sample_weight)
        self.validation = validation
        self.given = space
        self.options = Options(seed=seed)
        self.name = "trainer"
        self.threads = threads
        self._judged = self._trainer({}).loss

    def _known(self) -> dict[str, tuple[Domain, Any]]:
        """Return what can be set, with its domain and the trainer's own value."""
        trainer = self.trainer
        if not isinstance(trainer, Trainer):
            return {name: (each, middle_of(each)) for name, each in (self.given or {}).items()}
        rate = float(trainer.optimizer.learning_rate)
        known: dict[str, tuple[Domain, Any]] = {}
        if rate > 0:
            known["learning_rate"] = (Reals(rate / RATE_APART, rate * RATE_APART, log=True), rate)
        decay = getattr(trainer.optimizer, "weight_decay", None)
        # Where none is there, a share of 0 has no decade to search.
        if decay:
            known["weight_decay"] = (Reals(LEAST_DECAY, MOST_DECAY, log=True), float(decay))
        if isinstance(trainer.batch_size, int):
            most = min(LARGEST_BATCH, max(len(np.asarray(self.rows[0])) // 2, SMALLEST_BATCH))
            known["batch_size"] = (Integers(SMALLEST_BATCH, most, log=True), trainer.batch_size)
        return known

    def space_at(self, values: Mapping[str, Any]) -> dict[str, Hyperparameter]:
        """Return what can be set."""
        space = {
            name: Hyperparameter(name, domain, own, values.get(name, own))
            for name, (domain, own) in self._known().items()
        }
        refuse_unknown(values, space)
        for one in space.values():
            one.check()
        return space

    def candidate(self, values: Mapping[str, Any], *, seed: int | None = None) -> Candidate:
        """Return the training with these values."""
        trainer = self._trainer(values, seed)
        x, y, weights = self.rows
        # Each training counts for itself.
        stopping = copy.copy(self.patience)
        if isinstance(stopping, int):
            stopping = EarlyStopping(stopping)
        judge = None
        if trainer.loss != self._judged:
            judge = Judge(self._judged, *self.validation)
        asked = {name: one.value for name, one in self.space_at(values).items()}
        return Candidate(
            Setup(trainer, x, y, weights, self.validation), self.epochs, stopping, asked, judge
        )

    def _trainer(self, values: Mapping[str, Any], seed: int | None = None) -> Trainer:
        trainer = self.trainer
        settings: dict[str, Any] = {} if seed is None else {"seed": seed}
        if self.threads is not None:
            settings["threads"] = self.threads
        if not isinstance(trainer, Trainer):
            made = trainer({name: one.value for name, one in self.space_at(values).items()})
            if not isinstance(made, Trainer):
                raise ArgumentError(
                    "the function that makes a trainer", needed="a ms.Trainer", got=repr(made)
                )
            return made.variant(**settings) if settings else made
        optimizer = {
            name: values[name] for name in ("learning_rate", "weight_decay") if name in values
        }
        if optimizer:
            settings["optimizer"] = _with(trainer.optimizer, **optimizer)
        if "batch_size" in values:
            settings["batch_size"] = values["batch_size"]
        return trainer.variant(**settings)

    @property
    def judged_rows(self) -> int:
        """Return the validation rows."""
        return len(np.asarray(self.validation[0]))

    def fold(self, number: int) -> Fold | None:
        """Return the same with validation rows drawn anew; a person's own with another seed."""
        seed = (self.options.seed + number) % 2**32
        if not self.drawn:
            return None if number > SEEDS else Fold(self, np.arange(self.judged_rows), seed)
        # Rows that the search was judged by are learned from.
        try:
            learned, validation, names = split_off(*self.rows, seed=seed)
        except DataError:
            # One row is left.
            return None
        both = zip(learned, (*self.validation, None), strict=False)
        rows = [None if one is None else np.concatenate([one, more]) for one, more in both]
        other = copy.copy(self)
        other.rows, other.validation = (rows[0], rows[1], rows[2]), validation
        return Fold(other, names, seed)

    def with_threads(self, threads: int) -> TrainerProblem:
        """Return the same with so many threads."""
        other = copy.copy(self)
        other.threads = threads
        return other

    @property
    def identity(self) -> str:
        """Return a digest of rows and trainer."""
        rows = [
            rows_digest(Rows(*(np.asarray(each) for each in some if each is not None)))
            for some in (self.rows, self.validation)
        ]
        what = repr(self.trainer) if isinstance(self.trainer, Trainer) else self.trainer.__name__
        return digest_of([*rows, what, self.epochs, repr(self.patience), self.options.seed])


def tune_trainer(
    trainer: Trainer | TrainerOf,
    x: Any,
    y: Any,
    *,
    validation: tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    epochs: int = EPOCHS,
    early_stopping: EarlyStopping | int | None = PATIENCE,
    space: Mapping[str, Any] | None = None,
    trials: int = TRIALS,
    minutes: float | None = None,
    storage: str | None = None,
    name: str | None = None,
    sampler: Any = "tpe",
    pruner: Any = "median",
    folder: Path | str | None = None,
    seed: int = 0,
    on_trial: Callable[[TrialResult], None] | None = None,
) -> Tuning:
    """Search for settings of a trainer that do better on validation rows than its own.

    `trainer`: one that stays as it is, of which learning_rate, batch_size and, where it has some,
    weight_decay are searched; or a function that makes one of a dictionary of hyperparameters by
    name, for any `space`: its trial 0 has the middle of each range and the first of each list.
    x: (rows, …); y: (rows, …) as the loss wants it. `validation`: (x, y) or (x, y, weights); None:
    a tenth of the rows, drawn at random. `epochs`, `early_stopping`, `sample_weight`: as for
    `Trainer.fit`. The rest as for `tune`. Returns a `Tuning` whose `trainer` has the settings of
    the best trial, and has learned nothing. Raises what `tune` and `Trainer.fit` raise.

    >>> import misstep as ms
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.Adam(1e-4))
    >>> tuning = tune_trainer(trainer, x, 2 * x, epochs=5, trials=4)
    >>> tuning.best.validation_loss <= tuning.default.validation_loss
    True
    """
    rows = (
        np.asarray(x),
        np.asarray(y),
        None if sample_weight is None else np.asarray(sample_weight),
    )
    for called, some in (("y", rows[1]), ("sample_weight", rows[2])):
        if some is not None and some.shape[:1] != rows[0].shape[:1]:
            raise ShapeError(
                called,
                needed=f"as many rows as x, of shape {rows[0].shape}",
                got=f"shape {some.shape}",
            )
    drawn = validation is None
    if validation is None:
        rows, validation, _ = split_off(*rows, seed=seed % 2**32)
    asked = read_space(space)
    if not isinstance(trainer, Trainer) and asked is None:
        raise ArgumentError(
            "the space",
            needed="one, for a function that makes a trainer",
            got="none",
            try_='space={"units": [16, 32, 64]}',
        )
    problem = TrainerProblem(
        trainer,
        rows[0],
        rows[1],
        validation=validation,
        sample_weight=rows[2],
        drawn=drawn,
        epochs=epochs,
        early_stopping=early_stopping,
        space=asked,
        seed=seed,
    )
    tuning = search_problem(
        problem,
        trials=trials,
        minutes=minutes,
        storage=storage,
        name=name,
        sampler=sampler,
        pruner=pruner,
        space=asked,
        folder=folder,
        on_trial=on_trial,
    )
    best = tuning.options.hyperparameters or {}
    return dataclasses.replace(tuning, trainer=problem.candidate(best).trainer)


def split_off(
    x: Any, y: Any, weights: Any, *, seed: int
) -> tuple[tuple[Any, Any, Any], tuple[Any, ...], Any]:
    """Return x, y and weights to learn from, the same to validate on, and the latters' numbers."""
    split = split_rows(len(x), None, VALIDATION_SHARE, 0.0, seed)
    learned = [None if each is None else each[split.train] for each in (x, y, weights)]
    judged = [each[split.validation] for each in (x, y, weights) if each is not None]
    return (learned[0], learned[1], learned[2]), tuple(judged), split.validation


def middle_of(domain: Domain) -> Any:
    """Return the middle of a range, or of its logarithm; the first of a list."""
    if isinstance(domain, Choice):
        return domain.values[0]
    assert isinstance(domain, Reals | Integers)
    low, high = float(domain.low), float(domain.high)
    middle = (low * high) ** 0.5 if domain.log else (low + high) / 2
    return round(middle) if isinstance(domain, Integers) else middle


def _with(optimizer: Optimizer, **settings: Any) -> Optimizer:
    """Return an optimizer with other settings. Raises ArgumentError for those it can't have."""
    changed: Optimizer = dataclasses.replace(optimizer, **settings)  # type: ignore[type-var]
    return changed
