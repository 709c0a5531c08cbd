"""Stochastic gradient descent, with momentum and Nesterov's variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.optim.optimizer import Optimizer, State, StepContext, scalar, with_decay


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: w ← w − η v, where v ← μ v + g (no momentum: v = g; Nesterov: g + μ v).

    `learning_rate` η; `momentum` μ from 0 to 1 (Polyak, 1964); `nesterov` looks ahead (Sutskever
    and others, 2013); `weight_decay` adds that share of w to the gradient.

    >>> import misstep as ms
    >>> optimizer = ms.SGD(0.1, momentum=0.9, nesterov=True)
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=optimizer)
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("velocity",)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"momentum": (0.0, 1.0)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise ArgumentError(
                "nesterov of SGD",
                needed="a momentum above 0",
                got="momentum 0",
                try_="ms.SGD(0.01, momentum=0.9, nesterov=True)",
            )

    def used_slots(self) -> tuple[str, ...]:
        """Return the velocity's name when there is momentum."""
        return self.slots if self.momentum else ()

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the next parameter and velocity."""
        step = with_decay(gradient, parameter, self.weight_decay)
        after: State = {}
        if self.momentum:
            velocity = state["velocity"] * self.momentum + step
            after["velocity"] = velocity
            step = step + velocity * self.momentum if self.nesterov else velocity
        return parameter - scalar(context.learning_rate, parameter) * step, after

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        yield cls(0.05)
        yield cls(0.02, momentum=0.9)
        yield cls(0.02, momentum=0.9, nesterov=True)
        yield cls(0.02, momentum=0.5, weight_decay=0.1)
