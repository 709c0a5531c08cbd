"""`Options`: everything a person may ask of a training, declared once, for every face.

Each option is a field with its help, its name on the command line and in the estimators, and a
check. The command line and the estimators make their arguments from these fields; to add an option
is to add a field here, or in a subclass of `Options` elsewhere, and to use it. Knows words and
numbers, no data, and imports nothing that would keep --help waiting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from enum import Flag, StrEnum
from importlib import import_module
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misstep.errors import ArgumentError
from misstep.text.units import bytes_from_words

if TYPE_CHECKING:
    from misstep.data import Dataset
    from misstep.nn import Module
    from misstep.nn.losses import Loss
    from misstep.optim import Optimizer, Schedule
    from misstep.train import Callback, Progress

# The extensions of `Options`, in the order in which they were written.
_EXTENSIONS: list[type[Options]] = []


class Face(Flag):
    """Where an option can be given."""

    COMMAND = 1
    CLASSIFIER = 2
    REGRESSOR = 4
    FORECASTER = 8
    ROWS = CLASSIFIER | REGRESSOR
    ESTIMATORS = ROWS | FORECASTER
    EVERYWHERE = COMMAND | ESTIMATORS


class Needs(StrEnum):
    """What data must be for an option to mean something, as it is said to people."""

    ANYTHING = ""
    COLUMNS = "a table"
    IMAGES = "images"

    def why(self, modality: str) -> str:
        """Return what is needed, for whoever has data of a modality instead."""
        brought = f", since {modality} bring answers of their own"
        return f"{self}{brought}" if self is Needs.COLUMNS else str(self)


class TaskName(StrEnum):
    """What to make of a target that could be either."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    FORECAST = "forecast"


@dataclass(frozen=True)
class Option:
    """One option: its name, type and default, how it is explained and what values it takes.

    `name`: the field of `Options`. `type`: of a value on the command line. `flag`: there, such as
    "--batch-size". `argument`: in an estimator. `metavar`: what its value is called in help.
    `needed`: what a value must be, in words; `accepts`: tells whether one is that; `advice`: what
    to try instead.
    `needs`: for which data it is.
    """

    name: str
    type: type
    default: Any
    help: str
    metavar: str | None
    flag: str
    argument: str
    faces: Face
    needs: Needs
    needed: str
    accepts: Callable[[Any], bool]
    advice: str | None

    def check(self, value: Any, called: str) -> None:
        """Raise ArgumentError for a value that this option does not take; `called`: its name."""
        if value is not self.default and not self.accepts(value):
            # Nobody can give None on a command line.
            plain = called.startswith("--")
            needed = self.needed.removesuffix(", or None") if plain else self.needed
            raise ArgumentError(called, needed=needed, got=_shown(value), try_=self.advice)


def option(
    default: Any,
    help_text: str,
    *,
    type_: type = str,
    faces: Face = Face.COMMAND,
    metavar: str | None = None,
    flag: str | None = None,
    argument: str | None = None,
    needs: Needs = Needs.ANYTHING,
    needed: str = "",
    accepts: Callable[[Any], bool] = lambda value: True,
    advice: str | None = None,
) -> Any:
    """Return a field of `Options`; the arguments are those of `Option`."""
    return field(
        default=default,
        metadata={
            "help": help_text,
            "type": type_,
            "advice": advice,
            "faces": faces,
            "metavar": metavar,
            "flag": flag,
            "argument": argument,
            "needs": needs,
            "needed": needed,
            "accepts": accepts,
        },
    )


def is_count(value: Any) -> bool:
    """Tell whether a value is a whole number of 1 or more."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def is_share(value: Any) -> bool:
    """Tell whether a value is a number from 0 to below 1."""
    return _is_number(value) and 0 <= float(value) < 1


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value) and float(value) > 0


def _are_loggers(words: str) -> bool:
    # Loaded where it is asked for.
    return bool(import_module("misstep.loggers").are_destinations(words))


def _is_a(value: Any, room: str, name: str) -> bool:
    """Tell whether a value is of a class of another room, which is imported for that only."""
    return isinstance(value, getattr(import_module(f"misstep.{room}"), name))


_COUNT: Mapping[str, Any] = {"needed": "a whole number of 1 or more, or None", "accepts": is_count}
_SHARE: Mapping[str, Any] = {
    "needed": "a share, 0 or more and less than 1, or None",
    "accepts": lambda value: value is None or is_share(value),
}


@dataclass(frozen=True)
class Options:
    """What a person asked for; what is None is left to the plan for the kind of data.

    Subclasses that are dataclasses add options of their own, found everywhere once written.
    """

    target: str | None = option(
        None, "The column to predict.", metavar="COLUMN", needs=Needs.COLUMNS
    )
    task: TaskName | None = option(
        None,
        "What to make of a target that could be either classes or numbers, or of rows that follow "
        "each other in time.",
        type_=TaskName,
    )
    horizon: int | None = option(
        None,
        "How many steps to forecast, where rows follow in time.",
        metavar="H",
        needs=Needs.COLUMNS,
        faces=Face.COMMAND | Face.FORECASTER,
        type_=int,
    )
    season: int | None = option(
        None,
        "After how many steps a series repeats; 0: never.",
        metavar="S",
        needs=Needs.COLUMNS,
        faces=Face.COMMAND | Face.FORECASTER,
        type_=int,
    )
    only: str | None = option(
        None,
        "Take only the rows that hold this value, as in Ticker=KO.",
        metavar="COLUMN=VALUE",
        needs=Needs.COLUMNS,
    )
    test: str | Dataset | None = option(
        None,
        "A table, or a folder of images by class, to be judged on. Without it a fifth of the rows "
        "is set apart.",
        metavar="PATH",
    )
    folds: int | None = option(
        None,
        "Deal the rows out into so many parts as well, and judge on each a training on the others: "
        "how far the scores vary is what one split leaves to chance.",
        metavar="K",
        needed="a whole number of 2 or more",
        accepts=lambda value: is_count(value) and int(value) >= 2,
        type_=int,
    )
    without: tuple[str, ...] = option(
        (),
        "A column not to learn from, such as one that is known only afterwards. May be given "
        "several times.",
        metavar="COLUMN",
        needs=Needs.COLUMNS,
    )
    groups: str | None = option(
        None,
        "A column that says which rows belong together, such as the person they are of: no group "
        "is both learned from and judged on, and the column itself is not learned from.",
        metavar="COLUMN",
        needs=Needs.COLUMNS,
    )
    sequence_of: str | None = option(
        None,
        "For a long table, with a line for each step: the column that says which sequence a line "
        "belongs to.",
        metavar="COLUMN",
        needs=Needs.COLUMNS,
    )
    network: str | Module | None = option(
        None,
        "Layers in one line, such as dense128-drop0.1-dense64-tanh, or an ONNX file whose network "
        "is trained on.",
        metavar="TEXT",
        faces=Face.EVERYWHERE,
        needed="a line such as 'dense64-dense32', a module or None",
        accepts=lambda value: isinstance(value, str) or _is_a(value, "nn", "Module"),
    )
    train_last: int | None = option(
        None,
        "How many of the last layers of the network in an ONNX file are trained; without it all.",
        metavar="N",
        **_COUNT,
        type_=int,
    )
    vectors: Path | None = option(
        None,
        "Vectors of words (GloVe or word2vec as text) that the embed layer of --network starts "
        "from.",
        metavar="FILE",
        type_=Path,
    )
    loss: str | Loss | None = option(
        None,
        "What training makes small, by name, such as huber.",
        metavar="NAME",
        faces=Face.COMMAND | Face.ROWS,
        needed="the name of a loss, an ms.losses.Loss or None",
        accepts=lambda value: isinstance(value, str) or _is_a(value, "nn.losses", "Loss"),
    )
    optimizer: str | Optimizer | None = option(
        None,
        "How weights are moved, by name, such as sgd.",
        metavar="NAME",
        faces=Face.EVERYWHERE,
        needed="the name of an optimizer, an ms.optim.Optimizer or None",
        accepts=lambda value: isinstance(value, str) or _is_a(value, "optim", "Optimizer"),
    )
    schedule: Schedule | None = option(
        None,
        "How the learning rate moves while training goes on, such as ms.optim.ConstantRate().",
        faces=Face.ESTIMATORS,
        needed="an ms.optim.Schedule or None",
        accepts=lambda value: _is_a(value, "optim", "Schedule"),
        type_=object,
    )
    callbacks: Sequence[Callback] | None = option(
        None,
        "Who is called while training goes on.",
        faces=Face.ESTIMATORS,
        needed="a list of ms.Callback, or None",
        accepts=lambda value: (
            isinstance(value, list | tuple)
            and all(_is_a(each, "train", "Callback") for each in value)
        ),
        type_=object,
    )
    warm_start: bool = option(
        False,
        "Whether fit goes on from the weights of the last fit, with its preprocessing, instead of "
        "anew; the optimizer begins afresh.",
        faces=Face.ROWS,
        needed="True or False",
        accepts=lambda value: isinstance(value, bool),
        type_=bool,
    )
    epochs: int | None = option(
        None,
        "Passes over the training rows (epochs). Without it training stops by itself.",
        metavar="N",
        faces=Face.EVERYWHERE,
        **_COUNT,
        type_=int,
    )
    minutes: float | None = option(
        None,
        "Minutes that training may take: as many epochs are done as fit, and the learning rate "
        "falls to its end in them.",
        metavar="M",
        faces=Face.EVERYWHERE,
        needed="a number above 0, or None",
        advice="0.5",
        accepts=_is_positive,
        type_=float,
    )
    batch_size: int | None = option(
        None,
        "Rows that make one step together.",
        metavar="N",
        faces=Face.EVERYWHERE,
        **_COUNT,
        type_=int,
    )
    shuffle: bool = option(
        True,
        "Whether each epoch goes through the rows in an order of its own; otherwise all take them "
        "in the order given.",
        flag="--shuffle/--no-shuffle",
        faces=Face.EVERYWHERE,
        needed="True or False",
        accepts=lambda value: isinstance(value, bool),
        type_=bool,
    )
    learning_rate: float | None = option(
        None,
        "Learning rate of the first step.",
        metavar="X",
        faces=Face.EVERYWHERE,
        needed="a number above 0, or None",
        advice="0.001",
        accepts=_is_positive,
        type_=float,
    )
    hyperparameters: Mapping[str, Any] | None = option(
        None,
        "A hyperparameter that the plan would decide, by its name, such as dropout and 0.2; "
        "misstep check --hyperparameters lists them. Any number of them.",
        metavar="NAME=VALUE",
        flag="--set",
        faces=Face.EVERYWHERE,
        needed="a dictionary of names and values, or None",
        accepts=lambda value: isinstance(value, Mapping),
        type_=dict,
    )
    class_weight: Any = option(
        None,
        '"balanced", or weights by label: how much a row of each class counts.',
        faces=Face.CLASSIFIER,
    )
    calibrated: bool = option(
        False,
        "Whether probabilities are calibrated by the validation rows: raw outputs are divided by a "
        "number where that helps beyond noise; decisions_ tells.",
        faces=Face.CLASSIFIER,
        needed="True or False",
        accepts=lambda value: isinstance(value, bool),
        type_=bool,
    )
    validation_fraction: float | None = option(
        0.1,
        "Share of the rows that is not learned from and tells when to stop; 0 or None: none, all "
        "epochs are done.",
        faces=Face.ESTIMATORS,
        **_SHARE,
        type_=float,
    )
    test_fraction: float = option(
        0.2,
        "Share of the rows that is judged on and not learned from, of a series the newest ones; "
        "0: none, and then a forecast has no interval.",
        metavar="SHARE",
        flag="--test-share",
        faces=Face.COMMAND | Face.FORECASTER,
        needed="a share, 0 or more and less than 1",
        accepts=is_share,
        type_=float,
    )
    patience: int | None = option(
        None,
        "Epochs without a better validation loss until training stops.",
        faces=Face.ESTIMATORS,
        **_COUNT,
        type_=int,
    )
    augment: str | None = option(
        None,
        "How images are changed while they are learned: none, or words such as flip-shift-cutout.",
        metavar="TEXT",
        faces=Face.COMMAND | Face.CLASSIFIER,
        needs=Needs.IMAGES,
        needed="words such as 'flip-shift', or None",
        accepts=lambda value: isinstance(value, str),
    )
    seed: int = option(
        0,
        "Seed of the random numbers: the same seed gives the same bits.",
        metavar="N",
        argument="random_state",
        faces=Face.EVERYWHERE,
        needed="0 to 2**32 - 1",
        accepts=lambda value: _is_number(value) and 0 <= value < 2**32,
        type_=int,
    )
    threads: int | None = option(
        None,
        "Threads to use at most; the results do not depend on it.",
        metavar="N",
        faces=Face.EVERYWHERE,
        **_COUNT,
        type_=int,
    )
    shards: int | None = option(
        None,
        "Parts of each batch that as many processes can share out, under mpiexec; a power of two.",
        metavar="N",
        faces=Face.COMMAND,
        needed="a power of two from 1 to 4096, or None",
        accepts=lambda value: value is None or (is_count(value) and value & (value - 1) == 0),
        type_=int,
    )
    precision: str = option(
        "float32",
        "bfloat16: operands of products of dense layers have 8 significant bits while training. "
        "Quicker for wide layers on processors with AVX-512 BF16; the same bits on all.",
        metavar="NAME",
        faces=Face.EVERYWHERE,
        needed="'float32' or 'bfloat16'",
        accepts=lambda value: value in ("float32", "bfloat16"),
    )
    track: str | None = option(
        None,
        "Who is told of each epoch: csv, jsonl, tensorboard, mlflow, with commas between. Files go "
        "to the run's folder, or to a place as in csv=FILE; mlflow=http://HOST:5000 is a server.",
        metavar="NAMES",
        needed="of csv, jsonl, tensorboard, mlflow some, with commas between",
        accepts=lambda value: isinstance(value, str) and _are_loggers(value),
    )
    folder: Path | str | None = option(
        None,
        "The run's folder. Without it runs/ and the name of SOURCE.",
        metavar="DIR",
        flag="--out",
        type_=Path,
    )
    memory: str | int | None = option(
        None,
        "What rows may take of memory, such as 4GB: more are prepared in a file, and read from "
        "there. Without it half of what is available.",
        metavar="SIZE",
        needed="a size such as 4GB, or None",
        advice="4GB",
        accepts=lambda value: bytes_from_words(str(value)) is not None,
    )
    prepared: Path | str | None = option(
        None,
        "The folder where rows that do not fit into memory are prepared, for other runs as well. "
        "Without it one in the run's folder.",
        metavar="DIR",
        type_=Path,
    )
    resume: bool = option(False, "Go on with the run in the folder where it was left.", type_=bool)
    origin: Mapping[str, Any] | None = option(
        None,
        "Where data and options come from, for the record: the face, and what it was given.",
        faces=Face(0),
        type_=dict,
    )
    progress: bool | Progress = option(
        False,
        "Whether to show how training goes on.",
        faces=Face.ESTIMATORS,
        needed="True or False",
        accepts=lambda value: isinstance(value, bool) or _is_a(value, "train", "Progress"),
        type_=bool,
    )

    def __init_subclass__(cls, **more: Any) -> None:
        """Take the subclass among those whose options are found everywhere."""
        super().__init_subclass__(**more)
        if cls.__module__ != __name__:
            _EXTENSIONS.append(cls)

    @property
    def wants_forecast(self) -> bool:
        """Tell whether a forecast was asked for, by name or by what only a forecast has."""
        asked = self.horizon is not None or self.season is not None
        return self.task == TaskName.FORECAST or asked

    @property
    def validation_share(self) -> float:
        """Return the share of validation rows, 0 where there shall be none."""
        return self.validation_fraction or 0.0


def all_options(face: Face = Face.EVERYWHERE) -> Iterator[Option]:
    """Yield the options that can be given at `face`, in the order of their fields."""
    declarations: list[type[Options]] = [Options, *_EXTENSIONS]
    known: dict[str, Field[Any]] = {}
    for declared in declarations:
        known |= {each.name: each for each in fields(declared) if each.name not in known}
    for each in known.values():
        about = each.metadata
        if about["faces"] & face:
            yield Option(
                name=each.name,
                type=about["type"],
                default=each.default,
                help=about["help"],
                metavar=about["metavar"],
                flag=about["flag"] or f"--{each.name.replace('_', '-')}",
                argument=about["argument"] or each.name,
                faces=about["faces"],
                needs=about["needs"],
                needed=about["needed"],
                accepts=about["accepts"],
                advice=about["advice"],
            )


def make_options(**values: Any) -> Options:
    """Return options, those of extensions among them.

    Raises TypeError for an option that is not there.
    """
    if not _EXTENSIONS:
        return Options(**values)
    # A dataclass of all extensions together takes the fields of each.
    bases = tuple(reversed(_EXTENSIONS))
    together: Any = dataclass(frozen=True)(type("AllOptions", bases, {"__module__": __name__}))
    options: Options = together(**values)
    return options


def check_options(options: Options, *, by_flag: bool = False) -> None:
    """Raise ArgumentError for a value that an option does not take.

    `by_flag`: whether the message calls options as the command line does, with their values.
    """
    for each in all_options():
        value = getattr(options, each.name, each.default)
        each.check(value, f"{each.flag} {value}" if by_flag else each.name)


def _shown(value: Any) -> str:
    return str(value) if type(value) in (int, float) else repr(value)[:100]
