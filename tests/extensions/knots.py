"""A kind of data, an option, a metric, an optimizer and a loss that misstep does not know.

Written as somebody outside of the package would: no other file is touched for them. Knots are texts
such as `1.5 -2 > 0.25`, numbers and an answer in a line of a .knots file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from misstep import ops
from misstep.data import Dataset, Preprocessing, Reader, Target, recognize_target
from misstep.data.dataset import hashed_rows
from misstep.errors import DataError
from misstep.ir import Array, Value
from misstep.modeling import Examples, Face, Metric, Options, Plan, Planner, RowModality, option
from misstep.modeling.metrics import Outcome
from misstep.modeling.modalities import Prepared
from misstep.modeling.plans import plan_table
from misstep.nn.losses import Loss
from misstep.optim import Optimizer
from misstep.optim.optimizer import State, StepContext, scalar


@dataclass(frozen=True)
class Knots(Dataset):
    """Numbers (rows, knots) and answers (rows,)."""

    numbers: Array
    tied: Array
    notes: list[str] = field(default_factory=list)

    description: ClassVar[str] = "knots"
    sample_name: ClassVar[str] = "rope"

    def __len__(self) -> int:
        return len(self.numbers)

    def describe(self) -> str:
        return f"{len(self)} ropes"

    def take(self, rows: Array) -> Knots:
        return Knots(self.numbers[rows], self.tied[rows])

    def answers(self, target: str) -> Any:
        return self.tied

    def cells(self, target: str) -> list[Any]:
        return list(self.numbers[0])

    def fingerprints(self) -> Array:
        return hashed_rows(self.numbers)


class KnotReader(Reader):
    """Reads .knots files."""

    priority = 5

    def recognizes(self, source: str) -> bool:
        return source.endswith(".knots")

    def read(self, source: str) -> Knots:
        lines = [line.split(">") for line in Path(source).read_text().splitlines()]
        numbers = [[float(word) for word in left.split()] for left, _ in lines]
        return Knots(np.array(numbers), np.array([float(right) for _, right in lines]))


@dataclass(frozen=True)
class KnotScaling(Preprocessing):
    """Divides all numbers by the largest."""

    width: int
    largest: float

    stored_as: ClassVar[str] = "knots"
    sample_name: ClassVar[str] = "rope"

    @property
    def feature_names(self) -> list[str]:
        return [f"knot {number}" for number in range(self.width)]

    @property
    def number_of_features(self) -> int:
        return self.width

    def encode(self, data: Any, target: str = "") -> tuple[Array, list[str]]:
        return (data.numbers / self.largest).astype("float32"), []

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        if not isinstance(dataset, Knots):
            raise DataError(source, needed="knots", got=dataset.description)
        return dataset


@dataclass(frozen=True)
class KnotOptions(Options):
    """How dark the knots are."""

    shade: int | None = option(
        None, "How dark the knots are.", metavar="N", type_=int, faces=Face.EVERYWHERE
    )


class KnotModality(RowModality):
    """Knots are learned as a table of numbers is."""

    name: ClassVar[str] = "knots"
    priority: ClassVar[int] = 10

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Self | None:
        return cls(data, options, examples) if isinstance(data, Knots) else None

    def read_examples(self) -> Examples:
        assert isinstance(self.data, Knots)
        target = recognize_target(self.data.tied, "strength")
        return Examples(self.data, np.arange(len(self.data)), self.data.tied, target)

    def preprocess(self, train: Examples, target: Target) -> KnotScaling:
        assert isinstance(train.data, Knots)
        shade = getattr(self.options, "shade", None)
        self.decisions.add("shade", shade, "you chose it")
        numbers = train.data.numbers
        return KnotScaling(numbers.shape[1], float(np.abs(numbers).max()))

    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        return plan_table(planner)

    def names_of(self, rows: Array) -> Sequence[str]:
        return [f"rope {row}" for row in rows]


class Farthest(Metric):
    """The largest error."""

    name, title, of_numbers, is_error = "farthest", "farthest", True, True

    def compute(self, outcome: Outcome) -> float:
        return float(np.abs(outcome.predicted - outcome.truth).max())

    def figure(self, score: float) -> str:
        return f"{score:.3f}"


@dataclass(frozen=True)
class Crawl(Optimizer):
    """Steps of one length, against the gradient's sign."""

    learning_rate: float = 0.005

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        return parameter - scalar(context.learning_rate, parameter) * ops.sign(gradient), {}

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        yield cls()


@dataclass(frozen=True)
class FourthPower(Loss):
    """The fourth power of the error."""

    def per_row(self, prediction: Value, target: Value) -> Value:
        return ops.mean((prediction - target) ** 4, axis=-1)
