"""An edge between two entries as a local derivative: its formula, and the factors inside it.

Knows routes and formulas; `explaining.py` strings the derivatives together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.explain.chain_rule import Factor, LocalDerivative
from misstep.explain.edges import Edge, Edges, Route
from misstep.explain.formulas import Formulas, Index
from misstep.explain.terms import Term, number, product_of, sum_of
from misstep.ir import Array, Value

# A formula longer than this is left out, and its factors are given one by one instead.
LONGEST = 90
# Routes that spread over more entries than this are not followed entry by entry.
WIDEST = 256


@dataclass(frozen=True)
class EntryStep:
    """One step inside an edge, from an entry of the operand in `slot` to the entry `index`."""

    value: Value
    slot: int
    operand_index: Index
    index: Index


def describe_edge(edge: Edge, edges: Edges, formulas: Formulas) -> LocalDerivative:
    """Return an edge's derivative with its names, its formula and its numbers."""
    upper, lower = edges.stops[edge.target[0]], edges.stops[edge.source[0]]
    index, by_index = entry_index(upper, edge.target[1]), entry_index(lower, edge.source[1])
    term, factors = _formula(edge, edges, formulas)
    if term is not None and len(term.names()) > LONGEST:
        term = None
    labels = [formulas.label(value) for value in (upper, lower)]
    return LocalDerivative(
        name=labels[0],
        index=index,
        value=formulas.figure(upper, index),
        by=labels[1],
        by_index=by_index,
        formula=term.names() if term is not None else None,
        with_numbers=term.numbers() if term is not None else None,
        number=edge.derivative,
        factors=tuple(factors),
        routes=edge.several,
        through=_way(edge, edges, formulas) if edge.other is not None else None,
    )


def _way(edge: Edge, edges: Edges, formulas: Formulas) -> str | None:
    """Return in words which of two routes an edge takes."""
    steps = steps_inside(edge, edges)
    if not steps or edge.other is None:
        return None
    elsewhere = {value for value, _ in edge.other}
    own = [step for step in steps if step.value not in elsewhere]
    if own:
        return f"through {formulas.entry(own[-1].value, own[-1].index).names()}"
    # The routes part at one assignment that uses the same Value twice.
    taken = set(edge.other)
    step = next((each for each in steps if (each.value, each.slot) not in taken), steps[0])
    operand = step.value.inputs[step.slot]
    same = [slot for slot, each in enumerate(step.value.inputs) if each is operand]
    if len(same) < 2:
        return "directly"
    ordinal = ("first", "second", "third", "fourth", "fifth")[same.index(step.slot) % 5]
    name = formulas.entry(operand, step.operand_index).names()
    return f"as the {ordinal} {name} of {formulas.formula(step.value, step.index).names()}"


def _formula(edge: Edge, edges: Edges, formulas: Formulas) -> tuple[Term | None, list[Factor]]:
    """Return the formula of an edge's derivative, and its factors where several steps make it."""
    products: list[Term] = []
    factors: list[Factor] = []
    for route in edge.routes:
        steps = entries_along(route, edge, edges)
        if steps is None:
            return None, []
        if not steps:
            continue
        parts: list[Term] = []
        for step in reversed(steps):
            place = (step.value, step.slot, step.operand_index, step.index)
            terms = formulas.derivative(*place)
            term = product_of(terms)
            if not (term.is_number and term.number == 1):
                number_of_step = formulas.derivative_number(*place)
                factors.append(Factor(term.names(), term.numbers(), number_of_step))
            parts += terms
        products.append(product_of(parts))
    if not products:
        return None, []
    if len(products) > 1:
        return _together(products), []
    return products[0], factors if len(factors) > 1 else []


def _together(products: list[Term]) -> Term:
    """Return a sum of products, a number that they all share taken out."""
    split = [_coefficient(product) for product in products]
    sizes = [abs(coefficient) for coefficient, _ in split]
    if min(sizes) == 0 or max(sizes) - min(sizes) > 1e-12 * max(sizes):
        return sum_of(products)
    if sizes[0] == 1:
        return _signed([(np.sign(coefficient), rest) for coefficient, rest in split])
    inner = _signed([(np.sign(coefficient), rest) for coefficient, rest in split])
    return Term("{0} · {1}", (number(sizes[0]), inner))


def _coefficient(product: Term) -> tuple[float, Term | None]:
    if product.is_number and product.number is not None:
        return product.number, None
    if product.template == "−{0}":
        return -1.0, product.args[0]
    if product.args and product.args[0].is_number and product.template.startswith("{0} · "):
        return float(product.args[0].number or 0.0), product_of(list(product.args[1:]))
    return 1.0, product


def _signed(parts: list[tuple[float, Term | None]]) -> Term:
    parts = sorted(parts, key=lambda part: -part[0])
    template, args = "", []
    for position, (sign, rest) in enumerate(parts):
        if position:
            template += " + " if sign > 0 else " − "
        elif sign < 0:
            template += "−"
        template += f"{{{position}}}"
        args.append(rest if rest is not None else number(1.0))
    return Term(template, tuple(args))


def steps_inside(edge: Edge, edges: Edges) -> list[EntryStep] | None:
    """Return the steps inside an edge that is one route through single entries, else None."""
    return entries_along(edge.routes[0], edge, edges) if len(edge.routes) == 1 else None


def entries_along(route: Route, edge: Edge, edges: Edges) -> list[EntryStep] | None:
    """Return the steps of a route between an edge's entries; None if it spreads over several.

    An empty list: the route joins other entries, not these two.
    """
    start = edges.stops[edge.source[0]]
    change = np.zeros(start.shape)
    change.reshape(-1)[edge.source[1]] = 1.0
    forward: list[Array] = [change]
    for value, slot in route:
        result = edges.derivatives.jvp(value, slot, forward[-1])
        if result is None or not result.any():
            return []
        forward.append(result)
    if forward[-1].reshape(-1)[edge.target[1]] == 0:
        return []
    steps: list[EntryStep] = []
    flat = edge.target[1]
    for position in range(len(route) - 1, -1, -1):
        value, slot = route[position]
        operand = value.inputs[slot]
        moved = np.flatnonzero(forward[position])
        if len(moved) > WIDEST:
            return None
        before = [
            int(entry)
            for entry in moved
            if edges.derivatives.entry(value, slot, int(entry), flat) != 0
        ]
        if len(before) != 1:
            return None
        steps.append(
            EntryStep(value, slot, entry_index(operand, before[0]), entry_index(value, flat))
        )
        flat = before[0]
    return steps[::-1]


def entry_index(value: Value, flat: int) -> Index:
    """Return the index of an entry that is counted flat."""
    return tuple(int(at) for at in np.unravel_index(flat, value.shape)) if value.ndim else ()
