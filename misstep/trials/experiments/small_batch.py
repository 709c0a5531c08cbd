"""A few rows, again and again: can they be learned by heart at all?

What can't be, has a fault in its wiring or no room: it learns no larger set either. Nothing else is
asked of it: no dropout, no penalties, Adam at two rates, inputs and answers as they are and scaled.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Array
from misstep.nn import Module
from misstep.optim import Adam
from misstep.record import Task
from misstep.text.experiments import share_left
from misstep.train.chance import task_of
from misstep.trials.experiment import Experiment
from misstep.trials.experiments.no_penalties import without_disturbing
from misstep.trials.outcome import Outcome, best_of
from misstep.trials.scaling import scaling_of
from misstep.trials.setting import Course, Judged, NotApplicableError, Setting

# Rows of the batch; and updates, a third of those of TheDeepChecker (2022), whose optimizer is
# slower than Adam.
ROWS, UPDATES = 32, 300
RATES = (1e-3, 1e-2)
# Shares of the loss of chance: learned by heart, and not learned.
FITTED, NOT_FITTED = 0.1, 0.5
FEWEST_ROWS = 2


class SmallBatch(Experiment):
    """Tries whether a few rows can be learned by heart."""

    name = "small-batch"
    title = f"at most {ROWS} rows learned by heart"
    tells = ("underfitting", "wrong-output", "missing-activation", "parameters-not-learning")
    rank = 5
    arms_at_most = 4

    def updates(self, setting: Setting) -> int:
        """Return what it costs, as updates of batches as large as those of the run."""
        own = setting.start.batch_size
        size = len(setting.rows) if own == "full" else min(int(own), len(setting.rows))
        return self.arms_at_most * UPDATES * min(ROWS, size) // size

    def run(self, setting: Setting) -> Outcome:
        """Learn a small batch by heart in several ways; the best of them counts."""
        start = setting.start
        network = start.network
        batch = small_batch(setting.rows)
        ways = {"as they are": batch}
        if network.position_limits is None:
            scaled = scaling_of(batch.x).of_inputs(batch)
            if task_of(start.loss) is Task.NUMBERS:
                scaled = scaling_of(batch.y).of_answers(scaled)
            ways["on standardized rows"] = scaled
        module: Module = without_disturbing(network.module)
        courses: dict[str, Course] = {}
        for words, rows in ways.items():
            for rate in RATES:
                trainer = start.variant(
                    module if module is not network.module else None,
                    batch_size="full",
                    accumulate=1,
                    repeats_per_epoch=1,
                    regularizers=(),
                    clipping=(),
                    mixup=0.0,
                    optimizer=Adam(rate),
                )
                courses[f"{words}, with Adam at {rate:g}"] = setting.course(
                    trainer, rows, updates=UPDATES, whole_rate=True, courses=1
                )
            if min(course.middle for course in courses.values()) <= FITTED:
                break
        best = best_of(courses)
        left = courses[best].middle
        verdicts = dict.fromkeys(self.tells, 0.0)
        if left > NOT_FITTED:
            verdicts = dict.fromkeys(self.tells, 0.3)
        elif left <= FITTED:
            verdicts |= {
                "wrong-output": -0.5,
                "underfitting": -0.3,
                "parameters-not-learning": -0.3,
            }
        words = (
            f"{len(batch)} rows alone: {share_left(left)} of the loss of chance is left after "
            f"{UPDATES} updates {best}"
        )
        return Outcome(
            self.name,
            self.title,
            verdicts,
            arms=courses,
            best=best,
            numbers={"rows": len(batch), "words": words},
        )


def small_batch(rows: Judged) -> Judged:
    """Return a few rows, no two of the same inputs, of as many classes as there are.

    Raises NotApplicableError where there are none.
    """
    spread = np.arange(min(len(rows), 16 * ROWS)) * len(rows) // min(len(rows), 16 * ROWS)
    _, first = np.unique(rows.x[spread].reshape(len(spread), -1), axis=0, return_index=True)
    chosen = spread[np.sort(first)]
    answers = rows.y[chosen].reshape(len(chosen), -1)
    if answers.shape[1] == 1 and len(np.unique(answers)) <= ROWS // 2:  # classes, however written
        chosen = _in_turn(chosen, answers[:, 0])
    else:
        chosen = chosen[np.arange(min(len(chosen), ROWS)) * len(chosen) // min(len(chosen), ROWS)]
    batch = rows.take(chosen[:ROWS])
    if len(batch) < FEWEST_ROWS or bool((batch.y == batch.y[:1]).all()):
        raise NotApplicableError("there are no two rows with different inputs and answers")
    return Judged(batch.x, batch.y)


def _in_turn(rows: Array, classes: Array) -> Array:
    """Return rows so that classes take turns."""
    turn = np.zeros(len(rows), "int64")
    for one in np.unique(classes):
        of_class = classes == one
        turn[of_class] = np.arange(int(of_class.sum()))
    return rows[np.argsort(turn, kind="stable")]
