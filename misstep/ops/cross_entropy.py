"""The op that measures a raw output against an answer between 0 and 1: binary cross-entropy.

One op, not softplus less a product: near a right answer these two are almost the same number, and
their difference has no digits left. Knows no losses; `nn/losses/cross_entropy.py` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, Type, Value
from misstep.ir.op import Example, broadcast_shape, float_dtype
from misstep.ops.comparison import where
from misstep.ops.elementwise import Binary, Gradients, Types, binary_function, draw, draw_broadcast
from misstep.ops.functions import sigmoid


def stable_binary_cross_entropy(x: Array, y: Array) -> Array:
    """Return ln(1 + exp(x)) − y · x, exact to the last digits where the answer is right.

    It is the same for −x and 1 − y; of the two the one is taken whose product is small.
    """
    toward = np.where(y > 0.5, -x, x)
    share = np.where(y > 0.5, 1 - y, y)
    return np.maximum(toward, 0) + np.log1p(np.exp(-np.abs(toward))) - share * toward


@dataclass(frozen=True)
class BinaryCrossEntropy(Binary):
    """−y ln σ(x) − (1 − y) ln(1 − σ(x)), for an answer y from 0 to 1; stays finite."""

    name = "binary_cross_entropy"
    cost = 34
    words = "the cross-entropy of {1} and the sigmoid of {0}"
    formula = "ln(1 + exp({0})) − {1} · {0}"
    local_derivatives = ("σ({0}) − {1}", "−{0}")
    numpy = "stable_binary_cross_entropy({0}, {1})"

    def type(self, *inputs: Type) -> Type:
        return Type(broadcast_shape(self, *inputs), float_dtype(self, *inputs))

    def run(self, x: Array, y: Array) -> Array:
        return stable_binary_cross_entropy(x, y)

    def lower(self, code: Any, types: Types, x: Any, y: Any) -> Any:
        is_high = code.less(code.like(0.5, y), y)
        toward = code.select(is_high, code.negate(x), x)
        share = code.select(is_high, code.subtract(code.like(1, y), y), y)
        return code.subtract(code.softplus(toward), code.multiply(share, toward))

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_binary_cross_entropy,)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, y = value.inputs
        is_high = y > 0.5
        slope = sigmoid(where(is_high, -x, x)) - where(is_high, 1.0 - y, y)
        return upstream * where(is_high, -slope, slope), -(upstream * x)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        first, second = draw_broadcast(random)
        yield cls(), (draw(random, first), draw(random, second, 0.0, 1.0, avoid=(0.5,)))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield from super().bad_examples()
        yield cls(), (np.zeros(2, "int64"), np.zeros(2, "int64"))


binary_cross_entropy = binary_function(
    BinaryCrossEntropy, "[0.0, 50.0], [1.0, 1.0]", "[6.931472e-01, 1.928750e-22]"
)
