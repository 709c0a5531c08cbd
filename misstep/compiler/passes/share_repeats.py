"""Pass: the same op on the same values is computed once; so is the same literal.

Random numbers are no exception: they depend on seed, step, stream and place only. Inputs of sums,
products and questions whose order never matters are compared in any order; `maximum` is not among
them, since it may answer −0 for (0, −0) and 0 for (−0, 0). A sum that keeps its axes and one that
drops them are one sum, and a reshape.
"""

from __future__ import annotations

from typing import Any

from misstep.compiler.passes.facts import array_of
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Pass
from misstep.ir import Graph, Value, make_input
from misstep.ops import exp, mean, random_uniform, variance
from misstep.ops.arithmetic import Add, Multiply
from misstep.ops.comparison import And, Equal, Or
from misstep.ops.reduction import Reduction

ANY_ORDER = frozenset({Add, Multiply, Equal, And, Or})
# Larger literals are not read through; they are the same only when they are one value.
MOST_ENTRIES = 4096


class ShareRepeats(Pass):
    """Numbers values by what they are, in one walk; then lets the first of each number stand."""

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph in which nothing is computed twice."""
        numbers: dict[Value, int] = {}
        first: dict[Any, int] = {}
        names: dict[int, str] = {}
        for value in graph.values:
            number = first.setdefault(_identity(value, numbers), len(first))
            numbers[value] = number
            if value.name is not None and not value.is_input:
                names.setdefault(number, value.name)
        if len(first) == len(numbers):
            return graph
        here = Rewriting(graph)
        standing: dict[int, Value] = {}
        for value in graph.values:
            number = numbers[value]
            if number not in standing:
                here.at(value)
                copy = here.copy(value)
                name = names.get(number)
                if value.op is not None and name != copy.name:
                    # The name that a later repeat brings; values of the old graph stay unnamed.
                    copy = here.again(copy, name)
                standing[number] = copy
            here.set(value, here.reshape(standing[number], value.shape))
        return here.result()


share_repeats = ShareRepeats("share_repeats", "what is computed twice is computed once")


def _identity(value: Value, numbers: dict[Value, int]) -> Any:
    if value.op is not None:
        if isinstance(value.op, Reduction):
            (x,) = value.inputs
            axes = tuple(sorted([axis % x.ndim for axis in value.op.axes]))
            return type(value.op), axes, numbers[x]
        operand_numbers = [numbers[operand] for operand in value.inputs]
        if type(value.op) in ANY_ORDER:
            operand_numbers.sort()
        return value.op, *operand_numbers
    if value.is_literal and value.size <= MOST_ENTRIES:
        return value.type, array_of(value).tobytes()
    return id(value)


@share_repeats.example
def _() -> Graph:
    x, y = make_input("x", (2,)), make_input("y", (2,))
    return Graph(exp(x + y) * 2.0 - exp(y + x) / 2.0)


@share_repeats.example
def _() -> Graph:
    seed = make_input("seed", (), "int64")
    return Graph(random_uniform((3,), seed, 1, 5) - random_uniform((3,), seed, 1, 5))


@share_repeats.example
def _() -> Graph:
    x = make_input("x", (3, 2))
    return Graph({"mean": mean(x), "variance": variance(x)})
