"""Adoption: a training with what a round of repair proved, on all rows, as the run was trained.

What it comes to is a run of its own, and the case that a further round looks at. Knows no arms.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from misstep.doctor import examine
from misstep.record import Names
from misstep.train import Callback, EarlyStopping, Progress, Run, Trainer, Training
from misstep.trials.pace import updates_per_epoch
from misstep.trials.remedy import Case
from misstep.trials.rounds import Round, Verdict
from misstep.trials.setting import Judged, Setting

__all__ = ["adopt"]


def adopt(
    case: Case,
    one: Round,
    origin: Mapping[str, Any],
    folder: Path | None,
    early_stopping: EarlyStopping | None,
    progress: bool | Progress,
) -> tuple[Run, Case, int, float] | None:
    """Train with what a round proved, on all rows; return the run, and the case that it is now.

    And the updates and seconds that it took. None where that was broken off or failed, which the
    verdict of the round then says.
    """
    assert one.winner is not None
    change = one.winner.change
    trainer = change.trainer.continued() if change.goes_on else change.trainer.variant()
    rows = change.rows_of(case.setting.rows)
    held = change.validation or case.setting.validation
    taken = change.updates or case.setting.taken
    per_epoch = updates_per_epoch(trainer, len(rows))
    keeps_best = case.keeps_best if change.keeps_best is None else change.keeps_best
    # What was cut short is cut short again: by the same rule, where there was one.
    planned = taken if change.updates or change.goes_on else case.setting.planned
    callbacks: list[Callback] = []
    if held is not None and keeps_best:
        patience = max(1, round(planned / per_epoch))
        if early_stopping is not None:
            patience = early_stopping.patience
        least = 0.0 if early_stopping is None else early_stopping.minimum_change
        callbacks.append(EarlyStopping(patience, minimum_change=least, restore_best=True))
    if planned > taken and early_stopping is None:
        callbacks.append(_EndAfter(taken))
    trainer.names, trainer.origin = _names_without(case.start.names, change.set_aside), origin
    trainer.preparation = case.start.preparation
    begun = 0 if trainer.state is None else trainer.state.update
    began = time.perf_counter()
    try:
        run = trainer.fit(
            rows.x,
            rows.y,
            sample_weight=rows.weights,
            epochs=max(1, round(planned / per_epoch)),
            validation=None if held is None else (held.x, held.y, held.weights),
            callbacks=callbacks,
            folder=folder,
            progress=progress,
            report=False,
        )
    except KeyboardInterrupt:
        one.verdict = Verdict.INTERRUPTED
        return None
    if not run.finished:
        one.verdict = Verdict.FAILED if run.failed else Verdict.INTERRUPTED
        return None
    record = run.record
    assert record is not None
    setting = _next_setting(case, trainer, rows, held, run)
    after = Case(setting, record, examine(record), trainer, keeps_best)
    return run, after, run.updates - begun, time.perf_counter() - began


class _EndAfter(Callback):
    """Ends a training after so many updates, whatever its schedule goes by."""

    def __init__(self, updates: int) -> None:
        self.updates = updates

    def planned_update(self, update: int) -> int | None:
        return self.updates if update < self.updates else None

    def on_planned_update(self, training: Training) -> None:
        training.stop("as far as the run came that it repairs")


def _names_without(names: Names, aside: Sequence[int]) -> Names:
    """Return what features, classes and rows are called, without rows that are set aside."""
    if not aside or names.rows is None:
        return names
    return replace(names, rows=np.delete(np.asarray(names.rows), list(aside)))


def _next_setting(
    case: Case, trainer: Trainer, rows: Judged, held: Judged | None, run: Run
) -> Setting:
    before = case.setting
    start = trainer.variant()
    described = None if run.record is None else run.record.description
    planned = run.updates
    if described is not None:
        planned = max(planned, described.epochs * described.updates_per_epoch)
    return Setting(
        start,
        rows,
        held,
        planned=max(planned, 1),
        taken=max(run.updates, 1),
        final=run.losses[-1] if run.losses else math.nan,
        budget=before.budget,
    )
