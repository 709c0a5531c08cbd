"""What `Trainer.fit(repair=True)` needs: what repair may cost, and who repairs.

Who repairs stands above this floor, in `trials`, and is offered from the roof: a training knows
only what it asks for. Knows no remedy.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from misstep.doctor import Severity
from misstep.errors import ArgumentError, MisstepError
from misstep.offers import ask
from misstep.record import add_events
from misstep.train.callbacks import Callback, EarlyStopping
from misstep.train.run import Run

if TYPE_CHECKING:
    from misstep.train.trainer import Trainer

__all__ = ["RepairBudget", "Repaired", "Repairer"]


@dataclass(frozen=True)
class RepairBudget:
    """What repairing a training may cost.

    `minutes`, `steps`: of time, of updates in all; without either, as many as some 25 such
    trainings in each of `rounds` rounds, of which few need all. `seed`: from which random remedies
    are drawn. Raises ArgumentError.

    >>> import misstep as ms
    >>> ms.RepairBudget(minutes=2).minutes
    2
    """

    minutes: float | None = None
    steps: int | None = None
    rounds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("minutes", "steps", "rounds"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and 0 < value < math.inf):
                raise ArgumentError(
                    f"{name} of RepairBudget", needed="more than 0", got=repr(value)
                )


class Repaired(Protocol):
    """What comes of a repair. `run`: the training with what was adopted, None for nothing."""

    @property
    def trainer(self) -> Trainer:
        """Return the trainer of that training."""

    @property
    def run(self) -> Run | None:
        """Return that training."""

    def event(self) -> dict[str, Any]:
        """Return what the record of the first training gets to know of it."""


class Repairer(Protocol):
    """Who repairs."""

    def __call__(
        self,
        trainer: Trainer,
        run: Run,
        rows: tuple[Any, Any, Any],
        validation: tuple[Any, ...] | None,
        budget: RepairBudget,
        callbacks: list[Callback],
    ) -> Repaired:
        """Return what comes of repairing `run` of a trainer on rows (x, y, weights)."""


def budget_of(repair: bool | RepairBudget, *, watched: bool, begun: bool) -> RepairBudget | None:
    """Return what was asked for, None for no repair. Raises ArgumentError where it can't be done.

    `watched`: whether the training is written down. `begun`: whether it goes on from an earlier
    one, which the record does not tell of.
    """
    if repair is False:
        return None
    if repair is not True and not isinstance(repair, RepairBudget):
        raise ArgumentError(
            "repair", needed="True, False or ms.RepairBudget(...)", got=repr(repair)
        )
    if not watched:
        raise ArgumentError(
            "repair", needed="a training that is watched", got="watch=False", try_="watch=True"
        )
    if begun:
        raise ArgumentError(
            "repair",
            needed="a training from its beginning",
            got="one that goes on",
            try_="a new Trainer, or trainer.variant()",
        )
    return RepairBudget() if repair is True else repair


def repaired(
    trainer: Trainer,
    run: Run,
    rows: tuple[Any, Any, Any],
    validation: tuple[Any, ...] | None,
    budget: RepairBudget,
    callbacks: list[Callback],
) -> Run:
    """Return the training that `trainer`, just trained, has after the repair, with its `repair`.

    The trainer becomes the repaired one if anything was adopted. Nothing is tried where nothing
    harms, or where a person ended training.
    """
    assert run.record is not None
    harmful = any(one.severity is not Severity.NOTE for one in run.diagnose().findings)
    if not harmful or not (run.finished or run.failed):
        return run
    repairer: Repairer = ask("repair of a training")
    try:
        done = repairer(trainer, run, rows, validation, budget, callbacks)
    except MisstepError as error:
        warnings.warn(f"not repaired: {error}", RuntimeWarning, stacklevel=5)
        return run
    event = done.event()
    run.record.events.append(event)
    trouble = None if run.folder is None else add_events(run.folder, [event])
    if trouble is not None:
        words = f"what was tried could not be added to the record: {trouble}"
        warnings.warn(words, RuntimeWarning, stacklevel=5)
    if done.run is None:
        return replace(run, repair=done)
    vars(trainer).update(vars(done.trainer))
    trainer.last_run = replace(done.run, repair=done)
    return trainer.last_run


def stopping_of(callbacks: list[Callback]) -> EarlyStopping | None:
    """Return what ends a training early, if anything does."""
    return next((one for one in callbacks if isinstance(one, EarlyStopping)), None)
