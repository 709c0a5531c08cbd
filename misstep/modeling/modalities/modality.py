"""`Modality`: what the one walk from data to a model must know about a kind of data.

The walk itself is in `pipeline.py` and must not tell kinds apart. A subclass registers itself by
being written. Kinds whose rows have an answer each are in `rows.py`'s terms; a series takes the
same steps in its own way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from misstep.data import Dataset
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling.baselines import Baseline
from misstep.modeling.budget import Budget, plan_in_time
from misstep.modeling.decisions import Decisions
from misstep.modeling.examples import Examples
from misstep.modeling.held_out import HeldOut, HeldOutExamples
from misstep.modeling.hyperparameters import Hyperparameter, refuse_unknown
from misstep.modeling.learning_curve import LearningCurve
from misstep.modeling.metrics import Scores
from misstep.modeling.model import TrainedModel
from misstep.modeling.options import Needs, Options, TaskName, all_options
from misstep.modeling.plans import Plan
from misstep.modeling.result import FitResult, ForecastResult
from misstep.train import Run, Trainer


@dataclass(frozen=True)
class Setup:
    """A trainer that has learned nothing, and what it is to learn from.

    x: (rows, features); y: (rows, …) as the loss wants it; weights: (rows,) or None. `validation`:
    x, y and weights of the rows that training is judged by, or None. `trainings`: how many like
    this one there are, by their rows, until the model is whole.
    """

    trainer: Trainer
    x: Array
    y: Array
    weights: Array | None = None
    validation: tuple[Any, ...] | None = None
    trainings: float = 1.0


@dataclass(frozen=True)
class Fitted:
    """A model, how its training went, the trainer that can go on, and what it was seen to do."""

    model: TrainedModel
    run: Run
    trainer: Trainer
    learning_curve: LearningCurve | None = None


@dataclass(frozen=True)
class Evaluation:
    """The final model with its scores by split and baseline, and the baselines themselves.

    `errors`: as `test_errors` of `FitResult`; `held_out`, `training_examples`, `watched`: as there.
    """

    model: TrainedModel
    scores: dict[str, Scores] = field(default_factory=dict)
    baselines: Sequence[Baseline] = ()
    forecast: ForecastResult | None = None
    errors: Array | None = None
    held_out: HeldOut | None = None
    training_examples: Examples | None = None
    watched: HeldOutExamples | None = None


@dataclass(frozen=True)
class Resplit:
    """A split with other rows to validate on, and none for the test.

    `validation`: what tells its validation rows from those of other splits, (rows,).
    """

    split: Any
    validation: Array


class Modality(ABC):
    """Data of one kind, with what was asked of them.

    `data`: what is learned from. `source`: as it was read, where that is something else.

    `name`: of the kind. `priority`: whose turn it is to recognize data; the lowest comes first.
    `provides`: which options mean something for such data. `tasks`: that can be asked for.
    `learns_from_samples`: whether the rows beside a sample are learned from their file.
    `not_repaired`: why a training on such data can't be repaired, empty where it can.
    `decisions`, `notes`: made and noticed so far. `test`: rows of their own to be tested on.
    `space`: the hyperparameters of its plan, by name, once there is one. `start`: what came of the
    training that this one goes on from, if any.
    """

    name: ClassVar[str]
    priority: ClassVar[int] = 100
    provides: ClassVar[frozenset[Needs]] = frozenset()
    tasks: ClassVar[frozenset[TaskName]] = frozenset(TaskName)
    not_repaired: ClassVar[str] = ""
    learns_from_samples: ClassVar[bool] = False
    registry: ClassVar[list[type[Modality]]] = []

    def __init__(self, data: Dataset, options: Options, source: Dataset | None = None) -> None:
        self.data = data
        self.source = data if source is None else source
        self.options = options
        self.decisions = Decisions()
        self.budget = Budget.of(options)
        self.notes: list[str] = list(data.notes)
        self.test: Dataset | None = None
        self.space: dict[str, Hyperparameter] = {}
        self.start: FitResult | None = None

    def __init_subclass__(cls, **more: Any) -> None:
        """Register a kind that has a name, in the order of priorities."""
        super().__init_subclass__(**more)
        if "name" in vars(cls):
            Modality.registry.append(cls)
            Modality.registry.sort(key=lambda modality: modality.priority)

    @classmethod
    @abstractmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Modality | None:
        """Return `data` as of this kind, or None where they are not.

        `examples`: the answers, where somebody holds them apart from the rows. Raises ArgumentError
        for options that mean nothing for such data, DataError or StorageError for unfit test rows.
        """

    @abstractmethod
    def split(self) -> Any:
        """Decide which rows are for training, which for validation, which for the test."""

    def resplit(self, split: Any, number: int) -> Resplit | None:
        """Return the rows of a split that are not for the test, dealt out otherwise.

        None that it validated on is validated on again.

        `number`: from 1, of the way. None where there is no other way. For who prepares them with a
        copy, such as `with_hyperparameters` returns.
        """
        return None

    @abstractmethod
    def prepare(self, split: Any) -> Any:
        """Fit on training rows what brings rows to a network, and bring all splits there."""

    @abstractmethod
    def plan(self, prepared: Any) -> Plan:
        """Decide on network, loss, optimizer and how long to train."""

    @abstractmethod
    def setup(self, prepared: Any, plan: Plan) -> Setup:
        """Put together what trains, and what it learns from."""

    def as_asked(self, plan: Plan) -> Plan:
        """Return the plan with the schedule that a person chose, if any."""
        chosen = self.options.schedule
        return plan if chosen is None else replace(plan, schedule=chosen)

    def keeps_start(self, plan: Plan) -> bool:
        """Tell whether weights that training only made worse are left as they began."""
        return False

    def plan_in_time(self, setup: Setup, plan: Plan) -> Plan:
        """Return the plan with as many epochs as fit into the time that a person gave."""
        plan = plan_in_time(self.budget, setup, plan, self.options, self.decisions)
        setup.trainer.schedule = plan.schedule
        return plan

    @abstractmethod
    def fit(self, prepared: Any, plan: Plan, setup: Setup | None = None) -> Fitted:
        """Train. `setup`: where it was put together before."""

    @abstractmethod
    def evaluate(self, prepared: Any, fitted: Fitted) -> Evaluation:
        """Score the model and its baselines on the test rows."""

    def fitted_again(
        self, prepared: Any, trainer: Trainer, run: Run, without: Sequence[int] = ()
    ) -> Fitted:
        """Return the model of a trainer that learned what `setup` put together, in another way.

        `without`: positions of rows that it did not learn from. Raises ArgumentError where such
        data are not learned so.
        """
        raise ArgumentError(
            "repair",
            needed="rows with an answer each",
            got=self.not_repaired or self.source.description,
            try_="misstep diagnose --probe, which says what is the cause",
        )

    def with_hyperparameters(self, values: Mapping[str, Any]) -> Self:
        """Return this kind of data, split and prepared as it is, with other hyperparameters.

        What it decides and notices is its own; plans and fits of it leave this one as it is.
        """
        other = copy(self)
        together = {**(self.options.hyperparameters or {}), **values}
        other.options = replace(self.options, hyperparameters=together or None)
        other.decisions, other.notes, other.space = Decisions(), [], {}
        return other

    def refuse_hyperparameters(self) -> None:
        """Raise ArgumentError for one that the plan, which was made, does not have."""
        refuse_unknown(self.options.hyperparameters or {}, self.space)

    def refuse_options(self) -> None:
        """Raise ArgumentError for the first option that means nothing for such data."""
        refused: dict[str, tuple[str, object]] = {}
        for option in all_options():
            value = getattr(self.options, option.name, option.default)
            if value != option.default and option.needs and option.needs not in self.provides:
                shown = value[0] if isinstance(value, tuple) else value
                refused[option.flag] = option.needs.why(self.source.description), shown
        task = self.options.task
        if task is not None and task not in self.tasks:
            refused["--task"] = Needs.COLUMNS.why(self.source.description), task
        for flag, (needed, shown) in refused.items():
            raise ArgumentError(
                f"{flag} {shown}",
                needed=needed,
                got=self.source.description,
                try_=f"the command without {flag}",
            )
