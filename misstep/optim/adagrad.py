"""Adagrad: each entry's step shrinks with all its gradients so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from misstep.ir import Value
from misstep.ops import sqrt
from misstep.optim.optimizer import Optimizer, State, StepContext, scalar, with_decay


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad: s ← s + g²; w ← w − η / (1 + (t − 1) δ) · g / (√s + ε) (Duchi and others, 2011).

    `learning_rate` η; `learning_rate_decay` δ; `epsilon` ε keeps the first steps finite;
    `first_sum` is s before the first update; `weight_decay` adds that share of w to the gradient.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.optim.Adagrad(0.1))
    """

    learning_rate: float = 0.01
    learning_rate_decay: float = 0.0
    first_sum: float = 0.0
    epsilon: float = 1e-10
    weight_decay: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("squares",)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "learning_rate_decay": (0.0, 1e6),
        "first_sum": (0.0, 1e6),
        "epsilon": (0.0, 1.0),
    }

    def first(self, name: str) -> float:
        """Return the first sum of squares."""
        return self.first_sum

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the next parameter and sum of squares."""
        step = with_decay(gradient, parameter, self.weight_decay)
        squares = state["squares"] + step * step
        learning_rate = context.learning_rate / (
            (context.count - 1.0) * self.learning_rate_decay + 1.0
        )
        moved = scalar(learning_rate, parameter) * step / (sqrt(squares) + self.epsilon)
        return parameter - moved, {"squares": squares}

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        yield cls(0.1)
        yield cls(0.1, learning_rate_decay=0.01, first_sum=0.5, weight_decay=0.05)
