"""The order of the passes, repeated while they find something, with the verifier between them.

Passes open ways for each other: what `expand` writes out is shared by `share_repeats`, what
`split_flat` cuts is put right by `cancel_slices`. Each sees a valid graph and returns a valid one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from misstep.compiler.passes.cancel_moves import cancel_moves
from misstep.compiler.passes.cancel_slices import cancel_slices
from misstep.compiler.passes.choices import choices
from misstep.compiler.passes.divide_by_uniform import divide_by_uniform
from misstep.compiler.passes.drop_broadcasts import drop_broadcasts
from misstep.compiler.passes.expand import expand
from misstep.compiler.passes.expand_orders import expand_orders
from misstep.compiler.passes.factor_sums import factor_sums
from misstep.compiler.passes.fold_constants import fold_constants
from misstep.compiler.passes.identities import identities
from misstep.compiler.passes.join_pads import join_pads
from misstep.compiler.passes.lay_out_pads import lay_out_pads
from misstep.compiler.passes.long_columns import long_columns
from misstep.compiler.passes.long_sums import long_sums
from misstep.compiler.passes.merge_rows import merge_rows
from misstep.compiler.passes.powers import powers
from misstep.compiler.passes.rewriting import Draft
from misstep.compiler.passes.rules import Pass
from misstep.compiler.passes.share_repeats import share_repeats
from misstep.compiler.passes.split_flat import split_flat
from misstep.compiler.passes.split_space import split_space
from misstep.ir import Graph, Value, verify

# These find more after each other. In ORDER, groups of several are repeated.
REPEATED: tuple[Pass, ...] = (
    fold_constants,
    cancel_moves,
    cancel_slices,
    drop_broadcasts,
    merge_rows,
    identities,
    choices,
    powers,
    share_repeats,
)
ORDER: tuple[tuple[Pass, ...], ...] = (
    (join_pads,),
    (split_space,),
    (expand_orders,),
    (expand,),
    REPEATED,
    (factor_sums,),
    (split_flat, lay_out_pads, *REPEATED),
    (long_sums,),
    (long_columns,),
    (divide_by_uniform,),
    REPEATED,
)
# These look at how many entries a whole array has, rows of a batch included.
DECIDED_BY_SIZE: tuple[Pass, ...] = (long_sums, long_columns, divide_by_uniform)
# Called for a pass that found something: with the pass, the graph before it and the one after.
OnChange = Callable[[Pass, Graph, Graph], None]
# Two rounds are common, four the most seen in any program of training. A bound, not a need: every
# rule makes a program smaller or brings it nearer to one form.
MOST_ROUNDS = 10


def simplify(
    graph: Graph, without: Collection[Pass] = (), on_change: OnChange | None = None
) -> Graph:
    """Return a graph of the same inputs, outputs and numbers, with less to compute.

    `without`: passes to leave out. Without those that are not `exact`, the interpreter gives the
    same bits for both graphs, unless a literal, or what is computed of literals, is subnormal: to
    programs it is zero. `on_change`: called for each change. Names and places in the user's
    code stay on what stays, and go over to what takes a value's place. The graph given stays as it
    is. The result is meant for the dtypes that it has: literals are folded in it.

    >>> from misstep.ir import make_input
    >>> x = make_input("x", (3,))
    >>> print(simplify(Graph({"y": -(-x) * 1.0})))
    graph program(x: float32[3]) {
      return y=x
    }
    """
    known = set(graph.values)
    for group in ORDER:
        passes = [pass_ for pass_ in group if pass_ not in without]
        idle = 0  # passes in a row that found nothing
        for pass_ in passes * (MOST_ROUNDS if len(group) > 1 else 1):
            before, graph = graph, pass_(graph)
            if graph is not before:
                idle = 0
                _verify(graph, known)
                if on_change is not None:
                    on_change(pass_, before, graph)
                continue
            idle += 1
            if idle == len(passes):
                break
    return graph


def _verify(graph: Graph, known: set[Value]) -> None:
    """Verify what is new since the last time."""
    if isinstance(graph, Draft):
        # What was only computed anew from values of the same types is as well formed as before.
        known |= graph.copied
    verify(graph, known)
    known.update(graph.values)
