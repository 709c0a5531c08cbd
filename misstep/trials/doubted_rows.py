"""Rows whose answers the run's own training expects to be others, where it did not learn from them.

The rows are dealt into parts; each part is predicted by a training on the other ones, and whose
answers are likely wrong follows from how sure that is, and how often it errs where it is sure
(`misstep.doctor.lapses`). Knows trials; not what is done with such rows.
"""

from __future__ import annotations

import math

import numpy as np

from misstep.data.answer_doubts import class_doubts, number_doubts
from misstep.doctor.lapses import chances_of, lapses_of
from misstep.ir import Array
from misstep.record import Task
from misstep.train import Trainer
from misstep.train.chance import task_of
from misstep.trials.classes import classes_of
from misstep.trials.remedy import Case
from misstep.trials.setting import Judged, NotApplicableError
from misstep.trials.trial import Trial
from misstep.trials.yardstick import Yardstick

__all__ = ["cost_of_doubts", "doubted_rows"]

# Parts of the rows, and moments of each training, those of least loss, whose predictions are
# averaged: one moment's are noisy, and the last ones know wrong answers by heart.
FOLDS, BEST_MOMENTS = 3, 3
# Parts of rows in which doubts are counted.
PARTS = 60
# Fewer rows can't show which answers are wrong.
FEWEST_ROWS = 60


def cost_of_doubts(case: Case) -> int:
    """Return the updates that it takes to doubt the rows of a run."""
    return FOLDS * _updates(case)


def doubted_rows(case: Case) -> tuple[dict[int, float], int]:
    """Return the chance that an answer is wrong, of rows where it is above 0, by their positions.

    And the updates that it took to find that out. Raises NotApplicableError, with the reason, where
    answers are no single classes or numbers, or nothing speaks of wrong ones.
    """
    rows, loss = case.setting.rows, case.start.loss
    task = task_of(loss)
    answers = classes_of(loss, rows.y)
    if task is Task.NUMBERS and np.asarray(rows.y).reshape(len(rows), -1).shape[1] == 1:
        answers = np.asarray(rows.y, "float64").reshape(-1)
    if answers is None:
        raise NotApplicableError("its rows have no single answer each")
    if len(rows) < FEWEST_ROWS:
        raise NotApplicableError(f"of {len(rows)} rows nobody can tell which answers are wrong")
    expected, spent = _out_of_fold(case)
    if not np.isfinite(expected).all():
        raise NotApplicableError("its predictions are no finite numbers")
    if task is Task.NUMBERS:
        far = number_doubts(expected.reshape(-1), answers).far
        return dict.fromkeys(np.flatnonzero(far).tolist(), 1.0), spent
    if expected.shape[1] == 1:
        expected = np.concatenate([1.0 - expected, expected], axis=1)
    doubts = class_doubts(expected, answers)
    lapses = lapses_of(*doubts.counted(PARTS), doubts.classes)
    chances = chances_of(doubts, lapses)
    return {row: float(chances[row]) for row in np.flatnonzero(chances > 0).tolist()}, spent


def _out_of_fold(case: Case) -> tuple[Array, int]:
    """Return predictions for each row, (rows, outputs), by trainings that did not learn from it."""
    rows, start = case.setting.rows, case.start
    parts = np.random.default_rng(start.seed).permutation(len(rows)) % FOLDS
    yardstick = Yardstick.of(start.loss, rows.y, start.network.output_shape)
    outputs = max(int(np.prod(start.network.output_shape)), 1)
    expected, spent = np.empty((len(rows), outputs)), 0
    for part in range(FOLDS):
        mine = np.flatnonzero(parts == part)
        held = rows.take(mine)
        watcher = _Watcher(held, yardstick)
        trial = Trial(
            f"part {part}", start, rows.take(np.flatnonzero(parts != part)), watcher, _updates(case)
        )
        trial.advance(1.0)
        spent += trial.done
        expected[mine] = watcher.best().reshape(len(mine), outputs)
    return expected, spent


def _updates(case: Case) -> int:
    """Return the updates of each training: of as many epochs as the run had."""
    return max(1, round(case.setting.taken * (FOLDS - 1) / FOLDS))


class _Watcher:
    """Judges a training on rows, and remembers what it predicted when it was best."""

    def __init__(self, rows: Judged, yardstick: Yardstick) -> None:
        self.rows, self.yardstick = rows, yardstick
        self.seen: list[tuple[float, Array]] = []

    def __call__(self, trainer: Trainer) -> Array:
        predicted = np.asarray(trainer.predict(self.rows.x), "float64")
        penalties = self.yardstick.penalties(predicted, self.rows.y)
        self.seen.append((float(penalties.mean()), predicted))
        self.seen = sorted(self.seen, key=lambda one: one[0])[:BEST_MOMENTS]
        return penalties

    def best(self) -> Array:
        """Return the mean of the predictions of the best moments; NaN where there were none."""
        if not self.seen:
            return np.full(len(self.rows.y), math.nan)
        return np.asarray(np.mean([predicted for _, predicted in self.seen], axis=0))
