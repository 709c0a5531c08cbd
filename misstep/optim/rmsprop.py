"""RMSProp: each entry's step is measured in its recent gradients' size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from misstep.ir import Value
from misstep.ops import maximum, sqrt
from misstep.optim.optimizer import Optimizer, State, StepContext, scalar, with_decay


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """RMSProp: s ← α s + (1 − α) g²; w ← w − η g / (√s + ε) (Tieleman and Hinton, 2012).

    `learning_rate` η; `smoothing` α; `epsilon` ε; `momentum` adds a velocity; `centered` subtracts
    the squared mean gradient from s; `weight_decay` adds that share of w to the gradient.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.optim.RMSProp(0.01))
    """

    learning_rate: float = 0.01
    smoothing: float = 0.99
    momentum: float = 0.0
    centered: bool = False
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("squares", "velocity", "mean")
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "smoothing": (0.0, 1.0),
        "momentum": (0.0, 1.0),
        "epsilon": (0.0, 1.0),
    }

    def used_slots(self) -> tuple[str, ...]:
        """Return the names of the state that these settings need."""
        velocity = ("velocity",) if self.momentum else ()
        return ("squares", *velocity, *(("mean",) if self.centered else ()))

    def update(
        self, parameter: Value, gradient: Value, state: State, context: StepContext
    ) -> tuple[Value, State]:
        """Return the next parameter and state."""
        step = with_decay(gradient, parameter, self.weight_decay)
        kept, new = self.smoothing, 1.0 - self.smoothing
        after: State = {"squares": state["squares"] * kept + step * step * new}
        spread = after["squares"]
        if self.centered:
            after["mean"] = state["mean"] * kept + step * new
            # Never below 0 in exact numbers; rounding may take it there, and its root to NaN.
            spread = maximum(spread - after["mean"] * after["mean"], 0.0)
        move = step / (sqrt(spread) + self.epsilon)
        if self.momentum:
            after["velocity"] = move = state["velocity"] * self.momentum + move
        return parameter - scalar(context.learning_rate, parameter) * move, after

    @classmethod
    def examples(cls) -> Iterator[Optimizer]:
        yield cls(0.01)
        yield cls(0.01, momentum=0.9)
        yield cls(0.01, smoothing=0.9, centered=True, momentum=0.5, weight_decay=0.05)
