"""Adam; AdamW, whose decay does not pass through the gradient; AMSGrad, whose steps only shrink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from misstep.ir import Value
from misstep.ops import maximum, sqrt
from misstep.optim.optimizer import Optimizer, State, StepContext, scalar, with_decay


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − η m̂ / (√v̂ + ε).

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) undo the start at 0 (Kingma and Ba, 2015).
    `learning_rate` η, `beta1` β₁, `beta2` β₂, `epsilon` ε; `weight_decay` adds that share of w to
    the gradient.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.Adam(1e-3))
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("mean", "squares")
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "beta1": (0.0, 0.999999),
        "beta2": (0.0, 0.9999999),
        "epsilon": (0.0, 1.0),
    }

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the next parameter and the two means."""
        step = with_decay(gradient, parameter, self.weight_decay)
        return self.moved(parameter, step, state, context)

    def moved(
        self, parameter: Value, step: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the parameter after a step of Adam's size, and the next state."""
        mean = state["mean"] * self.beta1 + step * (1.0 - self.beta1)
        squares = state["squares"] * self.beta2 + step * step * (1.0 - self.beta2)
        of_mean = 1.0 - self.beta1**context.count
        of_squares = sqrt(1.0 - self.beta2**context.count)
        size = scalar(context.learning_rate / of_mean, parameter)
        spread = sqrt(squares) / scalar(of_squares, parameter) + self.epsilon
        return parameter - size * (mean / spread), {"mean": mean, "squares": squares}

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        yield cls(0.01)
        yield cls(0.01, beta1=0.8, beta2=0.99, epsilon=1e-6, weight_decay=0.1)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, with w ← (1 − η λ) w before each step instead of a penalty (Loshchilov, Hutter, 2019).

    `weight_decay` is λ; the other settings are Adam's.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.AdamW(1e-3))
    """

    weight_decay: float = 0.01

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the next parameter and the two means."""
        shrunk = parameter * scalar(1.0 - context.learning_rate * self.weight_decay, parameter)
        return self.moved(shrunk, gradient, state, context)


@dataclass(frozen=True)
class AMSGrad(Adam):
    """Adam, whose steps never grow again: v̂ is the largest v so far (Reddi, Kale and Kumar, 2018).

    The largest v is divided by 1 − β₂ᵗ as Adam's is, as PyTorch has it. The settings are Adam's.

    >>> import misstep as ms
    >>> optimizer = ms.optim.AMSGrad(1e-3)
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=optimizer)
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "squares", "largest")

    def moved(
        self, parameter: Value, step: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the parameter after a step by the largest mean square, and the next state."""
        mean = state["mean"] * self.beta1 + step * (1.0 - self.beta1)
        squares = state["squares"] * self.beta2 + step * step * (1.0 - self.beta2)
        largest = maximum(state["largest"], squares)
        of_mean = 1.0 - self.beta1**context.count
        of_squares = sqrt(1.0 - self.beta2**context.count)
        size = scalar(context.learning_rate / of_mean, parameter)
        spread = sqrt(largest) / scalar(of_squares, parameter) + self.epsilon
        after = parameter - size * (mean / spread)
        return after, {"mean": mean, "squares": squares, "largest": largest}
