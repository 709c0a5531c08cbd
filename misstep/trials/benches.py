"""`Benches`: the rows of a round of repair: learned from, chosen by, and proven by.

No row has two of these jobs, as long as there are enough of them: whatever is chosen by some rows
looks better on them than it is. Knows rows and predictions; not what is tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from misstep.errors import MisstepError
from misstep.ir import Array
from misstep.record.summaries import copies, row_numbers
from misstep.train import Trainer
from misstep.trials.classes import alike_weights, classes_of
from misstep.trials.setting import Judged, Setting
from misstep.trials.trial import Judge
from misstep.trials.yardstick import NOT_FINITE, Yardstick

# Of fewer validation rows, all both choose and prove.
FEWEST_FOR_HALVES = 60
# Without validation rows, one training row in so many is not learned from, but judged.
APART = 5
FEWEST_JUDGED = 8


@dataclass(frozen=True)
class Benches:
    """The rows of a round. `learned`: from; `choosing`, `proving`: by, in the run's own answers.

    `apart`: positions of training rows that are judged by and not learned from, where there are no
    validation rows; None where there are. `classes_alike`: whether each class counts as much as any
    other in judging, however few rows it has; their weights then are so.
    """

    learned: Judged
    choosing: Judged
    proving: Judged
    yardstick: Yardstick
    apart: Array | None
    classes_alike: bool = False

    @classmethod
    def of(
        cls, setting: Setting, *, classes_alike: bool = False, wrong_answers: bool = False
    ) -> Benches:
        """Return the rows of a run. Raises MisstepError where there are too few to judge by.

        `classes_alike`: whether each class is to count as much as any other. `wrong_answers`:
        whether some of the answers are known to be wrong.
        """
        learned, held, taken = setting.rows, setting.validation, None
        random = np.random.default_rng(setting.start.seed)
        if held is None or len(held) < FEWEST_JUDGED:
            order = random.permutation(len(learned))
            taken = np.sort(order[: len(learned) // APART])
            if len(taken) < FEWEST_JUDGED:
                raise MisstepError(
                    "repair",
                    needed=f"{FEWEST_JUDGED} validation rows or more, to tell what helps",
                    got=f"{len(learned)} training rows and "
                    f"{'no' if held is None else len(held)} validation rows",
                    try_="validation=(x, y) with more rows",
                )
            held = learned.take(taken)
            learned = learned.take(np.setdiff1d(np.arange(len(learned)), taken))
        start = setting.start
        classes = classes_of(start.loss, held.y)
        classes_alike = classes_alike and classes is not None
        if classes is not None and classes_alike:
            own = np.ones(len(held)) if held.weights is None else held.weights
            held = replace(held, weights=own * alike_weights(classes))
        yardstick = Yardstick.of(
            start.loss,
            held.y,
            start.network.output_shape,
            held.weights,
            wrong_answers=wrong_answers,
        )
        if len(held) < FEWEST_FOR_HALVES:
            return cls(learned, held, held, yardstick, taken, classes_alike)
        order = random.permutation(len(held))
        half = len(held) // 2
        first, second = np.sort(order[:half]), np.sort(order[half:])
        return cls(learned, held.take(first), held.take(second), yardstick, taken, classes_alike)

    def judge(self, rows: Judged, most: float = math.inf) -> Judge:
        """Return what judges weights by predictions on some rows, whatever the loss.

        `most`: what a row may cost, before it is weighed.
        """

        def judge(trainer: Trainer) -> Array:
            try:
                predicted = trainer.predict(rows.x)
            except MisstepError:
                return np.full(len(rows), NOT_FINITE)
            penalties = np.minimum(self.yardstick.penalties(predicted, rows.y), most)
            if rows.weights is None:
                return penalties
            return penalties * rows.weights * (len(rows) / max(float(rows.weights.sum()), 1e-12))

        return judge

    def learned_of(self, rows: Judged, aside: Sequence[int] = ()) -> Judged:
        """Return the rows that a change learns from: without those that are judged by.

        rows: those of the run in their order, with their own answers or weights, or others.
        `aside`: positions of those that it does not learn from.
        """
        gone = np.zeros(len(rows), bool)
        gone[list(aside)] = True
        if self.apart is not None:
            gone[self.apart] = True
        return rows.take(np.flatnonzero(~gone)) if gone.any() else rows


def unlearned(held: Judged | None, learned: Judged) -> Judged | None:
    """Return the validation rows that are no copies of training rows; None where too few are left.

    What was learned by heart is known of a copy: it proves nothing. Where the training rows
    themselves are few different ones, as in a truth table, copies are all there is, and stay.
    """
    if held is None:
        return None
    same = copies(learned.x, held.x)
    if same is None or not same.any():
        return held
    if len(held) - int(same.sum()) >= FEWEST_JUDGED:
        return held.take(np.flatnonzero(~same))
    flat = learned.x.reshape(len(learned), -1)
    return None if len(np.unique(row_numbers(flat))) > len(learned) / 2 else held
