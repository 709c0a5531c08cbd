"""A link between two entries in words: the formula of its slope, and the factors inside it.

Knows routes and formulas; `explaining.py` strings the links together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.explain.chain_rule import Factor, LocalDerivative
from misstep.explain.formulas import Formulas, Index
from misstep.explain.routes import Link, Links, Route
from misstep.explain.terms import Term, number, product_of, sum_of
from misstep.ir import Array, Value

# A formula longer than this is left out, and its factors are given one by one instead.
LONGEST = 90
# Routes that spread over more entries than this are not followed entry by entry.
WIDEST = 256


@dataclass(frozen=True)
class Inner:
    """One step inside a link: entry `given` of input `slot` of `value` moves entry `made` of it."""

    value: Value
    slot: int
    given: Index
    made: Index


def describe_link(link: Link, links: Links, formulas: Formulas) -> LocalDerivative:
    """Return a link with its names, its formula and its numbers."""
    upper, lower = links.stations[link.target[0]], links.stations[link.source[0]]
    made, given = entry_index(upper, link.target[1]), entry_index(lower, link.source[1])
    term, factors = _formula(link, links, formulas)
    if term is not None and len(term.names()) > LONGEST:
        term = None
    labels = [formulas.label(value) for value in (upper, lower)]
    return LocalDerivative(
        name=labels[0],
        index=made,
        value=formulas.figure(upper, made),
        by=labels[1],
        by_index=given,
        formula=term.names() if term is not None else None,
        with_numbers=term.numbers() if term is not None else None,
        number=link.slope,
        factors=tuple(factors),
        routes=link.several,
        through=_way(link, links, formulas) if link.other is not None else None,
    )


def _way(link: Link, links: Links, formulas: Formulas) -> str | None:
    """Return in words which of two routes a link takes."""
    steps = inner_entries(link, links)
    if not steps or link.other is None:
        return None
    elsewhere = {value for value, _ in link.other}
    own = [step for step in steps if step.value not in elsewhere]
    if own:
        return f"through {formulas.entry(own[-1].value, own[-1].made).names()}"
    # The routes part at one assignment that uses the same Value twice.
    taken = set(link.other)
    step = next((each for each in steps if (each.value, each.slot) not in taken), steps[0])
    given = step.value.inputs[step.slot]
    same = [slot for slot, each in enumerate(step.value.inputs) if each is given]
    if len(same) < 2:
        return "directly"
    ordinal = ("first", "second", "third", "fourth", "fifth")[same.index(step.slot) % 5]
    name = formulas.entry(given, step.given).names()
    return f"as the {ordinal} {name} of {formulas.formula(step.value, step.made).names()}"


def _formula(link: Link, links: Links, formulas: Formulas) -> tuple[Term | None, list[Factor]]:
    """Return the formula of a link's slope, and its factors if it is one route of several steps."""
    products: list[Term] = []
    factors: list[Factor] = []
    for route in link.routes:
        steps = entries_along(route, link, links)
        if steps is None:
            return None, []
        if not steps:
            continue
        parts: list[Term] = []
        for step in reversed(steps):
            found = formulas.slope(step.value, step.slot, step.given, step.made)
            local = formulas.local(step.value, step.slot, step.given, step.made)
            term = product_of(found)
            if not (term.is_number and term.number == 1):
                factors.append(Factor(term.names(), term.numbers(), local))
            parts += found
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
    for place, (sign, rest) in enumerate(parts):
        if place:
            template += " + " if sign > 0 else " − "
        elif sign < 0:
            template += "−"
        template += f"{{{place}}}"
        args.append(rest if rest is not None else number(1.0))
    return Term(template, tuple(args))


def inner_entries(link: Link, links: Links) -> list[Inner] | None:
    """Return the steps inside a link that is one route through single entries, else None."""
    return entries_along(link.routes[0], link, links) if len(link.routes) == 1 else None


def entries_along(route: Route, link: Link, links: Links) -> list[Inner] | None:
    """Return the steps of a route between a link's entries; None if it spreads over several.

    An empty list: the route joins other entries, not these two.
    """
    start = links.stations[link.source[0]]
    change = np.zeros(start.shape)
    change.reshape(-1)[link.source[1]] = 1.0
    forward: list[Array] = [change]
    for value, slot in route:
        made = links.slopes.along(value, slot, forward[-1])
        if made is None or not made.any():
            return []
        forward.append(made)
    if forward[-1].reshape(-1)[link.target[1]] == 0:
        return []
    steps: list[Inner] = []
    flat = link.target[1]
    for place in range(len(route) - 1, -1, -1):
        value, slot = route[place]
        given = value.inputs[slot]
        moved = np.flatnonzero(forward[place])
        if len(moved) > WIDEST:
            return None
        before = [
            int(entry) for entry in moved if links.slopes.at(value, slot, int(entry), flat) != 0
        ]
        if len(before) != 1:
            return None
        steps.append(Inner(value, slot, entry_index(given, before[0]), entry_index(value, flat)))
        flat = before[0]
    return steps[::-1]


def entry_index(value: Value, flat: int) -> Index:
    """Return the index of an entry that is counted flat."""
    return tuple(int(at) for at in np.unravel_index(flat, value.shape)) if value.ndim else ()
