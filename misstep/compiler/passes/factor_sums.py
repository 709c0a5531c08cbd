"""Pass: sums that differ by factors are worked out once, and a sum of what is left of a mean is 0.

Along the axes of a sum, what does not change can be taken out: Σ a · u = u · Σ a. Written as
numbers times sums of products, the gradients of a normalization need two sums, of the gradient that
comes in and of its product with what is normalized; by the chain rule alone they are four, one of
which waits for another. And Σ (x − mean of x) is 0, which takes the mean out of the gradient of a
variance and leaves no gradient for a bias that a normalization takes away again. One such sum
stays: where it is taken away from the very x − mean that it sums, it is there for what rounding
left of the mean (`ops.centered`).

A sum is rewritten only where that leaves no more of them: where a part of it is 0, or where all its
parts are sums that others need too. Products are never multiplied out, so no digits are lost.
Changes bits: a sum is rounded after a factor instead of before; 0 is exact where rounding errors
stood.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from misstep import ops
from misstep.compiler.passes.facts import number_of
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Pass
from misstep.ir import Graph, Value, make_input
from misstep.ops import mean, reshape
from misstep.ops.arithmetic import Add, Divide, Multiply, Negative, Subtract
from misstep.ops.reduction import Sum
from misstep.ops.shape import Reshape

# A sum of more parts than this has no business here.
MOST_TERMS = 8
# 1 / n in float32, times n, is off by less.
ONE = 1e-6

Axes = frozenset[int]
Key = tuple[int, Axes, tuple[Value, ...]]


@dataclass(frozen=True)
class Term:
    """Numbers and values that do not change along the axes, times the sum of a product.

    `factors`: each with whether it divides. `product`: what changes along the axes, in the order of
    the graph.
    """

    number: float = 1.0
    factors: tuple[tuple[Value, bool], ...] = ()
    product: tuple[Value, ...] = ()

    def key(self, x: Value, axes: Axes) -> Key:
        """Return what the sum of the product within a sum of `x` is known by."""
        return x.ndim, axes, self.product


class FactorSums(Pass):
    """Writes sums as numbers times sums of products, where that leaves fewer sums."""

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with sums taken apart where it pays."""
        order = {value: number for number, value in enumerate(graph.values)}
        candidates: dict[Value, tuple[Axes, list[Term], bool]] = {}
        remainders = _remainders(graph)
        for value in graph.values:
            if value in remainders:
                continue
            if isinstance(value.op, Sum) and value.size > 1 and value.type.is_float:
                (x,) = value.inputs
                axes = frozenset(axis % x.ndim for axis in value.op.axes)
                apart = _Terms(x, axes, order)
                if axes and apart.fits:
                    candidates[value] = axes, apart.terms, apart.dropped
        keys = {
            value: [term.key(value.inputs[0], axes) for term in terms]
            for value, (axes, terms, _) in candidates.items()
        }
        available = {term_keys[0] for term_keys in keys.values() if len(term_keys) == 1}
        paying: dict[Value, tuple[Axes, list[Term]]] = {}
        for value, (axes, terms, dropped) in candidates.items():
            lacking = set(keys[value]) - available
            if (len(terms) > 1 or dropped) and len(lacking) <= dropped:
                paying[value] = axes, terms
                available |= lacking
        alone = [value for value in candidates if len(keys[value]) == 1 and value not in paying]
        uses = Counter(key for value in (*paying, *alone) for key in keys[value])
        for value in alone:
            if uses[keys[value][0]] > 1:
                paying[value] = candidates[value][:2]
        if not paying:
            return graph
        here = Rewriting(graph)
        sums: dict[Key, Value] = {}
        for value in graph.values:
            here.at(value)
            here.set(
                value,
                _written(here, value, *paying[value], sums)
                if value in paying
                else here.copy(value),
            )
        return here.result()


factor_sums = FactorSums("factor_sums", "sums that differ by factors are one", exact=False)


@dataclass
class _Terms:
    """The terms of the sum of `x` along `axes`. `dropped`: whether some are 0."""

    x: Value
    axes: Axes
    order: dict[Value, int]
    terms: list[Term] = field(default_factory=list)
    dropped: bool = False
    fits: bool = True

    def __post_init__(self) -> None:
        self._add(self.x, Term())
        if len(self.terms) > MOST_TERMS:
            self.fits = False

    def _add(self, x: Value, before: Term) -> None:
        """Add what `x`, times the factors met before, contributes."""
        if len(self.terms) > MOST_TERMS or not self.fits:
            return
        if isinstance(x.op, Negative):
            self._add(x.inputs[0], _times(before, -1.0))
        elif x.ndim == self.x.ndim and is_centered(x, self.axes):
            self.dropped = True
        elif isinstance(x.op, Add | Subtract):
            a, b = x.inputs
            if not a.shape == b.shape == self.x.shape:
                self._end(x, before)
                return
            self._add(a, before)
            self._add(b, _times(before, -1.0 if isinstance(x.op, Subtract) else 1.0))
        else:
            self._end(x, before)

    def _end(self, x: Value, before: Term) -> None:
        """Take a product apart into what changes along the axes and what does not."""
        number, factors = before.number, list(before.factors)
        waiting = [(x, False)]
        linear: list[Value] = []
        while waiting:
            value, below = waiting.pop()
            known = number_of(value)
            if known is not None and known != 0 and math.isfinite(known):
                number = number / float(known) if below else number * float(known)
            elif not self._changes(value):
                factors.append((value, below))
            elif isinstance(value.op, Negative):
                number = -number
                waiting.append((value.inputs[0], below))
            elif isinstance(value.op, Multiply) and not below:
                waiting += [(factor, below) for factor in value.inputs]
            elif isinstance(value.op, Divide) and not below and not self._changes(value.inputs[1]):
                waiting += [(value.inputs[0], False), (value.inputs[1], True)]
            elif below:
                self.fits = False
            else:
                linear.append(value)
        if len(linear) == 1 and linear[0] is not x:
            self._add(linear[0], Term(number, tuple(factors)))
            return
        if not linear:
            self.fits = False
            return
        # Along an axis that the product does not have, it is as often there as the sum is long.
        for axis in self.axes:
            if not any(_length(factor, axis, self.x.ndim) > 1 for factor in linear):
                number *= self.x.shape[axis]
        product = tuple(sorted(linear, key=self.order.__getitem__))
        self.terms.append(Term(number, tuple(factors), product))

    def _changes(self, value: Value) -> bool:
        return any(_length(value, axis, self.x.ndim) > 1 for axis in self.axes)


def _length(value: Value, axis: int, ndim: int) -> int:
    """Return how long a value that broadcasts to `ndim` axes is along one of them."""
    own = axis - (ndim - value.ndim)
    return value.shape[own] if own >= 0 else 1


def _times(term: Term, number: float) -> Term:
    return Term(term.number * number, term.factors, term.product)


def is_centered(x: Value, axes: Axes) -> bool:
    """Tell whether `x` is something less its own mean along `axes`."""
    if isinstance(x.op, Subtract):
        sides = [(x.inputs[0], x.inputs[1], -1.0)]
    elif isinstance(x.op, Add):
        a, b = x.inputs
        sides = [(a, b, 1.0), (b, a, 1.0)]
    else:
        return False
    return any(_is_mean(mean_, source, axes, sign) for source, mean_, sign in sides)


def _remainders(graph: Graph) -> set[Value]:
    """Return the sums of something less its mean that are there to center it once more."""
    found: dict[Value, list[tuple[Value, Axes]]] = {}
    for value in graph.values:
        if isinstance(value.op, Sum):
            (x,) = value.inputs
            axes = frozenset(axis % x.ndim for axis in value.op.axes)
            if is_centered(x, axes):
                found.setdefault(x, []).append((value, axes))
    return {
        remainder
        for value in graph.values
        if isinstance(value.op, Subtract) and value.inputs[0] in found
        for remainder, axes in found[value.inputs[0]]
        if is_centered(value, axes)
    }


def _is_mean(value: Value, x: Value, axes: Axes, sign: float) -> bool:
    """Tell whether sign · value is the negative mean of `x` along `axes`."""
    kept = tuple([1 if axis in axes else length for axis, length in enumerate(x.shape)])
    if (1,) * (x.ndim - value.ndim) + value.shape != kept:
        return False
    while True:
        if isinstance(value.op, Reshape):
            (value,) = value.inputs
        elif isinstance(value.op, Negative):
            (value,), sign = value.inputs, -sign
        elif isinstance(value.op, Multiply | Divide):
            a, b = value.inputs
            number = number_of(b)
            if number is None and isinstance(value.op, Multiply):
                a, b, number = b, a, number_of(a)
            if number is None or number == 0:
                return False
            sign = sign / float(number) if isinstance(value.op, Divide) else sign * float(number)
            value = a
        else:
            break
    if not isinstance(value.op, Sum):
        return False
    (summed,) = value.inputs
    while summed is not x and isinstance(summed.op, Negative):
        (summed,), sign = summed.inputs, -sign
    same = summed is x and axes == frozenset(axis % x.ndim for axis in value.op.axes)
    count = math.prod(x.shape[axis] for axis in axes)
    return same and abs(sign * count + 1.0) < ONE


def _written(
    here: Rewriting, value: Value, axes: Axes, terms: list[Term], sums: dict[Key, Value]
) -> Value:
    """Return the sum as numbers times sums of products."""
    (x,) = value.inputs
    shape = tuple([1 if axis in axes else length for axis, length in enumerate(x.shape)])
    result: Value | None = None
    for term in terms:
        key = term.key(x, axes)
        if key not in sums:
            sums[key] = _sum(here, axes, x, term.product)
        term_sum = sums[key]
        for factor, below in term.factors:
            current = here.now(factor)
            current = here.reshape(current, (1,) * (x.ndim - current.ndim) + current.shape)
            term_sum = here.make(Divide() if below else Multiply(), term_sum, current)
        if term.number == -1.0 and result is not None:
            result = here.make(Subtract(), result, term_sum)
            continue
        if abs(term.number) != 1.0:
            term_sum = here.make(Multiply(), term_sum, here.number(term.number, term_sum))
        elif term.number < 0:
            term_sum = here.make(Negative(), term_sum)
        result = term_sum if result is None else here.make(Add(), result, term_sum)
    if result is None:
        return here.broadcast(here.number(0.0, value), value.shape)
    return here.reshape(here.broadcast(result, shape), value.shape)


def _sum(here: Rewriting, axes: Axes, x: Value, product: tuple[Value, ...]) -> Value:
    first, *others = [here.now(factor) for factor in product]
    for factor in others:
        first = here.make(Multiply(), first, factor)
    first = here.reshape(first, (1,) * (x.ndim - first.ndim) + first.shape)
    # Along kept axes the product may be the same everywhere; what is made of the sum repeats it.
    lengths = zip(x.shape, first.shape, strict=True)
    shape = tuple([whole if axis in axes else own for axis, (whole, own) in enumerate(lengths)])
    first = here.broadcast(first, shape)
    kept = tuple([1 if axis in axes else length for axis, length in enumerate(shape)])
    return here.reshape(here.make(Sum(tuple(sorted(axes)), keep=0 not in axes), first), kept)


@factor_sums.example
def _() -> Graph:
    x, up, scale = make_input("x", (6, 4)), make_input("up", (6, 4)), make_input("scale", (4,))
    far, size, spread = x - mean(x, 0, keep=True), up * up, scale * scale + 2.0
    return Graph(
        {
            "scale": ops.sum(size * (x * x / spread), (0,)),
            "spread": -ops.sum(size * spread * (x * x), (0,), keep=True) / spread,
            "center": ops.sum(size * spread + far * 2.0**-12, (0,)),
            "shift": ops.sum(size, (0,)),
            "bias": ops.sum(far, (0,)) + 64.0,
        }
    )


@factor_sums.example
def _() -> Graph:
    x = make_input("x", (3, 5))
    back = x + reshape(ops.sum(-x, (1,)) / 5.0, (3, 1))
    return Graph(ops.sum(back * 2.0**-12 - x * x, (1,)) + 1.0)


@factor_sums.example
def _() -> Graph:
    x, b, c = make_input("x", (2, 1)), make_input("b", (1, 4)), make_input("c", (1, 4))
    return Graph({"p": ops.sum(x * b, (0,)), "q": ops.sum(x * c, (0,))})
