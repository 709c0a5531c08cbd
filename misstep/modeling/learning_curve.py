"""The learning curve: what a network got wrong as it learned, in people's terms, with examples.

From the snapshots of a training and the validation rows they are about. Knows no training; the
faces show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import Target
from misstep.ir import Array
from misstep.train import Run, Snapshot

# Examples that are shown: those that turned right, one for each snapshot at first, and those that
# stayed wrong.
MOST_TURNED, MOST_WRONG = 3, 2
# What the progress of training on numbers calls its unit: a network learns answers of mean 0 and
# deviation 1.
UNIT = "(standardized)"
# Numbers are computed in float32, which tells them apart by 7 to 9 digits.
DIGITS = 7


@dataclass(frozen=True)
class CurveExample:
    """A validation row as the network saw it at each snapshot.

    `name`: what the row is called; `answer`: the truth; `predictions`: one at each snapshot.
    """

    name: str
    answer: Any
    predictions: tuple[Any, ...]


@dataclass(frozen=True)
class LearningCurve:
    """What was wrong at each snapshot, on the same validation rows.

    `rows`: how many. `updates`: weight updates before each snapshot, rising. `kept`: the place of
    the snapshot whose weights the model has: the last one, unless an earlier epoch was best, as
    `of_earlier_epoch` says.
    `score_name`: "error", the share of wrong classes,
    or "rmse", in the unit of the target. `scores`: one for each snapshot. `examples`: a few rows.
    """

    rows: int
    updates: tuple[int, ...]
    score_name: str
    scores: tuple[float, ...]
    examples: tuple[CurveExample, ...] = ()
    kept: int = -1
    of_earlier_epoch: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept", self.kept % max(len(self.updates), 1))

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        snapshots = [
            {"update": update, self.score_name: score, "kept": index == self.kept}
            for index, (update, score) in enumerate(zip(self.updates, self.scores, strict=True))
        ]
        examples = [
            {"name": example.name, "answer": example.answer, "said": list(example.predictions)}
            for example in self.examples
        ]
        return {"rows": self.rows, "stages": snapshots, "examples": examples}


def learning_curve(
    run: Run,
    indices: Array,
    truth: Array,
    target: Target,
    names: Sequence[str] = (),
    answers: Sequence[Any] | None = None,
) -> LearningCurve | None:
    """Return what was wrong at each snapshot of a training; None where none was turned_at.

    `indices`: of the validation rows that were watched. `truth`: the encoded answers of all
    validation rows, (rows,). `names`: what each of them is called; by default its number.
    `answers`: of all validation rows as people gave them; by default what `truth` means.
    """
    snapshots = run.snapshots
    if not snapshots:
        return None
    scale = target.scale if target.is_number else 1.0  # several numbers stay standardized
    examples: tuple[CurveExample, ...] = ()
    if all(snapshot.predicted for snapshot in snapshots) and truth.ndim == 1:
        called = [names[index] if len(names) else f"{index + 1}" for index in indices]
        given = None if answers is None else [_plain(answers[index]) for index in indices]
        examples = _examples(snapshots, truth[indices], target, called, given)
    return in_order(
        LearningCurve(
            len(indices),
            tuple(snapshot.update for snapshot in snapshots),
            "rmse_log" if target.logarithm is not None else snapshots[0].score_name,
            tuple(float(snapshot.score * scale) for snapshot in snapshots),
            examples,
        ),
        run,
    )


def in_order(curve: LearningCurve, run: Run) -> LearningCurve:
    """Return the curve of a run with its last snapshot where its weights were learned.

    That is at the end, or where the epoch ended whose weights were kept.
    """
    if len(curve.updates) < 2:
        return curve
    *before, kept = curve.updates
    earlier = run.best_epoch is not None and run.epochs > 0
    if run.best_epoch is not None and earlier:
        kept = _updates_until(run, run.best_epoch)
    elif kept not in before:
        return curve
    # One that shows the same weights is the same.
    order = [place for place, update in enumerate(before) if update != kept]
    order.append(len(before))
    updates = [*before, kept]
    order.sort(key=lambda place: updates[place])
    return replace(
        curve,
        updates=tuple(updates[place] for place in order),
        scores=tuple(curve.scores[place] for place in order),
        examples=tuple(
            replace(each, predictions=tuple(each.predictions[place] for place in order))
            for each in curve.examples
        ),
        kept=order.index(len(before)),
        of_earlier_epoch=earlier,
    )


def _updates_until(run: Run, epoch: int) -> int:
    """Return after how many updates of a run an epoch ended; the last one may have broken off."""
    if run.record is not None:
        for one in run.record.epochs:
            if one["epoch"] == epoch and "step" in one and not one.get("partial"):
                return int(one["step"])
    return epoch * (run.updates // run.epochs)


def _examples(
    snapshots: Sequence[Snapshot],
    truth: Array,
    target: Target,
    names: Sequence[str],
    given: Sequence[Any] | None,
) -> tuple[CurveExample, ...]:
    predicted = np.array([snapshot.predicted for snapshot in snapshots])
    if target.is_number:
        shown = _numbers_to_show(np.abs(predicted - truth))
    else:
        shown = _classes_to_show(predicted == truth)
        truth, predicted = truth.astype(np.int64), predicted.astype(np.int64)
    answers = np.asarray(target.decode(truth)).tolist() if given is None else given
    decode = target.decode_outputs if target.is_number else target.decode
    decoded = [[_plain(one) for one in np.asarray(decode(each))] for each in predicted]
    return tuple(
        CurveExample(str(names[row]), answers[row], tuple(each[row] for each in decoded))
        for row in shown
    )


def _plain(value: Any) -> Any:
    """Return a value as Python's own; computed numbers with the digits that float32 has."""
    plain = value.item() if hasattr(value, "item") else value
    return float(f"{plain:.{DIGITS}g}") if isinstance(plain, float) else plain


def _classes_to_show(right: Array) -> list[int]:
    """Return rows that turned right at snapshots as different as can be, and some still wrong.

    right: (snapshots, rows).
    """
    snapshots = len(right)
    # The snapshot from which on a row was right: behind the last one at which it was wrong.
    since = {
        int(row): snapshots - int(np.argmin(right[::-1, row]))
        for row in np.flatnonzero(right[-1] & ~right.all(axis=0))
    }
    chosen: list[int] = []
    while len(chosen) < min(MOST_TURNED, len(since)):
        turned_at = [since[row] for row in chosen]
        free = [row for row in since if row not in chosen]
        # One that fewer of those chosen turned at; among equals the later, then the first row.
        chosen.append(min(free, key=lambda row: (turned_at.count(since[row]), -since[row], row)))
    wrong = np.flatnonzero(~right[-1])[:MOST_WRONG]
    return sorted(chosen, key=lambda row: since[row]) + wrong.tolist()


def _numbers_to_show(errors: Array) -> list[int]:
    """Return rows whose error shrank most, and those that were farthest off at the end.

    errors: (snapshots, rows); where training blew up, they may have no end.
    """
    errors = np.nan_to_num(errors, nan=np.finfo("float64").max)
    farthest = np.argsort(-errors[-1], kind="stable")[:MOST_WRONG].tolist()
    # Halved, since the difference of the two largest numbers would overflow.
    shrunk = np.argsort(errors[-1] / 2 - errors[0] / 2, kind="stable").tolist()
    return [one for one in shrunk if one not in farthest][:MOST_TURNED] + farthest
