"""Chains of layers with one weight each: what is left of a gradient after each of them.

Built of the engine's own ops and taken apart by its reverse mode. Knows no lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from misstep.autodiff import gradient
from misstep.ir import Value, evaluate, make_parameter


@dataclass(frozen=True)
class Chain:
    """`factors`: what each layer multiplies by, the last layer's first, as a gradient meets them.

    `left`: what a gradient of 1 at the end is after each of them.
    """

    factors: tuple[float, ...]
    left: tuple[float, ...]


def chain(factors: Sequence[float], layers: int) -> Chain:
    """Return a chain of so many layers that multiply by `factors`, over and over."""
    met = [factors[at % len(factors)] for at in range(layers)]
    value: Value = make_parameter(1.0)
    inputs = [value]
    for factor in reversed(met):
        value = value * make_parameter(factor)
        inputs.append(value)
    gradients = evaluate(gradient(value, inputs[:-1]))
    return Chain(tuple(met), tuple(float(each) for each in reversed(gradients)))
