"""The contract of an optimizer: pure functions of Values, from one parameter to its next numbers.

An optimizer sees one parameter (in training, the flat array of all), its gradient and its state,
and returns what they become; each step is ops on Values, so that it is part of the program.
Subclassing registers it. Formulas are those of PyTorch's optimizers, so that settings carry over.
Knows no network.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.ops import cast
from misstep.text.names import did_you_mean, hyphenated

_registry: dict[str, type[Optimizer]] = {}

State = dict[str, Value]


@dataclass(frozen=True)
class StepContext:
    """When an update happens, as Values. `count`: this update's number from 1, float64.

    `learning_rate`: float64, too. Scalars are computed in float64 and narrowed only where they meet
    the parameters: 1 − 0.999 in float32 would be off by 6e-5.
    """

    count: Value
    learning_rate: Value


class Optimizer:
    """How a gradient becomes a step. A subclass is a frozen dataclass, `learning_rate` comes first.

    `slots`: names of state as large as the parameters, first 0 (or what `first` says).
    `scalars`: names of state that is one float64 number each, with its first number.

    >>> import misstep as ms
    >>> isinstance(ms.Adam(1e-3), ms.optim.Optimizer), ms.Adam(1e-3).learning_rate
    (True, 0.001)
    """

    learning_rate: float
    # What it is chosen by, as on the command line; of the class's own name where it says nothing.
    name: ClassVar[str] = ""
    slots: ClassVar[tuple[str, ...]] = ()
    scalars: ClassVar[Mapping[str, float]] = {}
    # Names of settings and the range each must lie in, both ends included unless open.
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = hyphenated(cls.__name__)
        _registry[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Raise ArgumentError for a setting that can't work."""
        limits = {"learning_rate": (0.0, math.inf), "weight_decay": (0.0, math.inf), **self.ranges}
        for name, (low, high) in limits.items():
            if not hasattr(self, name):
                continue
            number: Any = getattr(self, name)
            wrong = not isinstance(number, int | float) or isinstance(number, bool)
            if wrong or math.isnan(number) or math.isinf(number) or not low <= number <= high:
                raise ArgumentError(
                    f"{name} of {type(self).__name__}",
                    needed=f"a number from {low:g} to {high:g}"
                    if high < math.inf
                    else f"a number of {low:g} or more",
                    got=repr(number),
                )
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            setting: Any = getattr(self, field.name)
            if field.type == "bool" and not isinstance(setting, bool):
                raise ArgumentError(
                    f"{field.name} of {type(self).__name__}",
                    needed="True or False",
                    got=repr(setting),
                )

    def used_slots(self) -> tuple[str, ...]:
        """Return the names of the state that these settings need."""
        return self.slots

    def first(self, name: str) -> float:
        """Return the number that the slot `name` is filled with before the first update."""
        return 0.0

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the parameter's next numbers and the next state.

        `state` holds one Value for each of `used_slots()` and of `scalars`.
        """
        raise NotImplementedError

    def configuration(self) -> dict[str, Any]:
        """Return the class and the settings as plain JSON."""
        settings = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        }
        return {"kind": type(self).__name__, **settings}

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        """Yield settings that must work; the sweep runs and compares all of them."""
        raise NotImplementedError


def registered_optimizers() -> dict[str, type[Optimizer]]:
    """Return every optimizer by the name of its class, sorted."""
    return dict(sorted(_registry.items()))


def optimizer_names() -> list[str]:
    """Return what optimizers are chosen by, sorted; a class of a caller's own is among them."""
    return sorted(cls.name for cls in _registry.values())


def optimizer_named(name: str, **settings: Any) -> Optimizer:
    """Return the optimizer that `name` says, with these settings.

    Raises ArgumentError, with the nearest word, for a name or a setting that there is not.

    >>> from misstep.optim import optimizer_named
    >>> optimizer_named("sgd", momentum=0.9)
    SGD(learning_rate=0.01, momentum=0.9, nesterov=False, weight_decay=0.0)
    """
    by_name = {cls.name: cls for cls in _registry.values()}
    if name not in by_name:
        raise ArgumentError(
            "the optimizer",
            needed=", ".join(optimizer_names()),
            got=repr(name),
            try_=did_you_mean(str(name), optimizer_names()),
        )
    cls = by_name[name]
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for setting in settings:
        if setting not in known:
            raise ArgumentError(
                f"the optimizer {name}",
                needed=f"settings among {', '.join(known)}",
                got=setting,
                try_=did_you_mean(setting, known),
            )
    return cls(**settings)


def with_decay(gradient: Value, parameter: Value, weight_decay: float) -> Value:
    """Return the gradient plus `weight_decay` times the parameter: the slope of an L2 penalty."""
    return gradient + parameter * weight_decay if weight_decay else gradient


def scalar(value: Value, like: Value) -> Value:
    """Return a float64 scalar in the dtype of `like`."""
    return cast(value, like.dtype)
