"""Pass: a long sum to one number is made of sums of parts, which threads can share out.

One number is worked out by every thread for itself, which is quick for few entries only. Here the
sum of many becomes a column of sums of parts and the sum of that column, again in parts if it is
long. What lies along one axis is cut into parts of PART entries; of other values, the parts are
what belongs to each place along the first axes. Nothing is stored but the column: what is computed
entry by entry for the sum alone is cut where it begins, and worked out where it is added.

Changes bits: the order of the sum is another, and its rounding errors are smaller. The order
follows from the shape alone, never from the number of threads.
"""

from __future__ import annotations

import math
from collections import Counter

from misstep import ops
from misstep.compiler.passes.facts import without_ones
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Pass
from misstep.ir import Graph, Value, make_input
from misstep.ops import cast
from misstep.ops.arithmetic import Add
from misstep.ops.pieces import Slice
from misstep.ops.reduction import Sum

# Summing so many entries takes about a microsecond (16 at a time, 4 cycles after each other), as
# long as threads take to wait for each other.
MOST_AT_ONCE = 16384
# Entries of a part, where any length will do: many more than the parts that are summed at the end.
PART = 4096
# Parts from which on they can be shared out well: threads take groups of 8.
ENOUGH_PARTS = 64


class LongSums(Pass):
    """Finds sums to one number that are long, and writes each as a sum of sums."""

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with long sums made of parts."""
        long = {value for value in graph.values if is_long(value)}
        if not long:
            return graph
        uses = Counter(operand for value in graph.values for operand in value.inputs)
        uses.update(graph.outputs.values())
        here = Rewriting(graph)
        changed = False
        for value in graph.values:
            here.at(value)
            sum_of_parts = _Sum(here, uses).of(value.inputs[0]) if value in long else None
            changed = changed or sum_of_parts is not None
            here.set(
                value,
                here.copy(value)
                if sum_of_parts is None
                else here.reshape(sum_of_parts, value.shape),
            )
        return here.result() if changed else graph


long_sums = LongSums("long_sums", "a long sum is made of sums of parts", exact=False)


def is_long(value: Value) -> bool:
    """Tell whether a value is the sum of too many entries to be worked out by every thread."""
    return isinstance(value.op, Sum) and value.size == 1 and value.inputs[0].size > MOST_AT_ONCE


class _Sum:
    def __init__(self, here: Rewriting, uses: Counter[Value]) -> None:
        self.here = here
        self.uses = uses

    def of(self, x: Value) -> Value | None:
        """Return the sum of all of `x` in parts; None where there are no good ones."""
        here = self.here
        if len(without_ones(x.shape)) > 1:
            for kept in range(1, x.ndim):
                if math.prod(x.shape[:kept]) >= ENOUGH_PARTS:
                    return self._all(here.make(Sum(tuple(range(kept, x.ndim))), here.now(x)))
            return None
        count = x.size // PART
        pieces = here.reshape(self._cut(x, 0, count * PART), (count, PART))
        whole = self._all(here.make(Sum((1,)), pieces))
        if count * PART == x.size:
            return whole
        return here.make(Add(), whole, self._all(self._cut(x, count * PART, x.size)))

    def _all(self, x: Value) -> Value:
        """Return the sum of all of what was made here."""
        in_parts = self.of(x) if x.size > MOST_AT_ONCE else None
        if in_parts is not None:
            return in_parts
        return self.here.make(Sum(tuple(range(x.ndim))), x)

    def _cut(self, x: Value, start: int, stop: int) -> Value:
        """Return some entries of what lies along one axis, as (stop − start,)."""
        here = self.here
        if x.size == 1:
            return here.reshape(here.now(x), ())
        if x.op is not None and x.op.elementwise and self.uses[x] == 1:
            return here.make(x.op, *[self._cut(operand, start, stop) for operand in x.inputs])
        flat = here.reshape(here.now(x), (x.size,))
        return here.make(Slice((start,), (stop,), (1,)), flat) if stop - start < x.size else flat


@long_sums.example
def _() -> Graph:
    x = make_input("x", (20_000,))
    some = cast(x < 0.5, "float32")
    return Graph({"pieces": ops.sum(some * 2.0), "kept": ops.sum(some[:16_385], keep=True)})


@long_sums.example
def _() -> Graph:
    return Graph(ops.sum(cast(make_input("x", (2, 40, 300)) < 0.5, "float32")))
