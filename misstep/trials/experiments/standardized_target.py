"""The same training on answers of mean 0 and deviation 1: were they too large, or too small?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.record import Task
from misstep.train.chance import task_of
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.scaling import scaling_of
from misstep.trials.setting import NotApplicableError, Setting


class StandardizedTarget(Comparison):
    """Tries standardized answers."""

    name = "standardized-target"
    title = "standardized answers"
    tells = ("unscaled-target",)
    rank = 13

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run on standardized answers."""
        if task_of(setting.start.loss) is not Task.NUMBERS:
            raise NotApplicableError("its answers are classes")
        scaling = scaling_of(setting.rows.y)
        if scaling.changes_little:
            raise NotApplicableError("its answers have about mean 0 and deviation 1 already")
        yield Arm(
            "on standardized answers",
            setting.start,
            "y = (y - y_train.mean()) / y_train.std(), and predictions times y_train.std() plus "
            "y_train.mean()",
            rows=scaling.of_answers(setting.rows),
            validation=None
            if setting.validation is None
            else scaling.of_answers(setting.validation),
        )
