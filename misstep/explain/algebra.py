"""Expressions in a normal form: sums of products of powers, and the number that each comes to.

What is equal is written once: repeated factors become powers, repeated terms a coefficient, and
what cancels is gone, so that a derivative reads as in a textbook. Sums are not multiplied out.
Knows nothing of graphs; `terms.py` writes the trees that are made here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from misstep.explain.terms import Term, named, number, sum_of
from misstep.text.figures import figure

# Coefficients of a sum that are this much smaller than what was added up are rounding, and 0.
ROUNDING = 1e-14
# A coefficient is written as a fraction where its denominator is no larger than this.
LARGEST_DENOMINATOR = 1_000
# A sum of more terms than this is written with its largest ones, and the rest in one number.
MOST_TERMS, SHOWN_TERMS = 4, 2


@dataclass(frozen=True)
class Atom:
    """What is not taken apart: the name of an entry, or a function of expressions.

    Two atoms that are written alike are the same.
    """

    text: str
    number: float = field(compare=False)
    term: Term = field(compare=False, repr=False)


# Factors with their exponents, in the order in which they came.
Monomial = tuple[tuple["Atom | Expression", float], ...]


@dataclass(frozen=True)
class Expression:
    """A sum: monomials with coefficients, in order. The empty monomial stands for the number 1."""

    terms: tuple[tuple[Monomial, float], ...]

    @property
    def number(self) -> float:
        """Return what the expression comes to."""
        return math.fsum(_number_of(monomial, share) for monomial, share in self.terms)

    @property
    def constant(self) -> float | None:
        """Return the number if no name occurs, else None."""
        if not self.terms:
            return 0.0
        if len(self.terms) == 1 and not self.terms[0][0]:
            return self.terms[0][1]
        return None

    def term(self) -> Term:
        """Return the expression as a tree to be written."""
        if not self.terms:
            return number(0.0)
        if len(self.terms) > MOST_TERMS:
            return self._shortened()
        # What is added comes before what is taken away: a − 1, not −1 + a.
        ordered = sorted(self.terms, key=lambda each: each[1] < 0)
        return _signed([(_product(monomial, abs(share)), share < 0) for monomial, share in ordered])

    def _shortened(self) -> Term:
        sizes = sorted(self.terms, key=lambda each: -abs(_number_of(*each)))
        shown, rest = sizes[:SHOWN_TERMS], sizes[SHOWN_TERMS:]
        parts = [
            _signed([(_product(monomial, abs(share)), share < 0)]) for monomial, share in shown
        ]
        left = math.fsum(_number_of(*each) for each in rest)
        return sum_of([*parts, rest_of_terms(len(rest), left)])


def _number_of(monomial: Monomial, share: float) -> float:
    result = share
    for base, exponent in monomial:
        result *= _raised(base.number, exponent)
    return result


def _raised(base: float, exponent: float) -> float:
    try:
        result = base**exponent
    except (ZeroDivisionError, OverflowError):
        return math.inf
    return result if isinstance(result, float | int) else math.nan


def rest_of_terms(count: int, left: float) -> Term:
    """Return the smaller terms of a long sum together: [15 more], with numbers [15 more: 0.25]."""
    with_numbers = Term(f"[{count:,} more: {{0}}]", (number(left),))
    return Term(f"[{count:,} more]", number=0.0, with_numbers=with_numbers)


# Making


def constant(value: float) -> Expression:
    """Return a plain number."""
    return Expression((((), float(value)),)) if value else Expression(())


def atom(term: Term, value: float) -> Expression:
    """Return a name, or a function of expressions, as one piece."""
    if term.is_number and term.number is not None:
        return constant(term.number)
    piece = Atom(term.names(), float(value), term)
    return Expression(((((piece, 1.0),), 1.0),))


def symbol(name: str, value: float) -> Expression:
    """Return a name that stands for a number."""
    return atom(named(name, value), value)


def added(parts: Iterable[Expression]) -> Expression:
    """Return a sum, equal terms put together: (w − 1) + (w − 1) is 2 · (w − 1)."""
    counts: dict[Expression, int] = {}
    for part in parts:
        if part.terms:
            counts[part] = counts.get(part, 0) + 1
    parts = [scaled(part, float(count)) for part, count in counts.items()]
    if len(parts) == 1:
        return parts[0]
    whole = _collected(parts)
    single = [each for part in parts for each in _multiplied_out(part)]
    flat = _collected(single)
    # Sums are multiplied out where names come together: 0.9 · (p − 1) + 0.1 · p is p − 0.9.
    met = sum(_has_names(each) for each in single) > sum(bool(names) for names, _ in flat.terms)
    return flat if met and _size(flat) < _size(whole) else whole


def _has_names(expression: Expression) -> bool:
    return any(monomial for monomial, _ in expression.terms)


def _multiplied_out(expression: Expression) -> list[Expression]:
    """Return the terms of an expression, a number times a sum multiplied out."""
    parts = []
    for monomial, share in expression.terms:
        base, exponent = monomial[0] if len(monomial) == 1 else (None, 0.0)
        if isinstance(base, Expression) and exponent == 1:
            parts += [
                scaled(each, share)
                for inner in base.terms
                for each in _multiplied_out(Expression((inner,)))
            ]
        else:
            parts.append(Expression(((monomial, share),)))
    return parts


def _size(expression: Expression) -> int:
    """Return how many terms and factors there are to be read."""
    return sum(
        1 + sum(1 if isinstance(base, Atom) else _size(base) for base, _ in monomial)
        for monomial, _ in expression.terms
    )


def _collected(parts: Iterable[Expression]) -> Expression:
    """Return a sum, the coefficients of equal monomials added."""
    order: dict[frozenset[tuple[Atom | Expression, float]], Monomial] = {}
    shares: dict[frozenset[tuple[Atom | Expression, float]], list[float]] = {}
    for part in parts:
        for monomial, share in part.terms:
            key = frozenset(monomial)
            order.setdefault(key, monomial)
            shares.setdefault(key, []).append(share)
    terms = []
    for key, monomial in order.items():
        total = math.fsum(shares[key])
        if abs(total) > ROUNDING * max(map(abs, shares[key])):
            terms.append((monomial, total))
    return _unwrapped(Expression(tuple(terms)))


def scaled(expression: Expression, by: float) -> Expression:
    """Return a number times an expression: −(1 − a) is a − 1, and 2 · (a − 1) stays."""
    if by == 0 or not expression.terms:
        return constant(0.0)
    if by == 1:
        return expression
    if len(expression.terms) == 1 or by == -1:
        return Expression(tuple((monomial, share * by) for monomial, share in expression.terms))
    return Expression(((((expression, 1.0),), by),))


def multiplied(factors: Iterable[Expression]) -> Expression:
    """Return a product, equal factors put together as powers."""
    coefficient = 1.0
    powers: dict[Atom | Expression, float] = {}
    for factor in factors:
        if not factor.terms:
            return constant(0.0)
        if len(factor.terms) == 1:
            monomial, share = factor.terms[0]
            coefficient *= share
        else:
            monomial = ((factor, 1.0),)
        for base, exponent in monomial:
            if isinstance(base, Expression) and base not in powers:
                turned = scaled(base, -1.0)
                if turned in powers and exponent == int(exponent):
                    base, coefficient = turned, coefficient * (-1.0) ** int(exponent)
            powers[base] = powers.get(base, 0.0) + exponent
    monomial = tuple((base, exponent) for base, exponent in powers.items() if exponent)
    return _unwrapped(Expression(((monomial, coefficient),)))


def raised(base: Expression, exponent: float) -> Expression:
    """Return a power with a known exponent."""
    if exponent == 0:
        return constant(1.0)
    if exponent == 1:
        return base
    known = base.constant
    if known is not None:
        return constant(_raised(known, exponent))
    if len(base.terms) == 1:
        monomial, share = base.terms[0]
        whole = exponent == int(exponent)
        if whole or (share == 1 and len(monomial) == 1 and monomial[0][1] == 1):
            powers = tuple((each, power * exponent) for each, power in monomial)
            return Expression(((powers, _raised(share, exponent)),))
    return Expression(((((base, exponent),), 1.0),))


def divided(upper: Expression, lower: Expression) -> Expression:
    """Return a quotient."""
    return multiplied([upper, raised(lower, -1.0)])


def function(template: str, arguments: list[Expression], value: float) -> Expression:
    """Return a function of expressions, such as σ({0}), and the number that it comes to."""
    return atom(Term(template, tuple(each.term() for each in arguments)), value)


def _unwrapped(expression: Expression) -> Expression:
    """Return a sum that is the only factor of an expression without its wrapping."""
    if len(expression.terms) != 1:
        return expression
    monomial, share = expression.terms[0]
    if len(monomial) != 1 or monomial[0][1] != 1 or abs(share) != 1:
        return expression
    base = monomial[0][0]
    return scaled(base, share) if isinstance(base, Expression) else expression


# Writing


def _signed(parts: list[tuple[Term, bool]]) -> Term:
    """Return a sum of parts, each to be added or (True) taken away."""
    template = ""
    for place, (_, minus) in enumerate(parts):
        if place:
            template += " − " if minus else " + "
        elif minus:
            template += "−"
        template += f"{{{place}}}"
    return parts[0][0] if template == "{0}" else Term(template, tuple(part for part, _ in parts))


def _product(monomial: Monomial, share: float) -> Term:
    """Return a monomial as a product or a fraction; `share` is positive."""
    top, bottom = _fraction(share, any(exponent < 0 for _, exponent in monomial))
    upper = [_power(base, exponent) for base, exponent in monomial if exponent > 0]
    lower = [_power(base, -exponent) for base, exponent in monomial if exponent < 0]
    if top != 1 or not upper:
        upper = [number(top), *upper]
    if bottom != 1:
        lower = [number(bottom), *lower]
    template = " · ".join(f"{{{place}}}" for place in range(len(upper)))
    if lower:
        places = range(len(upper), len(upper) + len(lower))
        under = " · ".join(f"{{{place}}}" for place in places)
        template += f" / ({under})" if len(lower) > 1 else f" / {under}"
    if template == "{0}":
        return upper[0]
    return Term(template, (*upper, *lower))


def _fraction(share: float, below: bool = False) -> tuple[float, float]:
    """Return a coefficient as numerator and denominator, where that says it better.

    `below`: whether there is a denominator in any case.

    >>> _fraction(0.5), _fraction(1 / 6), _fraction(2 / 3)
    ((0.5, 1.0), (1.0, 6.0), (2.0, 3.0))
    """
    if not math.isfinite(share) or (len(figure(share)) <= 4 and not below):
        return share, 1.0
    near = Fraction(share).limit_denominator(LARGEST_DENOMINATOR)
    if near and math.isclose(float(near), share, rel_tol=1e-14, abs_tol=0.0):
        return float(near.numerator), float(near.denominator)
    return share, 1.0


def _power(base: Atom | Expression, exponent: float) -> Term:
    term = base.term if isinstance(base, Atom) else base.term()
    if exponent == 1:
        return term
    if exponent in (2, 3):
        return Term("{0}²" if exponent == 2 else "{0}³", (term,))
    if exponent == 0.5:
        return Term("√({0})", (term,))
    return Term("{0}^({1})", (term, number(exponent)))
