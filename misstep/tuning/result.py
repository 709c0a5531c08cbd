"""`Tuning`: what came of a search, and `TrialResult`: what came of one trial. Facts, no words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from misstep.modeling import Options
from misstep.train import Trainer

__all__ = ["Comparison", "State", "TrialResult", "Tuning"]


class State(StrEnum):
    """Where a trial stands."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"  # trained to its end
    PRUNED = "pruned"  # ended early; `because` says why
    FAILED = "failed"  # could not be trained; `because` says why


@dataclass(frozen=True)
class TrialResult:
    """What came of one trial.

    `number`: from 0, which is the default configuration; one that was tried again keeps its number.
    `hyperparameters`: all that the plan asked for, by name. `validation_loss`: the best of its
    epochs, in the loss that all trials are judged by; NaN where there is none. `metrics`: of that
    epoch on validation rows, by name. `because`: why it was ended early or failed; empty otherwise.
    `epochs`, `updates`, `seconds`: that it took. `by_doctor`: whether the doctor ended it.
    `attempts`: how often it was begun; more than 1 where a worker was killed over it.
    """

    number: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    validation_loss: float = math.nan
    metrics: Mapping[str, float] = field(default_factory=dict)
    state: State = State.WAITING
    because: str = ""
    epochs: int = 0
    updates: int = 0
    seconds: float = 0.0
    by_doctor: bool = False
    attempts: int = 1

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON; a loss that is no finite number is None."""
        return {
            "number": self.number,
            "state": self.state.value,
            "hyperparameters": dict(self.hyperparameters),
            "validation_loss": _number(self.validation_loss),
            "metrics": {name: _number(value) for name, value in self.metrics.items()},
            "because": self.because,
            "epochs": self.epochs,
            "updates": self.updates,
            "seconds": round(self.seconds, 3),
            "by_doctor": self.by_doctor,
            "attempts": self.attempts,
        }


@dataclass(frozen=True)
class Comparison:
    """How one of the best trials fared against the default, on rows that the search did not see.

    `number`: of the trial. `gain`: mean over rows of the default's loss less the trial's, above 0
    where the trial is better; `error`: its standard error. `rows`: that both were judged on, each
    by a training that had not seen it. `trainings`: of the trial, as many of the default; `better`:
    in how many of them it gained. In penalties, where 1 is what the best constant costs.
    """

    number: int
    gain: float
    error: float
    rows: int
    trainings: int
    better: int

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "number": self.number,
            "gain": _number(self.gain),
            "error": _number(self.error),
            "rows": self.rows,
            "trainings": self.trainings,
            "better": self.better,
        }


@dataclass(frozen=True)
class Tuning:
    """What came of a search.

    `default`: trial 0. `best`: the one to train with; the default itself where no other is better
    beyond noise. `leader`: the trial with the lowest validation loss, whether or not it was kept.
    `trials`: all of them, by number. `importances`: share of what differs between trials that each
    hyperparameter explains, by name, the largest first; empty where there are too few trials.
    `comparisons`: how the best trials fared against the default on other rows. `options`: as they
    were, with the hyperparameters of `best`, as far as the plan would take others. `ended_early`:
    why not all trials were done; empty otherwise. `interrupted`: whether by Ctrl-C. `seconds`: that
    it took. `candidates`: how many trials behind the default are ways that the plan itself names.
    `notes`: what else people should know. `name`, `storage`: of the study, for others to join.
    `trainer`: where a trainer was tuned, one with the settings of `best` that has learned nothing.
    """

    default: TrialResult
    best: TrialResult
    leader: TrialResult
    trials: list[TrialResult]
    importances: dict[str, float]
    options: Options
    comparisons: list[Comparison] = field(default_factory=list)
    ended_early: str = ""
    interrupted: bool = False
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    name: str = ""
    storage: str = ""
    trainer: Trainer | None = None
    candidates: int = 0

    @property
    def paid(self) -> bool:
        """Return whether another trial than the default is to be trained with."""
        return self.best.number != self.default.number

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "default": self.default.plain(),
            "best": self.best.plain(),
            "leader": self.leader.plain(),
            "paid": self.paid,
            "trials": [trial.plain() for trial in self.trials],
            "importances": self.importances,
            "comparisons": [each.plain() for each in self.comparisons],
            "ended_early": self.ended_early,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
            "name": self.name,
            "storage": self.storage,
            "candidates": self.candidates,
        }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
