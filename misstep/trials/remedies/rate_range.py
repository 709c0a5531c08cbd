"""The learning rate that the range test finds."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.errors import MisstepError
from misstep.train import RateRange
from misstep.trials.advice import optimizer_at
from misstep.trials.remedy import Case, Change, Remedy, with_optimizer
from misstep.trials.setting import RANGE_UPDATES, NotApplicableError

# Updates of a course of the test: 100 where the run had that many, fewer where it was shorter, so
# that finding a rate costs no more than two or three runs; of fewer than 20 no curve can be read.
MOST_STEPS, FEWEST_STEPS = 100, 20
SHARE_OF_RUN = 3
# A rate as near to the run's own is the same.
SAME = 1.5
# Beside what it finds: half a decade lower and higher.
NEAR = (1.0, 10**-0.5, 10**0.5)


class RangeTest(Remedy):
    """The rate that the range test suggests, and rates near it."""

    name = "rate-range"
    title = "the learning rate that the range test finds"
    answers = (
        "learning-rate-too-high",
        "learning-rate-too-low",
        "diverging",
        "slow-learning",
        "not-a-number",
        "exploding-gradients",
        "underfitting",
        "too-few-epochs",
        "wrong-optimizer",
        "batch-too-large",
        "unscaled-inputs",
        "unscaled-target",
        "dead-units",
        "saturated-units",
        "vanishing-gradients",
        "bad-initialization",
        "constant-prediction",
        "clipped-too-hard",
    )
    rank = 12
    is_general = True

    def cost(self, case: Case) -> int:
        """Return what the test costs."""
        if case.setting.knows_suggestion:
            return 0
        return RANGE_UPDATES * self._steps(case) // MOST_STEPS

    def changes(self, case: Case) -> Iterator[Change]:
        """Do the test in one course, and yield the run at its rate, and near it."""
        start = case.start
        own = start.optimizer.learning_rate
        if not own > 0:
            raise NotApplicableError("its learning rate is 0")
        spent, found = self.cost(case), self._found(case)
        if found.suggestion is None:
            raise NotApplicableError(f"it finds none: {found.because}")
        for share in NEAR:
            factor = share * found.suggestion / own
            if 1 / SAME < factor < SAME:
                continue
            yield with_optimizer(
                case,
                f"at a rate of {share * found.suggestion:.2g}, "
                + ("as the range test finds" if share == 1.0 else "near what the range test finds"),
                optimizer_at(start, factor),
                spent=spent,
            )
            spent = 0

    @staticmethod
    def _steps(case: Case) -> int:
        return min(max(case.setting.taken // SHARE_OF_RUN, FEWEST_STEPS), MOST_STEPS)

    def _found(self, case: Case) -> RateRange:
        if case.setting.knows_suggestion:
            return case.setting.suggestion
        rows = case.setting.rows
        try:
            return case.start.find_learning_rate(
                rows.x, rows.y, sample_weight=rows.weights, steps=self._steps(case), courses=1
            )
        except MisstepError as error:
            raise NotApplicableError(f"the range test fails: {error}") from error
