"""Nadam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from misstep.ir import Value
from misstep.ops import sqrt
from misstep.optim.optimizer import Optimizer, State, StepContext, scalar, with_decay

# The base of the momentum schedule in the paper: μₜ = β₁ (1 − ½ · 0.96^(t ψ)).
SCHEDULE_BASE = 0.96


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adam whose mean looks one step ahead, with a warming momentum (Dozat, 2016).

    `learning_rate` η, `beta1` β₁, `beta2` β₂, `epsilon` ε, `momentum_decay` ψ; `weight_decay` adds
    that share of w to the gradient.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.optim.Nadam(2e-3))
    """

    learning_rate: float = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 4e-3
    weight_decay: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("mean", "squares")
    scalars: ClassVar[Mapping[str, float]] = {"momentum_product": 1.0}
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "beta1": (0.0, 0.999999),
        "beta2": (0.0, 0.9999999),
        "epsilon": (0.0, 1.0),
        "momentum_decay": (0.0, 1e3),
    }

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the next parameter, the two means and the product of all momenta."""
        step = with_decay(gradient, parameter, self.weight_decay)
        now = self._momentum(context.count)
        ahead = self._momentum(context.count + 1.0)
        product = state["momentum_product"] * now
        mean = state["mean"] * self.beta1 + step * (1.0 - self.beta1)
        squares = state["squares"] * self.beta2 + step * step * (1.0 - self.beta2)
        of_squares = scalar(1.0 - self.beta2**context.count, parameter)
        spread = sqrt(squares / of_squares) + self.epsilon
        by_step = scalar(context.learning_rate * (1.0 - now) / (1.0 - product), parameter)
        by_mean = scalar(context.learning_rate * ahead / (1.0 - product * ahead), parameter)
        moved = parameter - by_step * (step / spread) - by_mean * (mean / spread)
        return moved, {"mean": mean, "squares": squares, "momentum_product": product}

    def _momentum(self, count: Value) -> Value:
        return (1.0 - SCHEDULE_BASE ** (count * self.momentum_decay) * 0.5) * self.beta1

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        yield cls(0.01)
        yield cls(0.01, beta1=0.8, momentum_decay=0.01, weight_decay=0.1)
