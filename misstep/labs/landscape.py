"""Walks down a landscape: an optimizer of the library on a formula of one or two weights.

The formula is a graph, its slope is the engine's, the step is the very ops that train networks.
Small enough to look at every step. Knows optimizers and ops; no lab.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value, make_input
from misstep.optim import Optimizer
from misstep.optim.optimizer import StepContext

# From the weights, (n,), to a height, one number.
Formula = Callable[[Value], Value]


@dataclass(frozen=True)
class Walk:
    """Where an optimizer went.

    `weights`: at the beginning and after each update; `heights`: there; `slopes`: before each
    update.
    """

    name: str
    weights: tuple[tuple[float, ...], ...]
    heights: tuple[float, ...]
    slopes: tuple[tuple[float, ...], ...]

    @property
    def last(self) -> float:
        """Return the height after the last update."""
        return self.heights[-1]

    def along(self, at: int = 0) -> tuple[float, ...]:
        """Return one weight at the beginning and after each update."""
        return tuple(each[at] for each in self.weights)


def walk(
    name: str, formula: Formula, start: Sequence[float], optimizer: Optimizer, updates: int
) -> Walk:
    """Return where an optimizer goes from `start` in so many updates, in float64."""
    here = make_input("here", (len(start),), "float64")
    slots = {
        slot: make_input(slot, (len(start),), "float64") for slot in optimizer.used_slots()
    } | {name: make_input(name, (), "float64") for name in optimizer.scalars}
    context = StepContext(make_input("count", (), "float64"), make_input("rate", (), "float64"))
    height = formula(here)
    slope = gradient(height, here)
    after, state = optimizer.update(here, slope, slots, context)
    # Outputs and inputs may not share a name.
    outputs = {"height": height, "slope": slope, "after": after}
    step = Interpreter(Graph(outputs | {f"next {slot}": value for slot, value in state.items()}))
    asked = {value.name for value in step.graph.inputs}
    numbers: dict[str, Array] = {
        slot: np.full(len(start), optimizer.first(slot)) for slot in optimizer.used_slots()
    }
    numbers |= {scalar: np.array(first, "float64") for scalar, first in optimizer.scalars.items()}
    numbers |= {"here": np.array(start, "float64"), "rate": np.array(optimizer.learning_rate)}
    weights, heights, slopes = [tuple(map(float, start))], [], []
    for count in range(1, updates + 2):
        numbers["count"] = np.array(float(count))
        found = step.run({name: given for name, given in numbers.items() if name in asked})
        heights.append(float(found["height"]))
        if count <= updates:
            slopes.append(tuple(found["slope"].tolist()))
            weights.append(tuple(found["after"].tolist()))
            numbers["here"] = found["after"]
            numbers |= {slot: found[f"next {slot}"] for slot in state}
    return Walk(name, tuple(weights), tuple(heights), tuple(slopes))
