"""`Problem`: what is searched over, as a search sees it: hyperparameters in, a training out.

One for kinds of data, whose plan asks for its hyperparameters; that of trainers is in
`trainers.py`. Knows trainings; not how hyperparameters are drawn.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from misstep.data import Rows
from misstep.errors import DataError, MisstepError
from misstep.ir import Array
from misstep.modeling import Options
from misstep.modeling.hyperparameters import Hyperparameter
from misstep.modeling.modalities import Modality, Setup
from misstep.modeling.plans import Plan
from misstep.nn.losses import Loss
from misstep.train import EarlyStopping, Trainer
from misstep.train.digest import rows_digest

__all__ = ["Candidate", "Judge", "ModalityProblem", "Problem"]

# More than any data have rows, so that those of one fold are told from those of another.
MOST_ROWS = 2**40
# Options that change no number of a trial, or only where things are kept.
WITHOUT_EFFECT = {"threads", "folder", "resume", "origin", "progress", "test", "minutes"}


@dataclass(frozen=True)
class Judge:
    """What all trials are judged by: a loss, and rows with answers as that loss wants them."""

    loss: Loss
    x: Any
    y: Any
    weights: Any = None


@dataclass(frozen=True)
class Candidate:
    """A training that has not begun, and what it was planned with.

    `setup`: the trainer and its rows; it has validation rows. `hyperparameters`: all that the plan
    asked for. `judge`: where the training's own validation loss is not what trials are judged by.
    `keeps_start`: whether weights that training only made worse are left as they began.
    """

    setup: Setup
    epochs: int
    early_stopping: EarlyStopping | None
    hyperparameters: Mapping[str, Any]
    judge: Judge | None = None
    keeps_start: bool = False

    @property
    def trainer(self) -> Trainer:
        """Return what trains."""
        return self.setup.trainer

    @property
    def restores_best(self) -> bool:
        """Return whether the weights of the best epoch are kept, and not those of the last."""
        return self.early_stopping is not None and self.early_stopping.restore_best


@dataclass(frozen=True)
class Fold:
    """The same problem with other rows set apart to validate on.

    `names`: what tells those rows apart among all, (rows,). `seed`: to train with.
    """

    problem: Problem
    names: Array
    seed: int


class Problem(ABC):
    """What is searched over. `options`: what was asked for. `name`: of the data, for the study."""

    options: Options
    name: str

    @abstractmethod
    def space_at(self, values: Mapping[str, Any]) -> dict[str, Hyperparameter]:
        """Return all hyperparameters that a training with these values asks for, in their order.

        Raises ArgumentError for values that can't be.
        """

    @abstractmethod
    def candidate(self, values: Mapping[str, Any], *, seed: int | None = None) -> Candidate:
        """Return the training with these values. `seed`: another one than the options have.

        Raises ArgumentError or ShapeError for values that do not go together.
        """

    @property
    @abstractmethod
    def identity(self) -> str:
        """Return a digest of all that the numbers of a trial depend on, but its values."""

    @property
    @abstractmethod
    def judged_rows(self) -> int:
        """Return how many rows trials are judged by."""

    @abstractmethod
    def fold(self, number: int) -> Fold | None:
        """Return the problem with other rows to validate on, from 1; None where there are none."""

    @abstractmethod
    def with_threads(self, threads: int) -> Problem:
        """Return the same with so many threads for each training; no number depends on it."""

    def known(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the values that a training asks for, one after the other."""
        known: dict[str, Any] = {}
        while True:
            asked = self.space_at(known)
            more = [name for name in asked if name in values and name not in known]
            if not more:
                return known
            known[more[0]] = values[more[0]]

    def starting_points(self) -> list[dict[str, Any]]:
        """Return values that are worth a trial beside the defaults, the most promising first."""
        return []


class ModalityProblem(Problem):
    """Data of a kind, split and prepared once for all trials, and its plan.

    `base`: the hyperparameters of the default configuration where they are known, so that the plan
    tries nothing by itself.
    Raises DataError where there are no validation rows.
    """

    def __init__(
        self,
        modality: Modality,
        prepared: Any,
        split: Any = None,
        base: Mapping[str, Any] | None = None,
    ) -> None:
        self.split, self.base = split, base
        self.modality = modality.with_hyperparameters({})
        self.prepared = prepared
        self.options = modality.options
        self.name = str(getattr(modality.source, "name", modality.name))
        if self._default[0].validation is None or not len(self._default[0].validation[0]):
            raise DataError(
                "tuning",
                needed="validation rows, to tell trials apart by",
                got="none",
                try_="more rows, or a larger validation share",
            )

    @cached_property
    def _default(self) -> tuple[Setup, Plan]:
        """Return what the plan makes of these data by itself, or of the base."""
        return self._setup({} if self.base is None else self.known(self.base))[:2]

    def __getstate__(self) -> dict[str, Any]:
        """Return all but what is made of it anew, for another process."""
        return {name: value for name, value in vars(self).items() if name != "_default"}

    def _with(self, values: Mapping[str, Any]) -> Modality:
        """Return the data with other hyperparameters."""
        modality = self.modality.with_hyperparameters(values)
        if self.base is not None and not values:
            # Said to be none, so that nothing is tried before it is planned.
            modality.options = replace(modality.options, hyperparameters={})
        return modality

    def _setup(
        self, values: Mapping[str, Any], seed: int | None = None
    ) -> tuple[Setup, Plan, Modality]:
        modality = self._with(values)
        if seed is not None:
            modality.options = replace(modality.options, seed=seed)
        plan = modality.plan(self.prepared)
        return modality.setup(self.prepared, plan), plan, modality

    def space_at(self, values: Mapping[str, Any]) -> dict[str, Hyperparameter]:
        """Return what the plan asks for."""
        modality = self._with(values)
        modality.plan(self.prepared)
        return modality.space

    def candidate(self, values: Mapping[str, Any], *, seed: int | None = None) -> Candidate:
        """Return the training that the plan makes of these values."""
        setup, plan, modality = self._setup(values, seed)
        judged = self._default[1].loss
        judge = None
        if plan.loss != judged:
            validation = self._default[0].validation
            assert validation is not None
            judge = Judge(judged, *validation)
        asked = {name: one.value for name, one in modality.space.items()}
        return Candidate(
            setup, plan.epochs, plan.early_stopping(), asked, judge, modality.keeps_start(plan)
        )

    @cached_property
    def identity(self) -> str:
        """Return a digest of the rows and the options."""
        setup = self._default[0]
        assert setup.validation is not None
        rows = [rows_digest(Rows(setup.x, setup.y, setup.weights))]
        rows.append(rows_digest(Rows(*setup.validation)))
        return digest_of([*rows, options_words(self.options)])

    def starting_points(self) -> list[dict[str, Any]]:
        """Return the plan's own candidates, those aside that are what it takes by itself."""
        points: list[dict[str, Any]] = []
        if self.options.hyperparameters:
            return points
        default = {name: one.value for name, one in self.space_at({}).items()}
        for candidate in self._default[1].candidates:
            space = self.space_at(candidate.hyperparameters)
            values = {name: one.value for name, one in space.items()}
            if values != default and values not in points:
                points.append(values)
        return points

    def with_threads(self, threads: int) -> ModalityProblem:
        """Return the same rows with so many threads."""
        modality = self.modality.with_hyperparameters({})
        modality.options = replace(modality.options, threads=threads)
        return ModalityProblem(modality, self.prepared, self.split, self.base)

    @property
    def judged_rows(self) -> int:
        """Return the validation rows."""
        validation = self._default[0].validation
        assert validation is not None
        return len(validation[0])

    def fold(self, number: int) -> Fold | None:
        """Return the same data with other rows to learn from and to validate on."""
        modality = self.modality.with_hyperparameters({})
        try:
            other = None if self.split is None else modality.resplit(self.split, number)
            if other is None:
                return None
            base = {name: one.value for name, one in self.space_at({}).items()}
            prepared = modality.prepare(other.split)
            problem = ModalityProblem(modality, prepared, other.split, base)
        except MisstepError:
            # So few rows of a kind that they can't be dealt out otherwise.
            return None
        names = np.arange(problem.judged_rows) if other.validation is None else other.validation
        if len(names) != problem.judged_rows:
            names = number * MOST_ROWS + np.arange(problem.judged_rows)
        return Fold(problem, names, (self.options.seed + number) % 2**32)


def options_words(options: Options) -> dict[str, str]:
    """Return the options that numbers depend on, in words, those left at their default aside."""
    return {
        each.name: repr(getattr(options, each.name))
        for each in fields(options)
        if each.name not in WITHOUT_EFFECT and getattr(options, each.name) != each.default
    }


def digest_of(facts: Any) -> str:
    """Return the SHA-256 of plain JSON, as hexadecimal digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=repr).encode()).hexdigest()
