"""What a record says about a run before it begins: network, loss, optimizer, settings and data.

Facts alone, as a stranger would need them, whatever framework trained. `summaries.py` makes the
summaries of data from arrays; who trains makes the rest. Knows no trainer and no file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

from misstep.errors import FileFormatError

# Of an origin, the face by which a run was asked for, where that was the command line.
COMMAND = "command line"


class Role(StrEnum):
    """What a layer does to what flows through, whatever its framework calls it."""

    AFFINE = "affine"  # a weighted sum: dense, convolution
    ACTIVATION = "activation"  # a function of each entry, or a softmax
    RECURRENT = "recurrent"
    ATTENTION = "attention"
    NORMALIZATION = "normalization"
    EMBEDDING = "embedding"
    DROPOUT = "dropout"  # and other noise
    POOLING = "pooling"
    SHAPE = "shape"  # flattening, reshaping, choosing columns
    CONTAINER = "container"  # holds the layers whose paths begin with its own
    OTHER = "other"


class Task(StrEnum):
    """What the answers are."""

    CLASSES = "classes"  # one of several; the answer is the position of the class
    BINARY = "binary"  # yes or no, for each output
    NUMBERS = "numbers"


@dataclass(frozen=True)
class ParameterDescription:
    """A parameter as it was before the first update.

    `name`: the layer's path and its own name. `learns`: whether training may move it. `fan_in`,
    `fan_out`: what initializers scale by. The rest: of its first numbers.
    """

    name: str
    shape: tuple[int, ...]
    learns: bool = True
    fan_in: int = 1
    fan_out: int = 1
    mean: float = 0.0
    deviation: float = 0.0
    smallest: float = 0.0
    largest: float = 0.0
    # Whether it is a bias, or another vector that stands for no connection.
    is_bias: bool = False


@dataclass(frozen=True)
class LayerDescription:
    """A layer, in the order in which a row passes.

    `path`: its place in the network. `kind`: what the framework calls it (Dense, ReLU, LSTM).
    `shapes`: of one row before and behind it, without the batch. `bounds`: between which its
    outputs lie; None: they are not bounded. `can_die`: whether it is flat at 0 for a whole side, as
    ReLU is. `settings`: plain settings, such as the rate of a dropout. `calls`: how many times
    a row passes it, more than once where one object stands at several places; shapes are those of
    the first.
    """

    path: str
    kind: str
    role: Role
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    parameters: tuple[ParameterDescription, ...] = ()
    bounds: tuple[float, float] | None = None
    can_die: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    calls: int = 1


@dataclass(frozen=True)
class LossDescription:
    """The loss. `takes`: "logits", "probabilities" or "numbers". `reduction`: "mean" or "sum"."""

    kind: str
    task: Task
    takes: str = "numbers"
    reduction: str = "mean"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimizerDescription:
    """The optimizer. `settings`: such as momentum, betas, weight_decay."""

    kind: str
    learning_rate: float
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PartDescription:
    """A schedule, a clipping or a penalty. `settings`: such as limit or strength."""

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureSummary:
    """One input column, or channel, or all columns together.

    Over the rows that the network gets, as it gets them. `constant`: whether all are the same.
    `median`, `spread`: the spread is the median distance from the median, times 1.4826, which for
    normal numbers is their standard deviation. `outliers`: entries farther than 10 spreads from it.
    """

    name: str
    mean: float
    deviation: float
    smallest: float
    largest: float
    median: float = 0.0
    spread: float = 0.0
    missing_share: float = 0.0
    constant: bool = False
    outliers: int = 0
    # Row numbers, counted from 0, of the farthest outliers.
    outlier_rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class InputSummary:
    """What goes into the network.

    `kind`: "numbers", or "positions" where rows are looked up. `columns`: numbers in a row. `axis`:
    what `features` are: "column" or "channel"; `features` leaves out the least remarkable ones
    where there are very many, `constant_count` counts all. `duplicates`: rows that equal another.
    """

    rows: int
    columns: int
    kind: str = "numbers"
    axis: str = "column"
    whole: FeatureSummary | None = None
    features: tuple[FeatureSummary, ...] = ()
    constant_count: int = 0
    duplicates: int = 0


@dataclass(frozen=True)
class AnswerSummary:
    """What is to be learned.

    Of classes `counts` (in the order of `names`); of numbers their `numbers`. `order_share`: how
    much of the order of rows says what the answer is, from 0 (shuffled) to 1 (sorted): of classes
    1 − changes from row to row ÷ changes expected at random, of numbers the correlation of one row
    with the next. `chance_loss`: the loss of the best constant prediction. `levels`: the numbers
    that occur, where they are 20 or fewer, and `level_counts` how often each does. `one_hot`:
    whether each row is one 1 among zeros.
    """

    task: Task
    rows: int
    counts: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    numbers: FeatureSummary | None = None
    order_share: float = 0.0
    chance_loss: float | None = None
    levels: tuple[float, ...] = ()
    level_counts: tuple[int, ...] = ()
    one_hot: bool = False

    @property
    def are_alike(self) -> bool:
        """Return whether all answers are the same, so that a constant one is always right."""
        if self.task is Task.NUMBERS:
            return self.numbers is not None and self.numbers.constant
        # Of more rows than were counted, the others may be of other classes.
        counted = 0 < self.rows <= sum(self.counts)
        return counted and sum(count > 0 for count in self.counts) == 1


@dataclass(frozen=True)
class TellingColumn:
    """The input column that tells most of the answers by itself, from 0 to 1.

    `share`: of the answers' variance, or of the column's between classes. `next_share`: of the
    column that tells most of all others.
    """

    name: str
    share: float
    next_share: float


@dataclass(frozen=True)
class RunDescription:
    """All that a run says of itself before it begins.

    `framework`: who trained. `start_loss`: of the probe rows before the first update.
    `affine`: whether the network was found to be but a straight function of its inputs; None where
    layers that bend are known, or nobody tried. `validation_overlap`: the share of validation rows
    that are also among the training rows. `preparation`: what was done to the data before the
    network got them, as facts by name (columns left out as constant, leaks …). `origin`: where data
    and settings come from, so that the run can be done again: source, options.
    """

    layers: tuple[LayerDescription, ...]
    loss: LossDescription
    optimizer: OptimizerDescription
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    schedule: PartDescription | None = None
    # The factors of the schedule at the start, after each tenth and at the end of the plan.
    schedule_factors: tuple[float, ...] = ()
    clipping: tuple[PartDescription, ...] = ()
    penalties: tuple[PartDescription, ...] = ()
    batch_size: int = 1
    accumulate: int = 1
    updates_per_epoch: int = 1
    epochs: int = 1
    shuffled: bool = True
    # Of what numbers products of dense layers are taken while training.
    precision: str = "float32"
    seed: int = 0
    inputs: InputSummary | None = None
    answers: AnswerSummary | None = None
    validation_inputs: InputSummary | None = None
    validation_answers: AnswerSummary | None = None
    validation_overlap: float | None = None
    telling: TellingColumn | None = None
    start_loss: float | None = None
    affine: bool | None = None
    framework: str = "misstep"
    preparation: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    @cached_property
    def by_path(self) -> dict[str, LayerDescription]:
        """Return the layers by their paths."""
        return {layer.path: layer for layer in self.layers}

    @cached_property
    def effective_layers(self) -> tuple[LayerDescription, ...]:
        """Return the layers that do something, in the order in which a row passes."""
        return tuple(layer for layer in self.layers if layer.role is not Role.CONTAINER)

    @property
    def parameter_count(self) -> int:
        """Return how many parameters the network has."""
        total = 0
        for layer in self.layers:
            for parameter in layer.parameters:
                entries = 1
                for length in parameter.shape:
                    entries *= length
                total += entries
        return total

    @classmethod
    def read(cls, document: Any) -> RunDescription:
        """Return what `plain` gave. Raises FileFormatError for anything else."""
        import pydantic

        try:
            description: RunDescription = _checker().validate_python(document)
            return description
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise FileFormatError(
                f"the description of a run, at {where or 'its beginning'}",
                needed="what a run says of itself",
                got=first["msg"],
            ) from error


@cache
def _checker() -> Any:
    """Return what checks descriptions; making it takes as long as reading many of them."""
    import pydantic

    return pydantic.TypeAdapter(RunDescription)
