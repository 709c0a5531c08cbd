"""`Benches`: the rows of a round of repair: learned from, chosen by, and proven by.

No row has two of these jobs, as long as there are enough of them: whatever is chosen by some rows
looks better on them than it is. Knows rows and predictions; not what is tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.errors import MisstepError
from misstep.ir import Array
from misstep.train import Trainer
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
    validation rows; None where there are.
    """

    learned: Judged
    choosing: Judged
    proving: Judged
    yardstick: Yardstick
    apart: Array | None

    @classmethod
    def of(cls, setting: Setting) -> Benches:
        """Return the rows of a run. Raises MisstepError where there are too few to judge by."""
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
        yardstick = Yardstick.of(start.loss, held.y, start.network.output_shape)
        if len(held) < FEWEST_FOR_HALVES:
            return cls(learned, held, held, yardstick, taken)
        order = random.permutation(len(held))
        half = len(held) // 2
        first, second = np.sort(order[:half]), np.sort(order[half:])
        return cls(learned, held.take(first), held.take(second), yardstick, taken)

    def judge(self, rows: Judged) -> Judge:
        """Return what judges weights by predictions on some rows, whatever the loss."""

        def judge(trainer: Trainer) -> Array:
            try:
                predicted = trainer.predict(rows.x)
            except MisstepError:
                return np.full(len(rows), NOT_FINITE)
            penalties = self.yardstick.penalties(predicted, rows.y)
            if rows.weights is None:
                return penalties
            return penalties * rows.weights * (len(rows) / max(float(rows.weights.sum()), 1e-12))

        return judge

    def learned_of(self, rows: Judged) -> Judged:
        """Return a change's own rows without those that are judged by.

        rows: those of the run in their order, with other answers or weights.
        """
        if self.apart is None:
            return rows
        return rows.take(np.setdiff1d(np.arange(len(rows)), self.apart))
