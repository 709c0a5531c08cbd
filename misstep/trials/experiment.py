"""The contract of an experiment: what is changed, which causes that tells apart, what it costs.

An experiment is a class in a file of its own in `experiments/`; subclassing registers it. It trains
forks, leaves the training that it is about as it is, and prints nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from misstep.train import Trainer
from misstep.trials.outcome import Outcome, best_of, support_of
from misstep.trials.setting import COURSES, Course, Judged, NotApplicableError, Setting


class Experiment(ABC):
    """A short training with something changed.

    `name`: in records and output; `title`: what is tried, in words. `tells`: slugs of causes that
    it speaks for or against. `rank`: the lowest come first, those that tell most for their cost.
    `arms_at_most`: trainings that it takes beside the control.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    tells: ClassVar[tuple[str, ...]]
    rank: ClassVar[int] = 50
    arms_at_most: ClassVar[int] = 1
    registry: ClassVar[dict[str, type[Experiment]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            Experiment.registry[cls.name] = cls

    def updates(self, setting: Setting) -> int:
        """Return how many updates of the run it costs, at most."""
        return self.arms_at_most * COURSES * setting.updates

    @abstractmethod
    def run(self, setting: Setting) -> Outcome:
        """Do it. Raises NotApplicableError, with the reason, where it means nothing."""


@dataclass(frozen=True)
class Arm:
    """A training with one thing changed.

    `label`: what was changed, as in "at half the rate". `trainer`: before it learned anything.
    `advice`: what to write to have it so. `rows`, `validation`: where they are others than the
    run's. `rate`, `updates`, `whole_rate`, `planned`: as of `Setting.course`. `tells`: the causes
    that this arm speaks about, None for all of the experiment.
    """

    label: str
    trainer: Trainer
    advice: str
    rows: Judged | None = None
    validation: Judged | None = None
    rate: float = 1.0
    updates: int | None = None
    planned: int | None = None
    whole_rate: bool = False


class Comparison(Experiment):
    """An experiment whose arms each take one cause away: where that helps, it is the cause.

    `held_out`: whether validation rows judge, where there are any. `full`: the support for a cause
    when all is gained.
    """

    held_out: ClassVar[bool] = False
    full: ClassVar[float] = 1.0

    @abstractmethod
    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the arms. Raises NotApplicableError."""

    def control(self, setting: Setting) -> Course:
        """Return what the arms are compared with."""
        return setting.control

    def run(self, setting: Setting) -> Outcome:
        """Train each arm, and compare the one that left least with the control."""
        courses: dict[str, Course] = {}
        advice: dict[str, str] = {}
        for arm in self.arms(setting):
            courses[arm.label] = setting.course(
                arm.trainer,
                arm.rows,
                arm.validation,
                updates=arm.updates,
                rate=arm.rate,
                planned=arm.planned,
                whole_rate=arm.whole_rate,
            )
            advice[arm.label] = arm.advice
        if not courses:
            raise NotApplicableError("there is nothing to change")
        control = self.control(setting)
        best = best_of(courses, held_out=self.held_out)
        support = support_of(
            control, courses[best], setting.reached, held_out=self.held_out, whole=setting.is_whole
        )
        return Outcome(
            self.name,
            self.title,
            self.verdicts(support),
            control,
            courses,
            best,
            advice[best] if support > 0 else "",
            {"judged_by": "held_out" if self._by_held_out(control) else "left"},
        )

    def _by_held_out(self, control: Course) -> bool:
        return self.held_out and control.held_out is not None

    def verdicts(self, support: float) -> dict[str, float]:
        """Return what the support of the best arm says about each cause."""
        return dict.fromkeys(self.tells, self.full * support)
