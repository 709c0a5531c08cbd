"""The formula of one entry of a Value, down to Values that have a name; and of a local derivative.

An entry of a matrix product is written as the sum it is, an entry of a reshaped Value as the entry
it comes from. Any op without a rule here is written by its own `formula` and `local_derivatives`.
Knows ops by their names and templates; `terms.py` writes the trees that are built here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from misstep.explain.local_derivatives import LocalDerivatives
from misstep.explain.naming import MOVING
from misstep.explain.terms import Term, joined, named, number, product_of, sum_of
from misstep.ir import Array, Value

Index = tuple[int, ...]

# A sum of more terms than this is written with Σ, and its numbers with the first two.
MOST_TERMS = 3
# So is a sum whose text has more letters than this.
LONGEST_SUM = 70


def labeled(name: str, index: Index) -> str:
    """Return the name of an entry: `w` for a single number, `z[3, 0]` for one of several."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


class Formulas:
    """Builds formulas over named Values.

    `numbers`: every Value's numbers. `names`: the Values at which a formula stops.
    """

    def __init__(
        self,
        numbers: Mapping[Value, Array],
        names: Mapping[Value, str],
        derivatives: LocalDerivatives,
    ) -> None:
        self._numbers = numbers
        self._names = names
        self._derivatives = derivatives
        self._sources: dict[Value, list[Array]] = {}

    def figure(self, value: Value, index: Index) -> float:
        """Return the number of one entry."""
        return float(self._numbers[value][index])

    def label(self, value: Value) -> str:
        """Return the name of a Value that has one."""
        return self._names[value]

    def named(self, value: Value, index: Index) -> str | None:
        """Return the name of an entry, or None if its Value has none."""
        name = self._names.get(value)
        return labeled(name, index) if name is not None else None

    def entry(self, value: Value, index: Index) -> Term:
        """Return an entry as it stands in a formula: by its name, or by its own formula."""
        name = self._names.get(value)
        if name is not None:
            return named(labeled(name, index), self.figure(value, index))
        if value.op is None:
            return number(self.figure(value, index))
        return self.formula(value, index)

    def formula(self, value: Value, index: Index) -> Term:
        """Return the formula that makes one entry of `value`."""
        op = value.op
        if op is None:
            return number(self.figure(value, index))
        if op.name in MOVING:
            return self._moved(value, index)
        if op.name == "matrix_product":
            return self._products(value, index)
        if op.name == "sum":
            terms = [self.entry(value.inputs[0], each) for each in self.reduced(value, index)[:4]]
            return self._added(value, terms, len(self.reduced(value, index)))
        if op.name == "multiply" and (mean := self._mean(value, index)) is not None:
            return mean
        if op.name == "power" and (power := self._power(value, index)) is not None:
            return power
        if op.name in {"softmax", "log_softmax", "log_sum_exp", "max"}:
            row = self.row(value, index)
            if op.name in {"softmax", "log_softmax"}:
                axis = int(getattr(op, "axis", -1))
                logarithm = "ln " if op.name == "log_softmax" else ""
                return Term(f"{logarithm}softmax({{0}})[{index[axis]}]", (row,))
            if op.name == "log_sum_exp":
                return Term(op.formula, (row,), with_numbers=self._powers(value, index))
            return Term("max({0})", (row,))
        if op.elementwise:
            return Term(op.formula, tuple(self._operands(value, index)))
        return self._whole_entry(value, index)

    def whole(self, value: Value) -> Term:
        """Return a Value as a whole, without entries, as it stands in a formula."""
        name = self._names.get(value)
        if name is not None:
            return Term(name, number=float("nan"))
        if value.op is None:
            data = self._numbers[value]
            same = data.size and bool(np.all(data == data.reshape(-1)[0]))
            return number(float(data.reshape(-1)[0])) if same else Term("constants", number=0.0)
        if value.op.name == "power" and (exponent := self._exponent(value)) in (2, 3):
            return Term("{0}²" if exponent == 2 else "{0}³", (self.whole(value.inputs[0]),))
        if value.op.name in {"take_along_axis", "gather"} and value.inputs[1] not in self._names:
            return Term("{0}[…]", (self.whole(value.inputs[0]),))
        if value.op.name == "softmax" or value.op.name in {"max", "sum"}:
            template = value.op.formula.replace("max {0}", "max({0})")
            return Term(template, (self.whole(value.inputs[0]),))
        return Term(value.op.formula, tuple(self.whole(operand) for operand in value.inputs))

    def reduced(self, value: Value, index: Index) -> list[Index]:
        """Return the entries of the input that a sum (or another reduction) takes together."""
        (x,) = value.inputs
        axes = self._axes(value)
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        front = index if len(index) == len(kept) else tuple(index[axis] for axis in kept)
        fixed = dict(zip(kept, front, strict=True))
        lengths = [1 if axis in fixed else length for axis, length in enumerate(x.shape)]
        return [
            tuple(fixed.get(axis, at) for axis, at in enumerate(each))
            for each in np.ndindex(*lengths)
        ]

    def row(self, value: Value, index: Index) -> Term:
        """Return all the entries that a softmax or a reduction looks at, as a list."""
        (x,) = value.inputs
        axes = self._axes(value)
        indices = self.reduced(
            value,
            tuple(at for axis, at in enumerate(index) if axis not in axes)
            if len(index) == x.ndim
            else index,
        )
        spelled = [":" if axis in axes else str(at) for axis, at in enumerate(indices[0])]
        name = self._names.get(x)
        few = joined([self.entry(x, each) for each in indices[: MOST_TERMS + 1]], ", ")
        if len(indices) > MOST_TERMS + 1:
            few = Term(f"{{0}}, … {len(indices)} numbers", (few,))
        if name is not None:
            label = f"{name}[{', '.join(spelled)}]" if x.ndim else name
            return Term(label, number=0.0, with_numbers=few)
        return few

    def source(self, value: Value, slot: int, index: Index) -> Index | None:
        """Return the entry of input `slot` that an entry of a moving op is, or None."""
        if value not in self._sources:
            self._sources[value] = self._traced(value)
        flat = int(self._sources[value][slot][index])
        if flat == 0:
            return None
        return tuple(int(at) for at in np.unravel_index(flat - 1, value.inputs[slot].shape))

    # Local derivatives

    def derivative_number(
        self, value: Value, slot: int, operand_index: Index, index: Index
    ) -> float:
        """Return the derivative of an entry of `value` by one of the operand in `slot`."""
        operand = value.inputs[slot]
        entries = _flat(operand, operand_index), _flat(value, index)
        return self._derivatives.entry(value, slot, *entries)

    # Parts of formulas

    def _operands(self, value: Value, index: Index) -> list[Term]:
        return [self.entry(operand, narrowed(index, operand)) for operand in value.inputs]

    def _moved(self, value: Value, index: Index) -> Term:
        for slot, operand in enumerate(value.inputs):
            if (
                value.op is not None
                and value.op.name in {"gather", "take_along_axis"}
                and slot == 1
            ):
                continue
            source = self.source(value, slot, index)
            if source is not None:
                return self.entry(operand, source)
        return number(self.figure(value, index))

    def _traced(self, value: Value) -> list[Array]:
        """Return, for each input, which of its entries (from 1) each entry of the result is."""
        traced = []
        for slot, operand in enumerate(value.inputs):
            arrays = [
                np.arange(1, each.size + 1).reshape(each.shape)
                if other == slot
                else np.zeros(each.shape, "int64")
                if each.type.is_float
                else self._numbers[each]
                for other, each in enumerate(value.inputs)
            ]
            if value.op is None or value.op.name == "cast":
                traced.append(arrays[0])
            elif not operand.type.is_float and slot:
                traced.append(np.zeros(value.shape, "int64"))
            else:
                traced.append(np.asarray(value.op.run(*arrays)))
        return traced

    def _products(self, value: Value, index: Index) -> Term:
        left, right = value.inputs
        terms = []
        for inner in range(min(left.shape[-1], MOST_TERMS + 1)):
            first = self.entry(left, narrowed((*index[:-1], inner), left))
            second = self.entry(right, narrowed((*index[:-2], inner, index[-1]), right))
            terms.append(joined([first, second], " · "))
        count = left.shape[-1]
        if not terms:
            return number(0.0)
        if count <= MOST_TERMS:
            return sum_of(terms)
        names = [self._names.get(operand) for operand in (left, right)]
        if None in names:
            label = self._whole_entry(value, index)
        else:
            before = ", ".join(map(str, narrowed((*index[:-1], 0), left)[:-1]))
            after = [*map(str, narrowed((*index[:-2], 0, index[-1]), right))]
            after[-2] = "k"
            label = Term(f"Σₖ {names[0]}[{before}, k] · {names[1]}[{', '.join(after)}]", number=0.0)
        return replace(label, with_numbers=_first_of(terms, count))

    def _added(self, value: Value, terms: list[Term], count: int) -> Term:
        if count <= MOST_TERMS and _short(terms):
            return sum_of(terms)
        inner = Term("Σ {0}", (self.whole(value.inputs[0]),))
        return Term(inner.template, inner.args, with_numbers=_first_of(terms, count))

    def _mean(self, value: Value, index: Index) -> Term | None:
        """Return a sum times 1/n as a mean, if that is what `value` is."""
        summed, weight = value.inputs
        if summed.op is None or summed.op.name != "sum" or summed in self._names:
            return None
        if weight.op is not None or weight in self._names or weight.size != 1:
            return None
        indices = self.reduced(summed, index)
        if abs(float(self._numbers[weight].reshape(())) * len(indices) - 1) > 1e-12:
            return None
        (x,) = summed.inputs
        terms = [self.entry(x, each) for each in indices[: MOST_TERMS + 1]]
        if len(terms) == 1:
            return terms[0]
        if len(indices) <= MOST_TERMS and _short(terms):
            return Term(f"({{0}}) / {len(indices)}", (sum_of(terms),))
        few = Term(f"({{0}}) / {len(indices)}", (_first_of(terms, len(indices)),))
        return Term("mean({0})", (self.whole(x),), with_numbers=few)

    def _powers(self, value: Value, index: Index) -> Term:
        """Return the numbers of a log-sum-exp: ln(exp(0.3) + exp(0.1))."""
        (x,) = value.inputs
        indices = self.reduced(value, index)
        terms = [Term("exp({0})", (self.entry(x, each),)) for each in indices[:MOST_TERMS]]
        inner = sum_of(terms) if len(indices) <= MOST_TERMS else _first_of(terms, len(indices))
        return Term("ln({0})", (inner,))

    def _power(self, value: Value, index: Index) -> Term | None:
        exponent = self._exponent(value)
        if exponent is None:
            return None
        return product_of(_raised(self.entry(value.inputs[0], index), exponent))

    def _exponent(self, value: Value) -> float | None:
        exponent = value.inputs[1]
        if not exponent.is_literal or exponent.size != 1 or exponent in self._names:
            return None
        if value.inputs[0].shape != value.shape:
            return None
        return float(self._numbers[exponent].reshape(()))

    def _whole_entry(self, value: Value, index: Index) -> Term:
        op = value.op
        assert op is not None
        own = number(self.figure(value, index))
        template = op.formula if op.formula[-1] in ")]" else f"({op.formula})"
        return Term(
            template + (f"[{', '.join(map(str, index))}]" if index else ""),
            tuple(self.whole(operand) for operand in value.inputs),
            with_numbers=own,
        )

    def _axes(self, value: Value) -> set[int]:
        axes = getattr(value.op, "axes", None)
        if axes is None:
            axes = (getattr(value.op, "axis", -1),)
        return {int(axis) % max(value.inputs[0].ndim, 1) for axis in axes}


def _raised(base: Term, exponent: float) -> list[Term]:
    """Return `base` to the power of a known `exponent`, as factors."""
    if exponent == 0:
        return []
    if exponent == 1:
        return [base]
    if exponent in (2, 3):
        return [Term("{0}²" if exponent == 2 else "{0}³", (base,))]
    if exponent == 0.5:
        return [Term("√({0})", (base,))]
    return [Term("{0}^({1})", (base, number(exponent)))]


def _first_of(terms: list[Term], count: int) -> Term:
    """Return the first one or two of `count` terms, and that there are more."""
    shown = terms[:2] if _short(terms[:2]) else terms[:1]
    return Term(f"{{0}} + … {count:,} terms", (sum_of(shown),))


def _short(terms: list[Term]) -> bool:
    """Tell whether a sum of `terms` can be read in one line."""
    return sum(max(len(term.names()), len(term.numbers())) for term in terms) <= LONGEST_SUM


def narrowed(index: Index, operand: Value) -> Index:
    """Return the entry of a broadcast input that entry `index` of the result sees."""
    near = index[len(index) - operand.ndim :]
    return tuple(at if length > 1 else 0 for at, length in zip(near, operand.shape, strict=True))


def _flat(value: Value, index: Index) -> int:
    return int(np.ravel_multi_index(index, value.shape)) if index else 0
