"""An edge between two entries as a local derivative: its formula, and how it comes about.

Knows edges and formulas; `derivation.py` finds the formula, `explaining.py` strings the local
derivatives together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.explain.chain_rule import LocalDerivative
from misstep.explain.derivation import LONGEST_DERIVATION, Derivation, Derived
from misstep.explain.edges import Edge, Edges
from misstep.explain.formulas import Formulas, Index
from misstep.ir import Value

# A formula longer than this can't be read in a line or two, and its number must do.
LONGEST = 240


@dataclass(frozen=True)
class DescribedEdge:
    """A local derivative, and the assignments inside: Value, slot of the operand, and entry."""

    link: LocalDerivative
    steps: tuple[tuple[Value, int, Index], ...]


def describe_edge(edge: Edge, edges: Edges, formulas: Formulas) -> DescribedEdge:
    """Return an edge's derivative with its names, its formula and its numbers."""
    upper, lower = edges.stops[edge.target[0]], edges.stops[edge.source[0]]
    index, by_index = entry_index(upper, edge.target[1]), entry_index(lower, edge.source[1])
    changes = edges.changes_from(edge.source)
    derivation = Derivation(
        lower, by_index, upper, edges.number_of, changes, formulas, edges.derivatives
    )
    derived = derivation.of(index)
    term = derived.expression.term() if derived is not None else None
    if term is not None and len(term.names()) > LONGEST:
        term = None
    link = LocalDerivative(
        name=formulas.label(upper),
        index=index,
        value=formulas.figure(upper, index),
        by=formulas.label(lower),
        by_index=by_index,
        formula=term.names() if term is not None else None,
        with_numbers=term.numbers() if term is not None else None,
        number=edge.derivative,
        derivation=_derivation(derived, term.names()) if derived and term is not None else None,
        rules=derived.rules if derived is not None else (),
        notes=derived.notes if derived is not None else (),
        label=formulas.named(upper, index) or "",
        by_label=formulas.named(lower, by_index) or "",
    )
    return DescribedEdge(link, derived.steps if derived is not None else ())


def _derivation(derived: Derived, formula: str) -> str | None:
    """Return a derivative as the rules wrote it, where that shows more than the formula."""
    if not derived.rules or derived.written is None:
        return None
    written = derived.written.names()
    # A factor of 1 less is no step worth a line.
    same = written.replace("1 · ", "").replace(" · 1", "") == formula
    return written if len(written) <= LONGEST_DERIVATION and not same else None


def entry_index(value: Value, flat: int) -> Index:
    """Return the index of an entry that is counted flat."""
    return tuple(int(at) for at in np.unravel_index(flat, value.shape)) if value.ndim else ()
