"""`Setting`: a training that can be done again, from its first weights, with one thing changed.

Every arm of an experiment starts where the run started and meets the same batches; what it comes to
is told as the share of the loss of chance that is left, which can be compared whatever the loss and
the unit of the answers. Knows trainers and rows; no rules.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.ir import Array
from misstep.optim import ScheduleContext
from misstep.storage import some_rows
from misstep.train import Fork, RateRange, Trainer
from misstep.train.chance import chance_loss

# Courses of each arm: the run's own order of rows, and others.
COURSES = 3
# Rows that an arm is judged by, of those to learn from.
MOST_JUDGED = 1024
# Updates of an arm: as many as the run had, where there is time for that, within these.
FEWEST_UPDATES, MOST_UPDATES = 30, 5000
# Arms that the budget should pay for: about as many as all experiments together have.
ARMS = 24
# Updates of a course of the range test, with all that it tries; and the share of the budget that
# all of its courses may take.
RANGE_UPDATES, RANGE_SHARE = 7 * 100, 0.25
# Updates that are timed, to know what one costs, and how often: the shortest time counts.
TIMED_UPDATES, TIMES = 5, 5
# Shares of the loss of chance are told within these: what is left of a loss that exploded, or of
# one that reached what float32 can tell from 0, is no ratio to reason with.
LEAST_LEFT, MOST_LEFT = 0.01, 100.0


class NotApplicableError(Exception):
    """Raised by an experiment that means nothing for this training; its text is the reason."""


@dataclass(frozen=True)
class Judged:
    """Rows that an arm learns from or is judged by. x: (rows, …); y: as the loss wants it."""

    x: Array
    y: Array
    weights: Array | None = None

    @classmethod
    def of(cls, trainer: Trainer, x: Any, y: Any, weights: Any = None) -> Judged:
        """Return rows as `trainer` takes them. Raises ShapeError or DataError."""
        rows = trainer.fork(x, y, weights).rows
        return cls(rows.x, rows.y, rows.weights)

    def take(self, rows: Array) -> Judged:
        """Return some of the rows, by their numbers."""
        weights = None if self.weights is None else self.weights[rows]
        return Judged(some_rows(self.x, rows), self.y[rows], weights)

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Course:
    """What an arm came to, in each course: (courses,) each, shares of the loss of chance.

    `left`: on rows that it learned from, without dropout and penalties; 1 is chance, 0 all learned.
    `held_out`: on validation rows, None without any. `updates`: that it took. `failed`: courses
    whose loss was no finite number any more.
    """

    left: Array
    held_out: Array | None
    updates: int
    failed: int = 0

    @property
    def middle(self) -> float:
        """Return the median of what is left on rows that it learned from."""
        return float(np.median(self.left))

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "left": self.left.round(6).tolist(),
            "held_out": None if self.held_out is None else self.held_out.round(6).tolist(),
            "updates": self.updates,
            "failed": self.failed,
        }


@dataclass
class Setting:
    """A training that can be done again.

    `trainer`: with the settings of the run; it stays as it is. `rows`: that the run learned from;
    `validation`: rows that it was judged by, or None. `planned`: updates that the run was to take,
    which its schedule goes by. `taken`: updates that it took. `final`: the training loss that it
    ended with, NaN where that is not known. `budget`: seconds for all experiments.
    """

    trainer: Trainer
    rows: Judged
    validation: Judged | None
    planned: int
    taken: int
    final: float = math.nan
    budget: float = 30.0
    began: float = field(default_factory=time.perf_counter)

    @cached_property
    def start(self) -> Trainer:
        """Return a trainer as the run began, whose programs all arms share that can."""
        return self.trainer.variant(input_shape=self.rows.x.shape[1:])

    @classmethod
    def of(
        cls,
        trainer: Trainer,
        x: Any,
        y: Any,
        weights: Any = None,
        validation: tuple[Any, ...] | None = None,
        **facts: Any,
    ) -> Setting:
        """Return the setting of a training on these rows, as `Trainer.fit` takes them.

        `facts`: the other fields. Raises ShapeError, DataError or ArgumentError.
        """
        rows = Judged.of(trainer, x, y, weights)
        held_out = None if validation is None else Judged.of(trainer, *validation)
        return cls(trainer, rows, held_out, **facts)

    @cached_property
    def seconds_per_update(self) -> float:
        """Return what an update of the run costs."""
        fork = self._fork(self.start, self.rows, self.trainer.seed)
        seconds = []
        # The first times, programs are made.
        for _ in range(TIMES):
            began = time.perf_counter()
            fork.learn(np.zeros(TIMED_UPDATES))
            seconds.append(time.perf_counter() - began)
        return min(seconds) / TIMED_UPDATES

    @cached_property
    def updates(self) -> int:
        """Return how many updates an arm takes: those of the run, as far as there is time."""
        affordable = self.budget / (ARMS * COURSES * max(self.seconds_per_update, 1e-9))
        most = min(self.taken or self.planned, MOST_UPDATES)
        return max(min(most, int(affordable)), min(FEWEST_UPDATES, most), 1)

    @property
    def is_whole(self) -> bool:
        """Return whether an arm goes as far as the run went."""
        return self.updates >= self.taken

    @property
    def seconds_left(self) -> float:
        """Return what is left of the budget."""
        return self.budget - (time.perf_counter() - self.began)

    @cached_property
    def control(self) -> Course:
        """Return what the run's own settings come to, in as many updates as the arms have."""
        return self.course(self.start)

    @cached_property
    def suggestion(self) -> RateRange:
        """Return what the learning-rate range test shows."""
        rows = self.rows
        return self.start.find_learning_rate(
            rows.x, rows.y, sample_weight=rows.weights, courses=self.range_courses
        )

    @property
    def knows_suggestion(self) -> bool:
        """Return whether the range test was done."""
        return "suggestion" in vars(self)

    @property
    def range_courses(self) -> int:
        """Return in how many courses the range test is done: one where time is short."""
        cost = COURSES * RANGE_UPDATES * self.seconds_per_update
        return COURSES if cost <= RANGE_SHARE * self.budget else 1

    @cached_property
    def at_suggestion(self) -> Course | None:
        """Return what the run comes to at the rate that the range test suggests, if any."""
        suggested, own = self.suggestion.suggestion, self.start.optimizer.learning_rate
        if suggested is None or not own > 0:
            return None
        return self.course(self.start, rate=suggested / own)

    @cached_property
    def reached(self) -> float:
        """Return the share of the loss of chance that the run left, where it ended.

        The least of what its record says and of what the control reached.
        """
        chance = self.chance(self.start, self.rows)
        final = self.final / chance if math.isfinite(self.final) else MOST_LEFT
        return float(np.clip(min(final, self.control.middle), LEAST_LEFT, MOST_LEFT))

    def chance(self, trainer: Trainer, rows: Judged) -> float:
        """Return the loss of the best constant. Raises NotApplicableError where there is none."""
        network = trainer.network
        chance = chance_loss(trainer.loss, rows.y, network.output_shape, trainer.dtype)
        if chance is None or not chance > 0:
            raise NotApplicableError(
                "what is learned can't be measured: the loss of a constant prediction is "
                f"{'not known' if chance is None else f'{chance:.4g}'}"
            )
        return chance

    def course(
        self,
        trainer: Trainer,
        rows: Judged | None = None,
        validation: Judged | None = None,
        *,
        updates: int | None = None,
        rate: float = 1.0,
        planned: int | None = None,
        whole_rate: bool = False,
        courses: int = COURSES,
    ) -> Course:
        """Return what training with `trainer`, from its first weights, comes to.

        `rows`, `validation`: other ones than the run's. `rate`: times the learning rate.
        `planned`: that the schedule goes by. `whole_rate`: whether the schedule is left out.
        """
        rows = self.rows if rows is None else rows
        if validation is None and rows is self.rows:
            validation = self.validation
        updates = updates or self.updates
        forks = [self._fork(trainer, rows, trainer.seed + number) for number in range(courses)]
        judged = rows.take(_spread(len(rows)))
        held_out = None if validation is None else validation.take(_spread(len(validation)))
        chance = self.chance(trainer, judged)
        network = trainer.network
        first = np.array(network.parameters), np.array(network.buffers)
        left, outside = [], []
        for fork in forks:
            batches = -(-len(rows) * trainer.repeats_per_epoch // fork.batch_size)
            context = ScheduleContext(0, -(-batches // trainer.accumulate), planned or self.planned)
            factors = np.ones(updates)
            if not whole_rate:
                factors = trainer.schedule.factors(context, updates, {})
            fork.learn(rate * trainer.optimizer.learning_rate * factors)
            network.parameters = np.array(fork.state.parameters)
            network.buffers = np.array(fork.state.buffers)
            left.append(_left(trainer, judged, chance, fork.failed))
            if held_out is not None:
                outside.append(_left(trainer, held_out, chance, fork.failed))
        network.parameters, network.buffers = first
        failed = sum(fork.failed for fork in forks)
        return Course(np.array(left), np.array(outside) if outside else None, updates, failed)

    @staticmethod
    def _fork(trainer: Trainer, rows: Judged, seed: int) -> Fork:
        return trainer.fork(rows.x, rows.y, rows.weights, seed=seed)


def _left(trainer: Trainer, rows: Judged, chance: float, failed: bool) -> float:
    """Return the share of the loss of chance that is left on `rows`."""
    if failed:
        return MOST_LEFT
    try:
        with np.errstate(all="ignore"):
            loss = trainer.evaluate(rows.x, rows.y, rows.weights)["loss"]
    except MisstepError:
        return MOST_LEFT
    left = loss / chance
    return float(np.clip(left, LEAST_LEFT, MOST_LEFT)) if math.isfinite(left) else MOST_LEFT


def _spread(rows: int) -> Array:
    """Return the numbers of at most `MOST_JUDGED` rows, spread over all."""
    count = min(rows, MOST_JUDGED)
    return np.arange(count) * rows // max(count, 1)
