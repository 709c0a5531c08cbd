"""Pass: long sums of columns are made of sums of parts, which threads can share out.

The statistics of a batch of images are sums of many thousand rows for each of a few channels.
Threads share columns out, of which there are too few; here each example (or each run of rows) is
summed by itself first, and the sums of parts are summed then. Where the parts are examples, the
thread that made the entries also sums them, without waiting.

Changes bits: the order of the sum is another, and its rounding errors are smaller. The order
follows from the shape alone, never from the number of threads.
"""

from __future__ import annotations

import math

from misstep import ops
from misstep.compiler.passes.long_sums import ENOUGH_PARTS
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import cast
from misstep.ops.reduction import Sum

# A sum of so many entries, one after the other, loses two digits, and takes longer than threads
# take to wait for each other.
MANY_ROWS = 4096
# So many columns can be shared out well themselves: threads take groups of 8.
ENOUGH_COLUMNS = 512
# Rows of a part, where any number will do: as few as leave few parts.
MOST_ROWS, FEWEST_ROWS = 256, 16

long_columns = Rules("long_columns", "long sums of columns are made of sums of parts", exact=False)


@long_columns.on(Sum)
def sums_of_parts(here: Rewriting, value: Value) -> Value | None:
    """Sum parts of the rows, then the sums."""
    assert isinstance(value.op, Sum)
    (x,) = value.inputs
    axes = sorted(axis % x.ndim for axis in value.op.axes)
    summed = len(axes)
    rows = math.prod(x.shape[:summed])
    if axes != list(range(summed)) or summed == x.ndim or not 1 < value.size < ENOUGH_COLUMNS:
        return None
    if rows < MANY_ROWS:
        return None
    for kept in range(1, summed):
        if ENOUGH_PARTS <= math.prod(x.shape[:kept]) <= rows // FEWEST_ROWS:
            break
    else:
        long = next(
            (length for length in range(MOST_ROWS, FEWEST_ROWS - 1, -1) if rows % length == 0), 0
        )
        if not long:
            return None
        x = here.reshape(x, (rows // long, long, *x.shape[summed:]))
        kept, summed = 1, 2
    parts = here.make(Sum(tuple(range(kept, summed))), x)
    columns = here.make(Sum(tuple(range(kept))), parts)
    return here.reshape(columns, value.shape)


@long_columns.example
def _() -> Graph:
    some = cast(make_input("x", (80, 8, 8, 3)) < 0.5, "float32")
    return Graph(
        {"sum": ops.sum(some * 2.0, (0, 1, 2)), "kept": ops.sum(some, (0, 1, 2), keep=True)}
    )


@long_columns.example
def _() -> Graph:
    return Graph(ops.sum(cast(make_input("x", (3 * 2048, 2)) < 0.5, "float32"), (0,)))
