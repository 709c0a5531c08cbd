"""`FitResult`: everything that came of one training, for whichever face asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from misstep.data import Series
from misstep.doctor import Diagnosis
from misstep.ir import Array
from misstep.modeling.baselines import Baseline
from misstep.modeling.decisions import Decision
from misstep.modeling.examples import Examples
from misstep.modeling.forecast import BackTest, ForecastModel
from misstep.modeling.held_out import HeldOut, HeldOutExamples
from misstep.modeling.learning_curve import LearningCurve
from misstep.modeling.metrics import Scores
from misstep.modeling.model import TrainedModel
from misstep.train import Run, Trainer


@dataclass(frozen=True)
class ForecastResult:
    """What came of training on a series besides.

    `series`: all of it, with the inputs that are used. `epochs`: in how many the network learned
    what the line could not say, 0 for none. `back_test`: of the test rows; None without any.
    `judged`: the model that the back-test is of, which learned from the rows before these only.
    """

    series: Series
    epochs: int
    back_test: BackTest | None
    judged: ForecastModel | None = None


@dataclass(frozen=True)
class FitResult:
    """What came of a training.

    `scores`: by split: test, validation, and each of the `baselines` that could be fitted.
    `learning_curve`: what was wrong as the network learned; None without validation rows.
    `trainer`: which can go on. `forecast`: for a series. `test_errors`: how wrong the model is on
    each test row, (rows,): squared error in the target's unit, 0 or 1 of a class, of a series the
    mean absolute error of each forecast; None without test rows. `held_out`: rows that it did not
    learn from, beside what it says of them; None for a series and where there are none.
    `training_examples`: what it learned from; None for a series. `described`: what the data are, in
    words. `watched`: the validation rows, which the learning curve is about; None for a series.
    """

    model: TrainedModel
    run: Run
    trainer: Trainer
    scores: dict[str, Scores]
    decisions: list[Decision]
    notes: list[str]
    seconds: float
    baselines: Sequence[Baseline] = field(default_factory=tuple)
    learning_curve: LearningCurve | None = None
    forecast: ForecastResult | None = None
    test_errors: Array | None = None
    held_out: HeldOut | None = None
    training_examples: Examples | None = None
    described: str = ""
    watched: HeldOutExamples | None = None

    def diagnose(self) -> Diagnosis:
        """Return what went wrong with the training, and what was not examined."""
        return self.run.diagnose()
