"""Reverse mode through time: the gradient of a scan is another scan that runs the other way.

Its carry is the blame of the carry; each step takes what the loss blames this step's result for,
and gives out the blame of the step's entries. A constant (a weight, a bias) is not blamed step by
step where that can be had at once: for a product with a constant the blame of each step's product
is given out, and one large product over all rows and steps makes the constant's blame of it
outside. What remains is added up step by step. `remembering` makes the scan keep what its gradient
will ask for, so that nothing dear is computed twice. Knows the ops of matrix products and parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.autodiff.reverse import blames, gradient
from misstep.errors import GraphError
from misstep.ir import Graph, Value, ancestors, make_input, make_literal, rebuild
from misstep.ops import concatenate, pad, reshape, slice_axis, transpose
from misstep.ops.arithmetic import Add
from misstep.ops.contraction import MatrixProduct
from misstep.ops.pieces import Pad, Slice
from misstep.ops.scan import Scan, body_text, scan_of

Columns = tuple[int, int]
# What costs so many additions to work out again is kept from the way forward.
DEAR = 8


@dataclass(frozen=True)
class Part:
    """Blame of a part of a scan's result: steps and columns from … up to …; `value`: of them."""

    value: Value
    steps: Columns
    columns: Columns


def backward(value: Value, upstream: Value) -> tuple[Value | None, ...]:
    """Return what each input of a scan is blamed for: its initial carry, sequences, constants."""
    return _Backward(value, upstream).shares()


def remembering(value: Value) -> Value:
    """Return a scan's result, from a scan that also keeps what its gradient will need.

    The numbers are the same. Raises GraphError for a value that is no scan's.
    """
    op = value.op
    if not isinstance(op, Scan):
        raise GraphError("what remembers", needed="the result of a scan", got=value.describe())
    body = op.graph(value.dtype)
    plan = _Body(op, body, value.inputs)
    plan.blame_outputs(columns=(0, plan.carried))
    kept = plan.worth_keeping()
    if not kept:
        return value
    text = body_text([*body.outputs.values(), *kept], body.inputs)
    wide = Scan(text, op.sequences, op.reverse)(*value.inputs, name=value.name)
    return slice_axis(wide, 2, 0, value.shape[2])


class _Body:
    """The body of a scan with its reverse mode: what each of its parts is blamed for in a step."""

    def __init__(self, op: Scan, body: Graph, inputs: tuple[Value, ...]) -> None:
        self.op = op
        self.body = body
        self.carry, *others = body.inputs
        self.entries, self.constants = others[: op.sequences], others[op.sequences :]
        self.outer = dict(zip(body.inputs, inputs, strict=True))
        self.batch, self.carried = self.carry.shape
        self.time = inputs[1].shape[1]
        self.own, self.fixed = set(body.values), set(self.constants)
        self.columns: dict[Value, Columns] = {}
        self.outputs: list[tuple[Value, Columns]] = []
        start = 0
        for output in body.outputs.values():
            place = (start, start + output.shape[1])
            self.outputs.append((output, place))
            self.columns.setdefault(output, place)
            start = place[1]
        self.carry_blame = make_input("blame_of_carry", self.carry.shape, self.carry.dtype)
        self.result_blame: Value | None = None
        self.uses = {one: self._uses(one) for one in self.constants if one.type.is_float}
        self.blame: dict[Value, Value | None] = {}

    def blame_outputs(self, columns: Columns | None) -> None:
        """Work out what is blamed when these columns of the result are, beside the carry."""
        seeds: dict[Value, Value] = {}
        if columns is not None:
            shape = self.batch, columns[1] - columns[0]
            self.result_blame = make_input("blame_of_result", shape, self.carry.dtype)
        for output, place in self.outputs:
            terms = []
            if place[1] <= self.carried:
                terms.append(_cut(self.carry_blame, (0, self.carried), place))
            if columns is not None and self.result_blame is not None:
                terms.append(_cut(self.result_blame, columns, place))
            for term in terms:
                if term is not None:
                    known = seeds.get(output)
                    seeds[output] = term if known is None else known + term
        special = {use for uses in self.uses.values() for use in uses or ()}
        whole = [one for one, uses in self.uses.items() if uses is None]
        moving = [one for one in self.entries if one.type.is_float]
        wanted = [self.carry, *moving, *whole, *special]
        self.blame = dict(zip(wanted, blames(seeds, wanted), strict=True))

    def _uses(self, constant: Value) -> list[Value] | None:
        """Return the uses of a constant whose blame can be had outside; None if one can't."""
        found = []
        if constant in self.columns:
            return None
        for value in self.body.values:
            if all(constant is not one for one in value.inputs):
                continue
            if not self._rows_apart(value, constant):
                return None
            found.append(value)
        return found

    def _rows_apart(self, value: Value, constant: Value) -> bool:
        """Tell whether each row of `value` follows from the same rows of what is not constant."""
        op, fixed = value.op, self.fixed
        assert op is not None
        if isinstance(op, MatrixProduct):
            left, right = value.inputs
            return right is constant and left.ndim == right.ndim == 2 and left not in fixed
        if not op.elementwise or value.ndim != 2 or value.shape[0] != self.batch:
            return False
        rows = [one for one in value.inputs if self.varies(one)]
        flat = [one for one in value.inputs if not self.varies(one)]
        return (
            bool(rows)
            and all(one.ndim == 2 and one.shape[0] == self.batch for one in rows)
            and all(one.ndim <= 2 for one in flat)
        )

    # --- what the way back needs of the way forward ------------------------------------------

    def needed(self, roots: Iterable[Value]) -> list[Value]:
        """Return the values of the body that are used directly to work out `roots`."""
        found: dict[Value, None] = {}
        waiting, seen = list(roots), set()
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self.own:
                found[one] = None
            else:
                waiting += one.inputs
        return list(found)

    def worth_keeping(self) -> list[Value]:
        """Return the values of the body that its gradient needs and that are dear, or gone."""
        roots = [one for one in self.blame.values() if one is not None]
        waiting = self.needed(roots)
        for uses in self.uses.values():
            for use in uses or ():
                waiting += self.needed_outside(use)
        kept: dict[Value, None] = {}
        seen: set[Value] = set()
        while waiting:
            one = waiting.pop()
            if one in seen or one.is_literal or one in self.columns:
                continue
            seen.add(one)
            if one is self.carry:
                kept[one] = None
            elif one.op is not None:
                if one.op.kernel or one.op.cost >= DEAR:
                    kept[one] = None
                else:
                    waiting += one.inputs
        order = {value: place for place, value in enumerate(self.body.values)}
        return sorted(kept, key=order.__getitem__)

    # --- blame of constants outside ------------------------------------------------------------

    def needed_outside(self, use: Value) -> list[Value]:
        """Return the inputs of `use` of which its blame of constants needs every step."""
        _, given, shares = self._formula(use)
        read = set(ancestors(list(shares.values())))
        return [one for one, value in given.items() if self.varies(one) and value in read]

    def shape_along(self, one: Value) -> tuple[int, ...]:
        """Return the shape of a value of the body at all steps."""
        return self.batch, self.time, one.shape[1]

    def varies(self, one: Value) -> bool:
        """Tell whether a value of the body differs from step to step."""
        return one not in self.fixed and not one.is_literal

    def shares_outside(
        self, use: Value, upstream: Value, sequences: dict[Value, Value]
    ) -> dict[Value, Value]:
        """Return what `use` blames its constants for, summed over all rows and steps.

        `upstream`: (batch, time, columns); `sequences`: its other inputs that it needs, likewise.
        """
        blamed, given, shares = self._formula(use)
        known = {blamed: upstream}
        for one, value in given.items():
            if one in sequences or one in self.outer:
                known[value] = sequences[one] if one in sequences else self.outer[one]
        _, copies = rebuild(Graph(list(shares.values())), known=known)
        return {one: copies[share] for one, share in shares.items()}

    def _formula(self, use: Value) -> tuple[Value, dict[Value, Value], dict[Value, Value]]:
        """Return, for all steps at once: the blame of `use`, its inputs, and the constants' shares.

        All of placeholders, since the real ones may be computed from the constants themselves.
        """
        assert use.op is not None
        upstream = make_input("upstream", self.shape_along(use), use.dtype)
        given: dict[Value, Value] = {}
        for one in dict.fromkeys(use.inputs):
            shape = self.shape_along(one) if self.varies(one) else one.shape
            given[one] = one if one.is_literal else make_input("given", shape, one.dtype)
        wanted = [one for one in given if self.uses.get(one)]
        if isinstance(use.op, MatrixProduct):
            left, right = use.inputs
            rows = self.batch * self.time
            product = use.op(reshape(given[left], (rows, left.shape[1])), given[right])
            shares = gradient(product, [given[right]], reshape(upstream, product.shape))
        else:
            inputs = []
            for one in use.inputs:
                if self.varies(one) or one.ndim < 2:
                    inputs.append(given[one])
                else:  # of each row its own, at all steps alike
                    inputs.append(reshape(given[one], (one.shape[0], 1, one.shape[1])))
            value = use.op(*inputs)
            shares = gradient(value, [given[one] for one in wanted], upstream)
        return upstream, given, dict(zip(wanted, shares, strict=True))


class _Backward:
    """One gradient of a scan: the scan that runs the other way, and what follows from it."""

    def __init__(self, value: Value, upstream: Value) -> None:
        assert isinstance(value.op, Scan)
        self.value = value
        self.op = value.op
        self.plan = _Body(value.op, value.op.graph(value.dtype), value.inputs)
        self.initial, *self.others = value.inputs
        self.time, self.width = value.shape[1:]
        self.made: list[Value] = []
        self._known: dict[Value, Value] = {}
        self.first, self.upstream, self.columns = self._split(upstream)
        self.plan.blame_outputs(self.columns)

    def _split(self, upstream: Value) -> tuple[Value, Value | None, Columns | None]:
        """Return the blame of the last carry, that of each step's result, and of which columns.

        What only the last step's carry is blamed for, as where a layer gives back its last output,
        need not be written out as zeros for all other steps.
        """
        last = (0, 1) if self.op.reverse else (self.time - 1, self.time)
        plan = self.plan
        parts = _parts(upstream, (0, self.time), (0, self.width))
        at_end = [one.steps == last and one.columns[1] <= plan.carried for one in parts]
        ends = [one for one, at in zip(parts, at_end, strict=True) if at]
        rest = [one for one, at in zip(parts, at_end, strict=True) if not at]
        shape = self.initial.shape
        first = make_literal(np.zeros(shape), self.value.dtype)
        for place, one in enumerate(ends):
            low, high = one.columns
            flat = reshape(one.value, (plan.batch, high - low))
            whole = _padded(flat, 1, low, plan.carried - high)
            first = whole if place == 0 else first + whole
        if not rest:
            return first, None, None
        low = min(one.columns[0] for one in rest)
        high = max(one.columns[1] for one in rest)
        total: Value | None = None
        for one in rest:
            start, stop = one.columns
            term = _padded(one.value, 2, start - low, high - stop)
            term = _padded(term, 1, one.steps[0], self.time - one.steps[1])
            total = term if total is None else total + term
        return first, total, (low, high)

    def shares(self) -> tuple[Value | None, ...]:
        """Return what each input is blamed for."""
        plan = self.plan
        zeros = make_literal(np.zeros(self.initial.shape), self.value.dtype)
        carried = plan.blame[plan.carry]
        self.made = [zeros if carried is None else carried]
        for one in plan.entries:
            found = plan.blame.get(one)
            if found is not None:
                self._add(found)
        outside: dict[Value, list[Value]] = {}
        for uses in plan.uses.values():
            for use in uses or ():
                found = plan.blame.get(use)
                if found is not None and use not in outside:
                    self._add(found)
                    outside[use] = plan.needed_outside(use)
                    for one in outside[use]:
                        if self._along(one) is None:
                            self._add(one)
        whole = [one for one, uses in plan.uses.items()
                 if uses is None and plan.blame[one] is not None]  # fmt: skip
        seeds = self._seeds() if whole else []
        for one in seeds:
            self._add(one)
        result = self._run()
        shares: dict[Value, Value] = {}
        steps = self.time - 1 if self.op.reverse else 0
        if carried is not None:
            at = slice_axis(self._part(result, carried), 1, steps, steps + 1) if self.time else None
            shares[plan.carry] = self.first if at is None else reshape(at, self.initial.shape)
        for one in plan.entries:
            found = plan.blame.get(one)
            if found is not None:
                shares[one] = self._part(result, found)
        for use, needed in outside.items():
            upstream = plan.blame[use]
            assert upstream is not None
            sequences = {}
            for one in needed:
                along = self._along(one)
                sequences[one] = self._part(result, one) if along is None else along
            found_shares = plan.shares_outside(use, self._part(result, upstream), sequences)
            for constant, share in found_shares.items():
                known = shares.get(constant)
                shares[constant] = share if known is None else known + share
        for one in whole:
            shares[one] = self._step_by_step(one, result, seeds)
        return tuple(shares.get(one) for one in plan.body.inputs)

    def _add(self, value: Value) -> None:
        if all(value is not one for one in self.made):
            self.made.append(value)

    def _part(self, result: Value, made: Value) -> Value:
        """Return the columns of the backward scan's result that a value of its body went to."""
        start = 0
        for one in self.made:
            if one is made:
                return slice_axis(result, 2, start, start + one.shape[1])
            start += one.shape[1]
        raise GraphError("the gradient of a scan", needed="a value that it gives out")

    def _along(self, value: Value) -> Value | None:
        """Return a value of the forward body at all steps, (batch, time, columns), if it is there.

        Of the carry: what a step began with.
        """
        plan = self.plan
        if value not in self._known:
            if value in plan.columns:
                made = slice_axis(self.value, 2, *plan.columns[value])
            elif value is plan.carry:
                made = self._carries()
            elif value in plan.outer and value not in plan.fixed:
                made = plan.outer[value]
            elif isinstance(value.op, Slice) and value.shape[0] == plan.batch:
                base = self._along(value.inputs[0]) if value.inputs[0].ndim == 2 else None
                if base is None:
                    return None
                op = value.op
                made = slice_axis(base, 2, op.starts[1], op.stops[1], op.steps[1])
            else:
                return None
            self._known[value] = made
        return self._known[value]

    def _carries(self) -> Value:
        """Return what each step began with, where the way forward did not keep it."""
        carried = slice_axis(self.value, 2, 0, self.plan.carried)
        first = reshape(self.initial, (self.plan.batch, 1, self.plan.carried))
        if self.time == 0:
            return carried
        if self.op.reverse:
            return concatenate([slice_axis(carried, 1, 1, self.time), first], 1)
        return concatenate([first, slice_axis(carried, 1, 0, self.time - 1)], 1)

    def _run(self) -> Value:
        """Return the result of the scan that runs the other way."""
        plan = self.plan
        entries: dict[Value, Value] = {}
        known: dict[Value, Value] = {}
        if self.upstream is not None and plan.result_blame is not None:
            entries[plan.result_blame] = self.upstream
        waiting = plan.needed(self.made)
        waiting += [one for one in self.made if one in plan.own]
        seen: set[Value] = set()
        while waiting:
            one = waiting.pop()
            if one in seen or one.is_literal or one in plan.fixed:
                continue
            seen.add(one)
            along = self._along(one)
            if along is None:
                waiting += one.inputs
            else:
                known[one] = make_input("step", one.shape, one.dtype)
                entries[known[one]] = along
        if not entries:
            unread = make_input("unread", (plan.batch, 0), self.value.dtype)
            entries[unread] = slice_axis(self.value, 2, 0, 0)
        _, copies = rebuild(Graph(self.made), known=known)
        constants = {one: plan.outer[one] for one in plan.constants}
        outputs = [copies.get(one, one) for one in self.made]
        op, fixed = scan_of(
            outputs, plan.carry_blame, list(entries), constants, reverse=not self.op.reverse
        )
        return op(self.first, *entries.values(), *fixed)

    # --- constants of any shape, used in any way -------------------------------------------------

    def _seeds(self) -> list[Value]:
        """Return the whole blame of each output of the body in a step, as values of its body."""
        plan = self.plan
        found = []
        for output, place in plan.outputs:
            term = _cut(plan.carry_blame, (0, plan.carried), place)
            if plan.result_blame is not None and self.columns is not None:
                other = _cut(plan.result_blame, self.columns, place)
                term = other if term is None else term if other is None else term + other
            zeros = make_literal(np.zeros(output.shape), output.dtype)
            found.append(zeros if term is None else term)
        return found

    def _step_by_step(self, constant: Value, result: Value, seeds: Sequence[Value]) -> Value:
        """Return the blame of a constant, added up over the steps by a scan of a single row."""
        plan = self.plan
        size = constant.size
        given: list[Value] = []
        known: dict[Value, Value] = {}
        entries: list[Value] = []

        def take(value: Value, along: Value) -> None:
            # All rows of the batch side by side in one row.
            turned = transpose(along, (1, 0, 2))
            given.append(reshape(turned, (1, self.time, value.size)))
            entry = make_input("entry", (1, value.size), value.dtype)
            entries.append(entry)
            known[value] = reshape(entry, value.shape)

        local = {seed: make_input("seed", seed.shape, seed.dtype) for seed in seeds}
        by_output: dict[Value, Value] = {}
        for (output, _), seed in zip(plan.outputs, seeds, strict=True):
            before = by_output.get(output)
            by_output[output] = local[seed] if before is None else before + local[seed]
        (share,) = blames(by_output, [constant])
        sum_ = make_input("sum", (1, size), constant.dtype)
        assert share is not None
        for seed, stand_in in local.items():
            take(stand_in, self._part(result, seed))
        for one in (plan.carry, *plan.entries):
            along = self._along(one)
            assert along is not None
            take(one, along)
        _, copies = rebuild(Graph([share]), known=known)
        made = sum_ + reshape(copies.get(share, share), (1, size))
        constants = {one: plan.outer[one] for one in plan.constants}
        op, fixed = scan_of([made], sum_, entries, constants, reverse=False)
        summed = op(make_literal(np.zeros((1, size)), constant.dtype), *given, *fixed)
        if self.time == 0:
            return make_literal(np.zeros(constant.shape), constant.dtype)
        return reshape(slice_axis(summed, 1, self.time - 1, self.time), constant.shape)


def _parts(value: Value, steps: Columns, columns: Columns) -> list[Part]:
    """Return blame as the parts that it was made of: what is added, each without its zeros."""
    if isinstance(value.op, Add) and all(one.shape == value.shape for one in value.inputs):
        return [part for one in value.inputs for part in _parts(one, steps, columns)]
    op = value.op
    zeros_only = isinstance(op, Pad) and not any(op.between) and value.inputs[0].size
    if isinstance(op, Pad) and zeros_only and op.before[0] == op.after[0] == 0:
        inner = (steps[0] + op.before[1], steps[1] - op.after[1])
        across = (columns[0] + op.before[2], columns[1] - op.after[2])
        return _parts(value.inputs[0], inner, across)
    return [Part(value, steps, columns)]


def _padded(value: Value, axis: int, before: int, after: int) -> Value:
    """Return `value` with zeros before and after it along one axis."""
    if before == after == 0:
        return value
    widths = [(0, 0)] * value.ndim
    widths[axis] = before, after
    return pad(value, widths)


def _cut(value: Value, held: Columns, wanted: Columns) -> Value | None:
    """Return the `wanted` columns of a value that holds some, zeros where it does not; or None."""
    low, high = max(held[0], wanted[0]), min(held[1], wanted[1])
    if low >= high:
        return None
    part = value
    if (low, high) != held:
        part = slice_axis(value, 1, low - held[0], high - held[0])
    return _padded(part, 1, low - wanted[0], wanted[1] - high)


Scan.backward = staticmethod(backward)

__all__ = ["backward", "remembering"]
