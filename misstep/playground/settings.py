"""`Settings`: everything that can be chosen in the playground, checked, and what it makes.

A network, a trainer and rows follow from settings alone. Knows no state of training, and no page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, ClassVar

from misstep.errors import ArgumentError
from misstep.nn import Module, Network
from misstep.optim import L1, L2, ClipNorm, ClipValue, Optimizer, optimizer_named, optimizer_names
from misstep.playground.layers import ACTIVATIONS, INITIALIZATIONS, NORMALIZATIONS, made_layers
from misstep.playground.problems.problem import OWN, Problem, problem_named, problem_names
from misstep.text.names import did_you_mean
from misstep.train import Trainer

__all__ = ["ACTIVATIONS", "INITIALIZATIONS", "Settings"]

CLIPPINGS = ("norm", "value")
# What a person can look at, and what a core takes in a few milliseconds.
MOST_LAYERS, MOST_UNITS = 12, 64
MOST_ROWS = 5_000
LARGEST = 1e6


def _setting(default: Any, words: str, **facts: Any) -> Any:
    """Return a field: its default, what it is in words, and what values it takes.

    `facts`: `low`, `high` of a number, `choices` of a word, `keeps`: whether it may be changed
    while weights stay, `key`: in links.
    """
    return field(default=default, metadata={"words": words, **facts})


@dataclass(frozen=True)
class Settings:
    """What is learned, by which network, and how. Raises ArgumentError for what can't be.

    >>> settings = Settings(problem="moons", layers=(4,), activation="relu")
    >>> settings.network_words
    '2 → 4 relu → 1'
    """

    problem: str = _setting("circles", "what is to be learned", key="p")
    rows: int = _setting(200, "rows to learn from", low=2, high=MOST_ROWS, key="r")
    noise: float = _setting(0.1, "noise in the rows", low=0.0, high=1.0, key="n")
    data_seed: int = _setting(0, "seed of the rows", low=0, high=2**31 - 1, key="ds")
    input_scale: float = _setting(
        1.0, "times which inputs are what they are", low=1e-4, high=1e4, key="x"
    )
    standardize: bool = _setting(
        False, "bring inputs to mean 0 and deviation 1, in front of the network", key="z"
    )
    layers: tuple[int, ...] = _setting((8, 8), "units of the hidden layers", key="l")
    activation: str = _setting(
        "tanh", "activation of hidden units", choices=tuple(ACTIVATIONS), keeps=True, key="a"
    )
    normalization: str = _setting(
        "none", "normalization before activations", choices=NORMALIZATIONS, key="nn"
    )
    residual: bool = _setting(
        False, "shortcuts around hidden layers as wide as what they get", key="rs"
    )
    initialization: str = _setting(
        "suited", "how first weights are drawn", choices=tuple(INITIALIZATIONS), key="i"
    )
    initialization_scale: float = _setting(
        1.0, "times which first weights are what they are", low=0.0, high=100.0, key="is"
    )
    bias: float = _setting(0.0, "first bias of hidden units", low=-100.0, high=100.0, key="b")
    seed: int = _setting(
        0, "seed of first weights, order and dropout", low=0, high=2**31 - 1, key="s"
    )
    optimizer: str = _setting(
        "sgd", "optimizer", choices=tuple(optimizer_names()), keeps=True, key="o"
    )
    learning_rate: float = _setting(
        0.1, "learning rate", low=0.0, high=LARGEST, keeps=True, key="lr"
    )
    momentum: float = _setting(0.0, "momentum of sgd", low=0.0, high=1.0, keeps=True, key="m")
    weight_decay: float = _setting(
        0.0,
        "share by which weights shrink, times the rate",
        low=0.0,
        high=10.0,
        keeps=True,
        key="wd",
    )
    batch_size: int = _setting(
        10, "rows that an update learns from", low=1, high=MOST_ROWS, keeps=True, key="bs"
    )
    l1: float = _setting(
        0.0, "strength of the L1 penalty", low=0.0, high=10.0, keeps=True, key="l1"
    )
    l2: float = _setting(
        0.0, "strength of the L2 penalty", low=0.0, high=10.0, keeps=True, key="l2"
    )
    dropout: float = _setting(
        0.0, "share of hidden units dropped in training", low=0.0, high=0.9, keeps=True, key="d"
    )
    clipping: float = _setting(
        0.0,
        "length that gradients are clipped to; 0: none",
        low=0.0,
        high=LARGEST,
        keeps=True,
        key="c",
    )
    clipping_by: str = _setting(
        "norm",
        "what is clipped: the length, or each entry",
        choices=CLIPPINGS,
        keeps=True,
        key="cb",
    )

    #: Fields that change nothing of the shapes, so that training may go on with others.
    KEEPING: ClassVar[frozenset[str]]

    def __post_init__(self) -> None:
        """Check every field, and bring numbers to their kind."""
        for one in fields(self):
            object.__setattr__(self, one.name, _checked(one, getattr(self, one.name)))
        if self.problem != OWN and self.problem not in problem_names():
            raise ArgumentError(
                "the problem of the playground",
                needed=", ".join(problem_names()),
                got=repr(self.problem),
                try_=did_you_mean(str(self.problem), problem_names()),
            )
        if self.momentum and self.optimizer != "sgd":
            raise ArgumentError(
                "momentum of the playground",
                needed="the optimizer sgd, which alone has it apart",
                got=f"{self.momentum:g} with {self.optimizer}",
                try_="momentum 0, or sgd",
            )

    # --- to and from plain JSON -------------------------------------------------------------------

    def plain(self) -> dict[str, Any]:
        """Return the fields as plain JSON."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {"layers": list(self.layers)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Settings:
        """Return settings from what `plain` gives; fields that are left out are as by default.

        Raises ArgumentError for a name or a value that there is not.
        """
        return cls().changed(plain)

    def changed(self, other: Mapping[str, Any]) -> Settings:
        """Return these settings with other values. Raises ArgumentError."""
        names = [one.name for one in fields(self)]
        for name in other:
            if name not in names:
                raise ArgumentError(
                    "a setting of the playground",
                    needed=f"one of {', '.join(names)}",
                    got=repr(name),
                    try_=did_you_mean(str(name), names),
                )
        return replace(self, **dict(other))

    def differences(self, other: Settings) -> dict[str, Any]:
        """Return the fields that `other` has otherwise, with its values."""
        return {
            one.name: getattr(other, one.name)
            for one in fields(self)
            if getattr(self, one.name) != getattr(other, one.name)
        }

    def keeps_weights(self, other: Settings) -> bool:
        """Return whether training may go on with `other` from the weights that these came to."""
        return set(self.differences(other)) <= self.KEEPING

    @classmethod
    def described(cls) -> list[dict[str, Any]]:
        """Return for each field what it is, as plain JSON: a page makes its controls of these."""
        made = []
        for one in fields(cls):
            default = list(one.default) if isinstance(one.default, tuple) else one.default
            facts = {name: value for name, value in one.metadata.items() if name != "key"}
            choices = facts.get("choices")
            made.append(
                {
                    "name": one.name,
                    "type": _KINDS[one.name].__name__,
                    "default": default,
                    **facts,
                    **({} if choices is None else {"choices": list(choices)}),
                    "keeps": bool(facts.get("keeps")),
                    **(_OF_LAYERS if one.name == "layers" else {}),
                    **({"choices": problem_names()} if one.name == "problem" else {}),
                }
            )
        return made

    # --- what they make ---------------------------------------------------------------------------

    def made_problem(self, own: Problem | None = None) -> Problem:
        """Return the rows; `own`: those that a person brought. Raises ArgumentError without any."""
        if self.problem != OWN:
            return (
                problem_named(self.problem)
                .made(self.rows, self.noise, self.data_seed)
                .scaled(self.input_scale)
            )
        if own is None:
            raise ArgumentError(
                "the problem of the playground",
                needed="the data that it was made with",
                got="none",
                try_="misstep play with that file",
            )
        return own.scaled(self.input_scale)

    def module(self, problem: Problem) -> Module:
        """Return the layers, none of them shared with those of another call."""
        return made_layers(self, problem)

    def made_optimizer(self) -> Optimizer:
        """Return the optimizer."""
        more = {"momentum": self.momentum} if self.momentum else {}
        return optimizer_named(
            self.optimizer, learning_rate=self.learning_rate, weight_decay=self.weight_decay, **more
        )

    def training(self) -> dict[str, Any]:
        """Return how a Trainer trains, by the names of its arguments."""
        penalties = [one for one in (L1(self.l1), L2(self.l2)) if one.strength]
        clip = ClipNorm if self.clipping_by == "norm" else ClipValue
        return {
            "optimizer": self.made_optimizer(),
            "clipping": clip(self.clipping) if self.clipping else (),
            "regularizers": penalties,
            "batch_size": self.batch_size,
        }

    def trainer(self, problem: Problem) -> Trainer:
        """Return a Trainer that has learned nothing, on one thread."""
        network = Network(self.module(problem), problem.train.x.shape[1:], seed=self.seed)
        return Trainer(network, loss=problem.loss, seed=self.seed, threads=1, **self.training())

    @property
    def network_words(self) -> str:
        """Return the layers in one line; toy problems only know how many inputs there are."""
        toy = None if self.problem == OWN else problem_named(self.problem)
        inputs = "inputs" if toy is None else str(len(toy.features))
        outputs = (
            "outputs"
            if toy is None
            else str(max(len(toy.classes), 1) if len(toy.classes) != 2 else 1)
        )
        hidden = [f"{units} {self.activation}" for units in self.layers]
        return " → ".join([inputs, *hidden, outputs])


_OF_LAYERS = {"low": 1, "high": MOST_UNITS, "most": MOST_LAYERS}
_KINDS: dict[str, type] = {
    one.name: tuple if isinstance(one.default, tuple) else type(one.default)
    for one in fields(Settings)
}
Settings.KEEPING = frozenset(one.name for one in fields(Settings) if one.metadata.get("keeps"))


def _checked(one: Field[Any], value: Any) -> Any:
    """Return a field's value, of its kind and within its limits. Raises ArgumentError."""
    kind, facts = _KINDS[one.name], one.metadata
    called = f"{one.name} of the playground"
    if kind is tuple:
        return tuple(_units(called, value))
    if kind is bool:
        if not isinstance(value, bool):
            raise ArgumentError(called, needed="true or false", got=repr(value))
        return value
    if kind is str:
        choices = facts.get("choices")
        if not isinstance(value, str) or (choices and value not in choices):
            listed = "a word" if not choices else f"one of {', '.join(choices)}"
            hint = did_you_mean(str(value), choices) if choices else None
            raise ArgumentError(called, needed=listed, got=repr(value), try_=hint)
        return value
    low, high = facts["low"], facts["high"]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared as it is: a whole number of a thousand digits is no float.
    fits = is_number and low <= value <= high
    if not fits or (kind is int and value != int(value)):
        what = "a whole number" if kind is int else "a number"
        needed = f"{what} from {low:g} to {high:,g}"
        raise ArgumentError(called, needed=needed, got=repr(value)[:80])
    return kind(value)


def _units(called: str, value: Any) -> Iterator[int]:
    """Yield the units of each hidden layer. Raises ArgumentError."""
    if not isinstance(value, tuple | list) or len(value) > MOST_LAYERS:
        raise ArgumentError(
            called, needed=f"up to {MOST_LAYERS} numbers of units, as in [8, 8]", got=repr(value)
        )
    for units in value:
        is_number = isinstance(units, int | float) and not isinstance(units, bool)
        if not is_number or not 1 <= units <= MOST_UNITS or units != int(units):
            needed = f"units from 1 to {MOST_UNITS} in each layer"
            raise ArgumentError(called, needed=needed, got=repr(units)[:80])
        yield int(units)
