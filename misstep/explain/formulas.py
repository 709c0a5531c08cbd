"""The formula of one entry of a Value, down to Values that have a name; and of a local derivative.

An entry of a matrix product is written as the sum it is, an entry of a reshaped Value as the entry
it comes from. Any op without a rule here is written by its own `formula` and `local_derivatives`.
Knows ops by their names and templates; `terms.py` writes the trees that are built here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from misstep.explain.algebra import rest_of_terms
from misstep.explain.entry_names import EntryName
from misstep.explain.local_derivatives import LocalDerivatives
from misstep.explain.naming import MOVING
from misstep.explain.terms import Term, joined, named, number, product_of, sum_of
from misstep.ir import Array, Value

Index = tuple[int, ...]

# What a value as a whole is called where nobody can tell which entries are meant.
_UNCLEAR = ("part of", "[…]", "constants", "padded", "reversed", ", …)")
# Ops that are sums of products of their two operands.
BILINEAR = {"convolution", "window_products"}
# A sum of more terms than this is written with Σ, and its numbers with the first two.
MOST_TERMS = 3
SHOWN_TERMS = 2
# So is a sum whose text has more letters than this.
LONGEST_SUM = 70


def labeled(name: str, index: Sequence[int | str]) -> str:
    """Return the name of an entry: `w` for a single number, `z[3, 0]` for one of several."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


class Formulas:
    """Builds formulas over named Values.

    `numbers`: every Value's numbers. `names`: the Values at which a formula stops. `labels`: how
    entries of some of them are called. `shown`: entries that a long sum gives first, as those on a
    path; put there from outside.
    """

    def __init__(
        self,
        numbers: Mapping[Value, Array],
        names: Mapping[Value, str],
        derivatives: LocalDerivatives,
        labels: Mapping[Value, EntryName] | None = None,
    ) -> None:
        self.shown: set[tuple[Value, Index]] = set()
        self._labels = labels or {}
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
        return self._place(value, index) if value in self._names else None

    def _place(self, value: Value, index: Sequence[int | str]) -> str:
        """Return the name of an entry of a Value that has one; a letter leaves a place open."""
        name = self._names[value]
        own = self._labels.get(value)
        return labeled(name, index) if own is None else own.label(name, index)

    def entry(self, value: Value, index: Index) -> Term:
        """Return an entry as it stands in a formula: by its name, or by its own formula."""
        if value in self._names:
            return named(self._place(value, index), self.figure(value, index))
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
        if op.name in BILINEAR:
            return self._windows(value, index)
        if op.name == "sum":
            return self._added(value, index)
        if op.name == "multiply" and value.inputs[0] is value.inputs[1]:
            return product_of(_raised(self.entry(value.inputs[0], index), 2.0))
        if op.name == "multiply" and (other := self._times_one(value, index)) is not None:
            return other
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
        few = joined([self.entry(x, each) for each in indices[: MOST_TERMS + 1]], ", ")
        if len(indices) > MOST_TERMS + 1:
            few = Term(f"{{0}}, … {len(indices)} numbers", (few,))
        if x in self._names:
            spelled = [":" if axis in axes else at for axis, at in enumerate(indices[0])]
            return Term(self._place(x, spelled), number=0.0, with_numbers=few)
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
        before = self.moved_from(value, index)
        return number(self.figure(value, index)) if before is None else self.entry(*before)

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
        count = left.shape[-1]
        if not count:
            return number(0.0)
        places = [
            (narrowed((*index[:-1], at), left), narrowed((*index[:-2], at, index[-1]), right))
            for at in range(count)
        ]

        def term(at: int) -> Term:
            one, other = self.entry(left, places[at][0]), self.entry(right, places[at][1])
            return joined([one, other], " · ")

        if count <= MOST_TERMS:
            return sum_of([term(at) for at in range(count)])
        sizes = [self.figure(left, one) * self.figure(right, other) for one, other in places]
        origins = [(self.origin(left, one), self.origin(right, other)) for one, other in places]
        preferred = [not self.shown.isdisjoint(pair) for pair in origins]
        largest = _largest(term, sizes, preferred)
        labels = [self._running(side) for side in zip(*origins, strict=True)]
        if None in labels:
            return largest
        return Term(
            "{0}", (Term(f"Σₖ {labels[0]} · {labels[1]}", number=0.0),), with_numbers=largest
        )

    def origin(self, value: Value, index: Index) -> tuple[Value, Index]:
        """Return the entry that an entry is, seen through ops that only move entries."""
        while value not in self._names:
            before = self.moved_from(value, index)
            if before is None:
                break
            value, index = before
        return value, index

    def moved_from(self, value: Value, index: Index) -> tuple[Value, Index] | None:
        """Return the operand's entry that an entry of a moving op is; None where it is 0."""
        if value.op is None or value.op.name not in MOVING:
            return None
        for slot, operand in enumerate(value.inputs):
            if value.op.name in {"gather", "take_along_axis"} and slot == 1:
                continue
            source = self.source(value, slot, index)
            if source is not None:
                return operand, source
        return None

    def _running(self, entries: Sequence[tuple[Value, Index]]) -> str | None:
        """Return the name of entries of which one axis runs from 0 on, as h[0, k]; else None."""
        value, first = entries[0]
        if value not in self._names or any(each is not value for each, _ in entries):
            return None
        axes = [axis for axis in range(value.ndim) if entries[1][1][axis] != first[axis]]
        if len(axes) != 1:
            return None
        (axis,) = axes
        runs = [(*first[:axis], at, *first[axis + 1 :]) for at in range(len(entries))]
        if [index for _, index in entries] != runs:
            return None
        return self._place(value, (*first[:axis], "k", *first[axis + 1 :]))

    def _windows(self, value: Value, index: Index) -> Term:
        """Return an entry of a convolution as the sum of products that it is."""
        x, weight = value.inputs
        slopes = self._derivatives.row(value, 1, index)
        used = [tuple(int(at) for at in each) for each in np.argwhere(slopes)]
        if not used:
            return self._whole_entry(value, index)

        def term(at: int) -> Term:
            partners = self._derivatives.partners(value, 1, used[at], index)
            others = [tuple(int(each) for each in place) for place in np.argwhere(partners)]
            one = sum_of([self.entry(x, each) for each in others])
            return Term("{0} · {1}", (one, self.entry(weight, used[at])))

        sizes = [float(slopes[each]) * self.figure(weight, each) for each in used]
        preferred = [self.origin(weight, each) in self.shown for each in used]
        return _largest(term, sizes, preferred)

    def _times_one(self, value: Value, index: Index) -> Term | None:
        """Return the other factor of a product with a plain 1."""
        for slot, operand in enumerate(value.inputs):
            plain = operand.op is None and operand.is_literal and operand not in self._names
            if plain and self.figure(operand, narrowed(index, operand)) == 1:
                other = value.inputs[1 - slot]
                return self.entry(other, narrowed(index, other))
        return None

    def _added(self, value: Value, index: Index) -> Term:
        (x,) = value.inputs
        entries = self.reduced(value, index)
        terms = [self.entry(x, each) for each in entries[:MOST_TERMS]]
        if len(entries) == 1 or (len(entries) <= MOST_TERMS and _short(terms)):
            return sum_of(terms)
        whole = self.whole(x)
        if any(words in whole.names() for words in _UNCLEAR):
            return self._largest_of(x, entries)
        inner = Term("Σ {0}", (whole,))
        return Term(inner.template, inner.args, with_numbers=self._largest_of(x, entries))

    def _largest_of(self, x: Value, entries: Sequence[Index], template: str = "{0}") -> Term:
        """Return a sum over entries: those on the path and the largest ones, then the rest."""
        sizes = [self.figure(x, each) for each in entries]
        if template != "{0}":
            sizes = np.exp(sizes).tolist()

        def term(at: int) -> Term:
            entry = self.entry(x, entries[at])
            return entry if template == "{0}" else Term(template, (entry,))

        return _largest(term, sizes, [self._on_path(x, each) for each in entries])

    def _on_path(self, value: Value, index: Index) -> bool:
        """Tell whether an entry is on the path, or made of such an entry alone."""
        value, index = self.origin(value, index)
        if (value, index) in self.shown:
            return True
        if value in self._names or value.op is None or not value.op.elementwise:
            return False
        return any(self._on_path(each, narrowed(index, each)) for each in value.inputs)

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
        few = Term(f"({{0}}) / {len(indices)}", (self._largest_of(x, indices),))
        if any(words in self.whole(x).names() for words in _UNCLEAR):
            return few
        return Term("mean({0})", (self.whole(x),), with_numbers=few)

    def _powers(self, value: Value, index: Index) -> Term:
        """Return the numbers of a log-sum-exp: ln(exp(0.3) + exp(0.1))."""
        (x,) = value.inputs
        indices = self.reduced(value, index)
        inner = self._largest_of(x, indices, "exp({0})")
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


def _largest(
    term: Callable[[int], Term], sizes: Sequence[float], preferred: Sequence[bool]
) -> Term:
    """Return a sum: all of its terms where they are few, else two of them and the rest together.

    `preferred`: the terms to give first; then come the largest.
    """
    count = len(sizes)
    if count <= MOST_TERMS:
        terms = [term(at) for at in range(count)]
        if _short(terms):
            return sum_of(terms)
    order = sorted(range(count), key=lambda at: (not preferred[at], -abs(sizes[at])))
    shown = [term(at) for at in order[:SHOWN_TERMS]]
    kept = SHOWN_TERMS if _short(shown) else 1
    if count == kept:
        return sum_of(shown[:kept])
    left = float(sum(sizes[at] for at in order[kept:]))
    return sum_of([*shown[:kept], rest_of_terms(count - kept, left)])


def _short(terms: list[Term]) -> bool:
    """Tell whether a sum of `terms` can be read in one line."""
    return sum(max(len(term.names()), len(term.numbers())) for term in terms) <= LONGEST_SUM


def narrowed(index: Index, operand: Value) -> Index:
    """Return the entry of a broadcast input that entry `index` of the result sees."""
    near = index[len(index) - operand.ndim :]
    return tuple(at if length > 1 else 0 for at, length in zip(near, operand.shape, strict=True))


def _flat(value: Value, index: Index) -> int:
    return int(np.ravel_multi_index(index, value.shape)) if index else 0
