"""Formulas as small trees, written out with names or with numbers, brackets only where needed.

A template such as `{0} · {1}` comes from an op's `formula` or `local_derivatives`; how tightly it
binds is read off the template itself, so that a new op needs no entry here. Knows nothing of
graphs; `formulas.py` builds the trees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from misstep.text.figures import figure

# How tightly a text binds, loosest first.
WORDS, COMPARISON, SUM, PRODUCT, PREFIX, POWER, ATOM = range(7)

_SLOT = re.compile(r"\{(\d+|out)\}")
_LOOSE = (" if ", " else ", " where ", " at ", "part of ")
_COMPARING = (" < ", " ≤ ", " = ", " ∧ ", " ∨ ", " > ")


@dataclass(frozen=True)
class Term:
    """A piece of a formula: a template whose slots {0}, {1} … are other Terms.

    A Term with a `number` and no `args` is a name or a number: written as `template` with names, as
    its number with numbers. `with_numbers`: another Term to write in the numbers style, if any.
    """

    template: str
    args: tuple[Term, ...] = ()
    number: float | None = None
    with_numbers: Term | None = field(default=None, repr=False)

    @property
    def is_number(self) -> bool:
        """Tell whether this is a plain number without a name."""
        return self.number is not None and not self.template

    def names(self) -> str:
        """Return the formula with names."""
        return _written(self, False)[0]

    def numbers(self) -> str:
        """Return the formula with numbers in the place of names."""
        return _written(self, True)[0]


def number(value: float) -> Term:
    """Return a plain number as a Term."""
    return Term("", number=float(value))


def named(name: str, value: float) -> Term:
    """Return a name that stands for a number as a Term."""
    return Term(name, number=float(value))


def sum_of(parts: list[Term]) -> Term:
    """Return the sum of `parts`."""
    return joined(parts, " + ") if parts else number(0.0)


def joined(parts: list[Term], between: str) -> Term:
    """Return `parts` with an operator between them."""
    if len(parts) == 1:
        return parts[0]
    return Term(between.join(f"{{{slot}}}" for slot in range(len(parts))), tuple(parts))


def product_of(factors: list[Term]) -> Term:
    """Return the product of `factors`, the plain numbers among them multiplied out in front.

    >>> product_of([number(0.5), number(2), named("a", 0.3), number(-1)]).names()
    '−a'
    """
    coefficient = 1.0
    rest: list[Term] = []
    for factor in factors:
        if factor.is_number and factor.number is not None:
            coefficient *= factor.number
        else:
            rest.append(factor)
    if not rest or coefficient == 0:
        return number(coefficient)
    if coefficient == 1:
        return joined(rest, " · ")
    if coefficient == -1:
        return Term("−{0}", (joined(rest, " · "),))
    return joined([number(coefficient), *rest], " · ")


def _written(term: Term, with_numbers: bool, first: bool = True) -> tuple[str, int]:
    """Return the text of `term` and how tightly it binds.

    `first`: nothing stands before it, so that a minus sign needs no brackets.
    """
    if with_numbers and term.with_numbers is not None:
        return _written(term.with_numbers, True, first)
    if term.number is not None and not term.args:
        if term.template and not with_numbers:
            return term.template, ATOM
        text = figure(term.number)
        # 3×10⁻⁴² would be read as another power of ten.
        level = PRODUCT if "×" in text else ATOM
        return (text, level) if first or not text.startswith("−") else (f"({text})", ATOM)
    parts: list[str] = []
    end = 0
    for slot in _SLOT.finditer(term.template):
        before, after = term.template[: slot.start()], term.template[slot.end() :]
        need = _need(before, after)
        at_front = first if not before else before.endswith(("(", ", ", "|", ": ", "if ", "else "))
        at_front = at_front and need < POWER
        text, level = _written(term.args[int(slot[1])], with_numbers, at_front)
        wrapped = level < need or (text.startswith("−") and not at_front)
        if wrapped:
            # Nothing stands before it inside of its brackets.
            text, _ = _written(term.args[int(slot[1])], with_numbers, True)
        prefix = term.template[end : slot.start()]
        if (wrapped or text.startswith("(−")) and prefix.endswith(("ln ", "sin ", "cos ", "sign ")):
            prefix = prefix[:-1]
        parts.extend((prefix, f"({text})" if wrapped else text))
        end = slot.end()
    parts.append(term.template[end:])
    level = level_of(term.template)
    if term.template == "{0}":
        level = _written(term.args[0], with_numbers)[1]
    return "".join(parts), level


def level_of(template: str) -> int:
    """Return how tightly a template binds, from the operators outside its brackets."""
    bare = _SLOT.sub("x", template)
    flat, depth, bars = [], 0, False
    for sign in bare:
        if sign in ")]":
            depth -= 1
        if sign == "|":
            bars = not bars
        flat.append(sign if depth == 0 and not bars else "_")
        if sign in "([":
            depth += 1
    text = "".join(flat)
    if any(word in text for word in _LOOSE):
        return WORDS
    if any(sign in text for sign in _COMPARING):
        return COMPARISON
    if " + " in text or " − " in text or text.startswith("−"):
        return SUM
    if " · " in text or " / " in text or "{0} {1}" in template:
        return PRODUCT
    if "^" in text or text.endswith(("²", "³")):
        return POWER
    return PREFIX if " " in text.strip() else ATOM


def _need(before: str, after: str) -> int:
    """Return how tightly the text in a slot must bind, from what stands around the slot."""
    if after.startswith(("^", "²", "³", "ᵀ", "[")) or before.endswith(("¬", "√")):
        return ATOM
    if before.endswith((" / ", "} ")) or after.startswith(" {"):
        return POWER
    if before.endswith((" · ", " − ", "−")) or after.startswith((" · ", " / ")):
        return PRODUCT
    if before.endswith((" + ", "Σ ")) or after.startswith((" + ", " − ")):
        return PRODUCT if before.endswith("Σ ") else SUM
    if re.search(r"(ln|sin|cos|sign|max|min|argmax) $", before):
        return ATOM
    if after.startswith((" < ", " ≤ ", " = ", " ∧ ", " ∨ ", " > ")):
        return SUM
    return SUM if before.endswith((" < ", " ≤ ", " = ", " ∧ ", " ∨ ")) else WORDS
