"""The op at which shards of a batch become one: the sum over all of them.

A batch may be cut into shards, each worked on by a run of the same program, on one machine or on
several. Where they need each other's numbers, the program says so with this op; who runs it cuts
the program there, and adds up in a fixed tree. To a single run, which is one shard, the sum is the
number itself. Knows no machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, float_dtype
from misstep.ops.elementwise import Gradients, Types, draw, draw_shape
from misstep.ops.lifting import Operand, as_value


@dataclass(frozen=True)
class SumOverShards(Op):
    """The sum over all shards of a batch, the same on each of them.

    The loss of a batch is the sum of what its shards add to it; each shard's gradient is that of
    the whole by its own numbers. So what flows back is a sum over shards, too. `flows`: False where
    nothing flows back: of a sum whose error is made up for, as that of a first mean.
    """

    flows: bool = True
    name = "sum_over_shards"
    words = "the sum of {0} over all shards of the batch"
    formula = "Σ {0}"
    local_derivatives = ("1",)
    elementwise = True

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        return Type(x.shape, float_dtype(self, x))

    def run(self, x: Array) -> Array:
        return np.array(x)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (sum_over_shards(upstream) if self.flows else None,)

    def python(self, *names: str) -> str:
        return f"np.array({names[0]})"

    def lower(self, code: Any, types: Types, *operands: Any) -> Any:
        return operands[0]

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        yield cls(), (draw(random, draw_shape(random)),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.array([1, 2]),)


def sum_over_shards(x: Operand, flows: bool = True) -> Value:
    """Return the sum of x over all shards of a batch; of a batch that is one shard, x itself.

    `flows`: whether a gradient flows back through it.

    >>> import misstep as ms
    >>> ms.ops.sum_over_shards([1.0, 2.0])
    [1., 2.]
    """
    return SumOverShards(flows)(as_value(x))
