"""The derivative of one entry by another as a formula: sum, product, quotient and chain rule.

Walks from an entry of a named Value down to the entry asked about, through the steps between them
that have no name, with every other named Value held still. What the rules make is put together by
`algebra.py`; how it came about is kept beside it, as written down step by step. An op with
templates that are arithmetic needs no rule here. Knows graphs and formulas; no layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from misstep.explain.algebra import (
    MOST_TERMS,
    Expression,
    added,
    atom,
    constant,
    divided,
    multiplied,
    scaled,
    symbol,
)
from misstep.explain.formulas import BILINEAR, Formulas, Index, narrowed
from misstep.explain.local_derivatives import LocalDerivatives
from misstep.explain.naming import MOVING
from misstep.explain.op_templates import read_template
from misstep.explain.terms import Term, joined, number
from misstep.ir import Array, Value
from misstep.text.figures import figure

# A sum over more entries than this is not written entry by entry: about a tenth of a second.
WIDEST = 4_096
# A derivation with more letters than this explains nothing.
LONGEST_DERIVATION = 110
PRODUCT_RULE, QUOTIENT_RULE, CHAIN_RULE = "product rule", "quotient rule", "chain rule"
_LINEAR = {"add", "subtract", "negative", "multiply", "divide"}
SOFT = {"softmax", "log_softmax", "log_sum_exp"}


@dataclass(frozen=True)
class Derived:
    """A derivative: simplified, as the rules wrote it (None: too long), and which rules those were.

    `notes`: what else is to be said, such as which side of a ReLU. `steps`: the assignments on the
    way: their Value, the slot of the operand, and the entry of the result.
    """

    expression: Expression
    written: Term | None
    rules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[tuple[Value, int, Index], ...] = ()


ONE = Derived(constant(1.0), number(1.0))


class Derivation:
    """Derivatives by one entry of one named Value.

    `source`, `entry`: by what. `target`: of which named Value. `stops`: all named ones. `changes`:
    how every Value on the way answers to the entry, in numbers.
    """

    def __init__(
        self,
        source: Value,
        entry: Index,
        target: Value,
        stops: Mapping[Value, int],
        changes: Mapping[Value, Array],
        formulas: Formulas,
        derivatives: LocalDerivatives,
    ) -> None:
        self._source, self._entry, self._target = source, entry, target
        self._stops, self._changes = stops, changes
        self._formulas, self._derivatives = formulas, derivatives
        self._known: dict[tuple[Value, Index], Derived | None] = {}
        self._expressions: dict[tuple[Value, Index], Expression] = {}
        self.too_wide = False

    def of(self, index: Index) -> Derived | None:
        """Return the derivative of one entry of the target, or None where it can't be written."""
        derived = self._derive(self._target, index)
        return None if self.too_wide else derived

    def _derive(self, value: Value, index: Index) -> Derived | None:
        """Return the derivative of an entry; None where it is 0."""
        if value is self._source:
            return ONE if index == self._entry else None
        if value.op is None or (value in self._stops and value is not self._target):
            return None
        if not self._moves(value, index):
            return None
        key = (value, index)
        if key not in self._known:
            self._known[key] = self._step(value, index)
        return self._known[key]

    def _moves(self, value: Value, index: Index) -> bool:
        if value is self._source:
            return index == self._entry
        if value in self._stops and value is not self._target:
            return False
        change = self._changes.get(value)
        if change is not None and change[index] != 0:
            return True
        if value.op is None or value.op.name not in {"multiply", "add", "subtract"}:
            return False
        # A factor that happens to be 0 has a name all the same: σ(z) − t, where t is 0.
        return any(self._moves(each, narrowed(index, each)) for each in value.inputs)

    def _step(self, value: Value, index: Index) -> Derived | None:
        op = value.op
        assert op is not None
        if op.name in MOVING:
            before = self._formulas.moved_from(value, index)
            return None if before is None else self._derive(*before)
        if op.name == "sum":
            return self._sum(value, index)
        if op.name == "matrix_product":
            return self._matrix_product(value, index)
        if op.name in SOFT:
            return self._soft(value, index)
        if op.elementwise:
            return self._elementwise(value, index)
        return self._other(value, index)

    def _sum(self, value: Value, index: Index) -> Derived | None:
        (x,) = value.inputs
        entries = [each for each in self._formulas.reduced(value, index) if self._moves(x, each)]
        if not self._narrow(entries):
            return None
        return _together([self._derive(x, each) for each in entries])

    def _matrix_product(self, value: Value, index: Index) -> Derived | None:
        left, right = value.inputs
        parts: list[Derived | None] = []
        for inner in range(left.shape[-1]):
            one = narrowed((*index[:-1], inner), left)
            other = narrowed((*index[:-2], inner, index[-1]), right)
            places = (one, other), (other, one)
            for slot, (mine, yours) in enumerate(places):
                if self._moves(value.inputs[slot], mine):
                    inside = self._derive(value.inputs[slot], mine)
                    factor = self.expression(value.inputs[1 - slot], yours)
                    parts.append(self._times(factor, inside, (value, slot, index)))
            if len(parts) > WIDEST:
                self.too_wide = True
                return None
        both = self._moves_at_all(left) and self._moves_at_all(right)
        return _together(parts, PRODUCT_RULE if both else None)

    def _soft(self, value: Value, index: Index) -> Derived | None:
        """Return the derivative of a log-sum-exp, p, of a log-softmax, 1 − p, or of a softmax."""
        (x,) = value.inputs
        assert value.op is not None
        entries = self._formulas.reduced(value, index)
        moving = [each for each in entries if self._moves(x, each)]
        if not self._narrow(moving):
            return None
        parts = []
        for each in moving:
            local = self._formulas.derivative_number(value, 0, each, index)
            if value.op.name == "log_sum_exp":
                factor = self._share(value, index, entries.index(each), local)
            elif value.op.name == "log_softmax":
                own_entry = 1.0 if each == index else 0.0
                share = self._share(value, index, entries.index(each), own_entry - local)
                factor = added([constant(own_entry), scaled(share, -1.0)])
            else:
                own = self.expression(value, index)
                if each == index:
                    factor = multiplied([own, added([constant(1.0), scaled(own, -1.0)])])
                else:
                    factor = scaled(multiplied([self.expression(value, each), own]), -1.0)
            parts.append(self._times(factor, self._derive(x, each), (value, 0, index)))
        return _together(parts, CHAIN_RULE if x is not self._source else None)

    def _share(self, value: Value, index: Index, at: int, local: float) -> Expression:
        row = self._formulas.row(value, index)
        return atom(Term(f"softmax({{0}})[{at}]", (row,), with_numbers=number(local)), local)

    def _elementwise(self, value: Value, index: Index) -> Derived | None:
        op = value.op
        assert op is not None
        if op.name == "multiply" and value.inputs[0] is value.inputs[1]:
            return self._square(value, index)
        parts: list[Derived | None] = []
        moved: list[Derived | None] = []
        for slot, operand in enumerate(value.inputs):
            inside = self._derive(operand, narrowed(index, operand))
            moved.append(inside)
            if inside is None:
                parts.append(None)
                continue
            factor, note = self._factor(value, slot, index)
            part = self._times(factor, inside, (value, slot, index), note)
            nested = operand is not self._source and op.name not in _LINEAR
            if part is not None and nested and op.name != "cast" and note is None:
                part = _ruled(part, CHAIN_RULE)
            parts.append(part)
        both = sum(part is not None for part in parts) > 1
        if op.name == "divide" and moved[1] is not None:
            return self._quotient(value, index, parts, moved)
        if both and op.name == "multiply":
            return self._product(value, index, parts, moved)
        return _together(parts)

    def _square(self, value: Value, index: Index) -> Derived | None:
        """Return the derivative of a value times itself, 2 · u · u′."""
        operand = value.inputs[0]
        place = narrowed(index, operand)
        factor = multiplied([constant(2.0), self.expression(operand, place)])
        part = self._times(factor, self._derive(operand, place), (value, 0, index))
        nested = part is not None and operand is not self._source
        return _ruled(part, CHAIN_RULE) if nested and part is not None else part

    def _product(
        self, value: Value, index: Index, parts: list[Derived | None], moved: list[Derived | None]
    ) -> Derived | None:
        """Return the derivative of a product u · v, written as u′ · v + u · v′."""
        derived = _together(parts, PRODUCT_RULE)
        one, other = (
            self.expression(operand, narrowed(index, operand)).term() for operand in value.inputs
        )
        first, second = (None if each is None else each.written for each in moved)
        if derived is None or first is None or second is None:
            return derived
        written = Term("{0} · {1} + {2} · {3}", (*map(_bounded, (first, other, one, second)),))
        return Derived(derived.expression, written, derived.rules, derived.notes, derived.steps)

    def _quotient(
        self, value: Value, index: Index, parts: list[Derived | None], moved: list[Derived | None]
    ) -> Derived | None:
        """Return the derivative of a quotient u / v, written as (u′ · v − u · v′) / v²."""
        derived = _together(parts, QUOTIENT_RULE)
        upper, lower = (
            self.expression(operand, narrowed(index, operand)).term() for operand in value.inputs
        )
        first, second = (None if each is None else each.written for each in moved)
        if derived is None or second is None or (moved[0] is not None and first is None):
            return derived
        away = _joined_product(upper, second)
        if first is None:
            written = Term("−{0} / {1}²", (away, lower))
        else:
            written = Term("({0} − {1}) / {2}²", (_joined_product(first, lower), away, lower))
        return Derived(derived.expression, written, derived.rules, derived.notes, derived.steps)

    def _factor(self, value: Value, slot: int, index: Index) -> tuple[Expression, str | None]:
        """Return the op's own derivative by an operand, and what is to be said of it."""
        op = value.op
        assert op is not None
        place = narrowed(index, value.inputs[slot])
        local = self._formulas.derivative_number(value, slot, place, index)
        template = op.local_derivatives[slot] if slot < len(op.local_derivatives) else "…"
        if " if " in template or " where " in template or template.startswith("sign "):
            return constant(local), self._side(value, slot, index, local)
        if " " not in template and "{" not in template and "…" not in template:
            return constant(local), None
        operands = {
            str(each): self.expression(operand, narrowed(index, operand))
            for each, operand in enumerate(value.inputs)
        }
        result = self.expression(value, index)
        read = read_template(template, operands | {"out": result})
        if read is not None and _near(read.number, local):
            return read, None
        terms = [operands[str(each)].term() for each in range(len(value.inputs))]
        filled = template.replace("{out}", f"{{{len(terms)}}}")
        if "…" in filled:
            return constant(local), f"the slope of {op.name.replace('_', ' ')} there"
        return atom(Term(filled, (*terms, result.term())), local), None

    def _side(self, value: Value, slot: int, index: Index, local: float) -> str:
        """Return why the slope of an op with two sides is what it is here."""
        op = value.op
        assert op is not None
        tell = [
            self.expression(operand, narrowed(index, operand)).term().names()
            for operand in value.inputs
        ]
        numbers = [
            figure(self._formulas.figure(operand, narrowed(index, operand)))
            for operand in value.inputs
        ]
        name, at = tell[slot], f"{tell[slot]} = {numbers[slot]}"
        at = at if tell[slot] != numbers[slot] else name
        if op.name == "relu":
            return f"the ReLU is on, {at} > 0, so its slope is 1"
        if op.name == "abs":
            return f"the slope of |{name}| is {figure(local)}, since {at}"
        if op.name in {"maximum", "minimum"}:
            word = "larger" if op.name == "maximum" else "smaller"
            tie = abs(local) != 1
            return f"{at} {'equals the other, and half' if tie else f'is the {word} one'}"
        if op.name == "where":
            return "the condition is true there" if slot == 1 else "the condition is false there"
        return f"the slope of {op.name.replace('_', ' ')} at {at} is {figure(local)}"

    def _other(self, value: Value, index: Index) -> Derived | None:
        """Return the derivative of an entry of any other op, over all operand entries that move."""
        op = value.op
        assert op is not None
        parts: list[Derived | None] = []
        for slot, operand in enumerate(value.inputs):
            for each in self._moving_entries(operand):
                local = self._formulas.derivative_number(value, slot, each, index)
                if local == 0:
                    continue
                factor, note = constant(local), None
                if op.name in BILINEAR:
                    factor = self._bilinear(value, slot, each, index)
                elif op.name == "normalize":
                    factor, note = self._normalized(value, slot, each, index, local)
                elif op.name in {"max", "window_max"}:
                    name = self.expression(operand, each).term().names()
                    tie = "" if local == 1 else ", one of several"
                    note = f"{name} is the largest{tie}"
                elif op.name == "scan":
                    steps = value.shape[1] - 1
                    note = f"through {steps:,} steps of a recurrence at once, too many to write out"
                elif not self._is_linear(op.local_derivatives, slot):
                    note = f"the slope of {op.name.replace('_', ' ')} there"
                part = self._times(factor, self._derive(operand, each), (value, slot, index), note)
                parts.append(part)
        return _together(parts)

    def _is_linear(self, templates: tuple[str, ...], slot: int) -> bool:
        return slot < len(templates) and templates[slot] in {"1", "−1"}

    def _bilinear(self, value: Value, slot: int, place: Index, index: Index) -> Expression:
        """Return the derivative of an op that is linear in either operand, as the other's sum."""
        other = value.inputs[1 - slot]
        weights = self._derivatives.partners(value, slot, place, index)
        return added(
            scaled(self.expression(other, tuple(map(int, each))), float(weights[tuple(each)]))
            for each in np.argwhere(weights)
        )

    def _normalized(
        self, value: Value, slot: int, place: Index, index: Index, local: float
    ) -> tuple[Expression, str | None]:
        """Return scale / deviation · ([same entry] − 1/n − x̂ · x̂ / n), or x̂ by the scale."""
        x, scale, _ = value.inputs
        numbers = self._derivatives.numbers
        label = self.expression(x, index).term().names()
        if slot == 2:
            return constant(local), None
        if slot == 1:
            return symbol(f"normalized({label})", local), None
        axes = tuple(getattr(value.op, "axes", (-1,)))
        deviation = np.sqrt(
            numbers[x].var(axis=axes, keepdims=True) + getattr(value.op, "epsilon", 0.0)
        )
        normal = (numbers[x] - numbers[x].mean(axis=axes, keepdims=True)) / deviation
        count = numbers[x].size // deviation.size
        below = np.broadcast_to(deviation, value.shape)[index]
        other = self.expression(x, place).term().names()
        inner = added(
            [
                constant((1.0 if place == index else 0.0) - 1.0 / count),
                scaled(
                    multiplied(
                        [
                            symbol(f"normalized({label})", float(normal[index])),
                            symbol(f"normalized({other})", float(normal[place])),
                        ]
                    ),
                    -1.0 / count,
                ),
            ]
        )
        parts = [self.expression(scale, narrowed(index, scale)), inner]
        return divided(multiplied(parts), symbol("deviation", float(below))), None

    # Helpers

    def expression(self, value: Value, index: Index) -> Expression:
        """Return an entry as it stands in a formula: its name, or what it is made of."""
        key = (value, index)
        if key not in self._expressions:
            self._expressions[key] = self._expression(value, index)
        return self._expressions[key]

    def _expression(self, value: Value, index: Index) -> Expression:
        formulas, figure_here = self._formulas, self._formulas.figure(value, index)
        name = formulas.named(value, index)
        if name is not None:
            return symbol(name, figure_here)
        op = value.op
        if op is None:
            return constant(figure_here)
        if op.name in MOVING:
            before = formulas.moved_from(value, index)
            return constant(figure_here) if before is None else self.expression(*before)
        if op.elementwise:
            operands = {
                str(each): self.expression(operand, narrowed(index, operand))
                for each, operand in enumerate(value.inputs)
            }
            read = read_template(op.formula, operands)
            if read is not None and _near(read.number, figure_here):
                return read
        if op.name == "sum":
            entries = formulas.reduced(value, index)
            if len(entries) <= MOST_TERMS:
                return added(self.expression(value.inputs[0], each) for each in entries)
        if op.name == "matrix_product" and value.inputs[0].shape[-1] <= MOST_TERMS:
            left, right = value.inputs
            return added(
                multiplied(
                    [
                        self.expression(left, narrowed((*index[:-1], inner), left)),
                        self.expression(right, narrowed((*index[:-2], inner, index[-1]), right)),
                    ]
                )
                for inner in range(left.shape[-1])
            )
        return atom(formulas.formula(value, index), figure_here)

    def _times(
        self,
        factor: Expression,
        inside: Derived | None,
        step: tuple[Value, int, Index],
        note: str | None = None,
    ) -> Derived | None:
        """Return a local factor times the derivative of what is inside."""
        if inside is None or not factor.terms:
            return None
        return Derived(
            multiplied([factor, inside.expression]),
            None if inside.written is None else _joined_product(factor.term(), inside.written),
            inside.rules,
            inside.notes if note is None else (note, *inside.notes),
            (*inside.steps, step),
        )

    def _moving_entries(self, operand: Value) -> list[Index]:
        if operand is self._source:
            return [self._entry]
        change = self._changes.get(operand)
        if change is None or (operand in self._stops and operand is not self._target):
            return []
        entries = [tuple(int(at) for at in each) for each in np.argwhere(change)]
        return entries if self._narrow(entries) else []

    def _moves_at_all(self, operand: Value) -> bool:
        return operand is self._source or (operand not in self._stops and operand in self._changes)

    def _narrow(self, entries: list[Index]) -> bool:
        if len(entries) > WIDEST:
            self.too_wide = True
        return not self.too_wide


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _joined_product(one: Term, other: Term) -> Term:
    """Return a product as it comes, factors of 1 left out."""
    for first, second in ((one, other), (other, one)):
        if first.is_number and first.number == 1:
            return second
    if one.is_number and one.number == -1:
        return Term("−{0}", (other,))
    return joined([_bounded(one), _bounded(other)], " · ")


def _bounded(term: Term) -> Term:
    """Return a fraction in brackets, so that w · (1 / w) isn't read as (w · 1) / w."""
    return Term("({0})", (term,)) if " / " in term.template else term


def _together(parts: list[Derived | None], rule: str | None = None) -> Derived | None:
    """Return the sum of the parts that are there."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    if len(there) == 1:
        return there[0]
    written = [part.written for part in there if part.written is not None]
    whole = len(written) == len(there) <= MOST_TERMS
    rules = [each for part in there for each in part.rules]
    notes = [each for part in there for each in part.notes]
    derived = Derived(
        added(part.expression for part in there),
        joined(written, " + ") if whole else None,
        tuple(dict.fromkeys(rules)),
        tuple(dict.fromkeys(notes)),
        tuple(step for part in there for step in part.steps),
    )
    return _ruled(derived, rule) if rule is not None else derived


def _ruled(derived: Derived, rule: str) -> Derived:
    rules = derived.rules if rule in derived.rules else (*derived.rules, rule)
    return Derived(derived.expression, derived.written, rules, derived.notes, derived.steps)
