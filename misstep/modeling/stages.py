"""What a network got wrong as it learned, in people's terms: shares, answers, and a few examples.

From the snapshots of a training (`train/snapshots.py`) and the held-out rows they are about. Knows
no training; the shells show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Target
from misstep.ir import Array
from misstep.modeling.learning import Learned, Part
from misstep.train import Snapshot

# Examples that are shown: those that turned right, one for each stage at first, and those that
# stayed wrong.
MOST_TURNED, MOST_WRONG = 3, 2


@dataclass(frozen=True)
class StageExample:
    """A held-out row as the network saw it at each stage.

    `name`: what the row is called; `answer`: the truth; `said`: the prediction at each stage.
    """

    name: str
    answer: Any
    said: tuple[Any, ...]


@dataclass(frozen=True)
class StageReport:
    """What was wrong at each stage, on the same held-out rows.

    `rows`: how many. `updates`: weight updates before each stage; the last stage is the end of
    training, with the weights that were kept. `score_name`: "error", the share of wrong classes, or
    "rmse", in the unit of the target. `scores`: one for each stage. `examples`: a few rows.
    """

    rows: int
    updates: tuple[int, ...]
    score_name: str
    scores: tuple[float, ...]
    examples: tuple[StageExample, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        stages = [
            {"update": update, self.score_name: score, "last": place == len(self.updates) - 1}
            for place, (update, score) in enumerate(zip(self.updates, self.scores, strict=True))
        ]
        examples = [
            {"name": one.name, "answer": one.answer, "said": list(one.said)}
            for one in self.examples
        ]
        return {"rows": self.rows, "stages": stages, "examples": examples}


def stage_report(
    learned: Learned, validation: Part | None, target: Target, names: Sequence[str] | None = None
) -> StageReport | None:
    """Return what was wrong at each stage of a training; None where nothing was held out.

    `names`: what each row of `validation` is called; its number among them where not given.
    """
    stages = learned.run.snapshots
    if validation is None or not stages:
        return None
    scale = target.scale if target.is_number else 1.0
    places = learned.judged
    examples: tuple[StageExample, ...] = ()
    if all(one.predicted for one in stages) and validation.target.ndim == 1:
        examples = _examples(stages, validation.target[places], places, target, names)
    return StageReport(
        len(places),
        tuple(one.update for one in stages),
        stages[0].score_name,
        tuple(float(one.score * scale) for one in stages),
        examples,
    )


def _examples(
    stages: Sequence[Snapshot],
    truth: Array,
    places: Array,
    target: Target,
    names: Sequence[str] | None,
) -> tuple[StageExample, ...]:
    said = np.array([one.predicted for one in stages])
    if target.is_number:
        chosen = _numbers_to_show(np.abs(said - truth))
        answers = np.asarray(target.decode(truth)).tolist()
        told = [np.asarray(target.decode(one)).tolist() for one in said]
    else:
        chosen = _classes_to_show(said == truth)
        answers = np.asarray(target.decode(truth.astype(np.int64))).tolist()
        told = [np.asarray(target.decode(one.astype(np.int64))).tolist() for one in said]
    return tuple(
        StageExample(
            f"{places[row] + 1}" if names is None else str(names[int(places[row])]),
            answers[row],
            tuple(one[row] for one in told),
        )
        for row in chosen
    )


def _classes_to_show(right: Array) -> list[int]:
    """Return rows that turned right, at stages as different as can be, and rows that stayed wrong.

    right: (stages, rows).
    """
    stages = len(right)
    # The stage from which on a row was right: behind the last one at which it was wrong.
    since = {
        int(row): stages - int(np.argmin(right[::-1, row]))
        for row in np.flatnonzero(right[-1] & ~right.all(axis=0))
    }
    chosen: list[int] = []
    while len(chosen) < min(MOST_TURNED, len(since)):
        taken = [since[row] for row in chosen]
        free = [row for row in since if row not in chosen]
        # A stage that fewer of those chosen turned at; among equals the later, then the first row.
        chosen.append(min(free, key=lambda row: (taken.count(since[row]), -since[row], row)))
    wrong = np.flatnonzero(~right[-1])[:MOST_WRONG]
    return sorted(chosen, key=lambda row: since[row]) + wrong.tolist()


def _numbers_to_show(errors: Array) -> list[int]:
    """Return rows whose error shrank most, and those that were farthest off at the end.

    errors: (stages, rows).
    """
    farthest = np.argsort(-errors[-1], kind="stable")[:MOST_WRONG].tolist()
    shrunk = np.argsort(errors[-1] - errors[0], kind="stable").tolist()
    return [one for one in shrunk if one not in farthest][:MOST_TURNED] + farthest
