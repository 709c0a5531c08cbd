"""Reverse mode through time: the gradient of a scan is another scan that runs the other way.

Its carry is the blame of the carry; each step takes what the loss blames this step's result for,
and gives out the blame of the step's entries. A constant (a weight, a bias) is not blamed step by
step where that can be had at once: for a product with a constant the blame of each step's product
is given out, and one large product over all rows and steps makes the constant's blame of it
outside. What remains is added up step by step. `remembering` makes the scan keep what its gradient
will ask for, so that nothing dear is computed twice. Knows the ops of matrix products and parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from misstep.autodiff.reverse import blames
from misstep.autodiff.step_body import Body, Columns, cut, padded
from misstep.errors import GraphError
from misstep.ir import Graph, Value, make_input, make_literal, rebuild
from misstep.ops import reshape, slice_axis, transpose
from misstep.ops.arithmetic import Add
from misstep.ops.pieces import Pad, Slice
from misstep.ops.scan import Scan, begun_of, body_text, scan_of, steps_of


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
    if isinstance(op, Slice) and isinstance(value.inputs[0].op, Scan):
        return op(remembering(value.inputs[0]))
    if not isinstance(op, Scan):
        raise GraphError("what remembers", needed="the result of a scan", got=value.describe())
    body = op.graph(value.dtype)
    plan = Body(op, body, value.inputs)
    plan.blame_outputs(columns=(0, plan.carried))
    kept = plan.worth_keeping()
    if not kept:
        return value
    text = body_text([*body.outputs.values(), *kept], body.inputs)
    wide = Scan(text, op.sequences, op.reverse)(*value.inputs, name=value.name)
    return slice_axis(wide, 2, 0, value.shape[2])


class _Backward:
    """One gradient of a scan: the scan that runs the other way, and what follows from it."""

    def __init__(self, value: Value, upstream: Value) -> None:
        assert isinstance(value.op, Scan)
        self.value = value
        self.op = value.op
        self.plan = Body(value.op, value.op.graph(value.dtype), value.inputs)
        self.initial, *self.others = value.inputs
        self.time, self.width = value.shape[1] - 1, value.shape[2]
        self.made: list[Value] = []
        self.starts: list[Value] = []
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
        parts = []
        for one in _parts(upstream, (0, self.time + 1), (0, self.width)):
            parts += self._without_start(one)
        at_end = [one.steps == last and one.columns[1] <= plan.carried for one in parts]
        ends = [one for one, at in zip(parts, at_end, strict=True) if at]
        rest = [one for one, at in zip(parts, at_end, strict=True) if not at]
        shape = self.initial.shape
        first = make_literal(np.zeros(shape), self.value.dtype)
        for place, one in enumerate(ends):
            low, high = one.columns
            flat = reshape(one.value, (plan.batch, high - low))
            whole = padded(flat, 1, low, plan.carried - high)
            first = whole if place == 0 else first + whole
        if not rest:
            return first, None, None
        low = min(one.columns[0] for one in rest)
        high = max(one.columns[1] for one in rest)
        total: Value | None = None
        for one in rest:
            start, stop = one.columns
            term = padded(one.value, 2, start - low, high - stop)
            term = padded(term, 1, one.steps[0], self.time - one.steps[1])
            total = term if total is None else total + term
        return first, total, (low, high)

    def _without_start(self, part: Part) -> list[Part]:
        """Return a part of the steps' blame; that of what stands before them is put aside."""
        start = self.time if self.op.reverse else 0
        low, high = part.steps
        moved = 0 if self.op.reverse else 1
        if low <= start < high:
            whole = part.value
            at = slice_axis(whole, 1, start - low, start - low + 1)
            flat = reshape(at, (at.shape[0], at.shape[2]))
            carry = cut(flat, part.columns, (0, self.plan.carried))
            if carry is not None:
                self.starts.append(carry)
            low, high = (low, high - 1) if self.op.reverse else (low + 1, high)
            if low == high:
                return []
            part = replace(part, value=slice_axis(whole, 1, moved, moved + high - low))
        return [replace(part, steps=(low - moved, high - moved))]

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
        whole = [
            one for one, uses in plan.uses.items() if uses is None and plan.blame[one] is not None
        ]
        seeds = self._seeds() if whole else []
        for one in seeds:
            self._add(one)
        result = self._run()
        shares: dict[Value, Value] = {}
        if carried is not None or self.starts:
            end = self.time if self.op.reverse else 0
            at = slice_axis(slice_axis(result, 1, end, end + 1), 2, 0, plan.carried)
            share = reshape(at, self.initial.shape)
            for one in self.starts:
                share = share + one
            shares[plan.carry] = share
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
                along = self._part(result, one) if along is None else along
                sequences[one] = transpose(along, (1, 0, 2))
            turned = transpose(self._part(result, upstream), (1, 0, 2))
            found_shares = plan.shares_outside(use, turned, sequences)
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
                return slice_axis(steps_of(result), 2, start, start + one.shape[1])
            start += one.shape[1]
        raise GraphError("the gradient of a scan", needed="a value that it gives out")

    def _along(self, value: Value) -> Value | None:
        """Return a value of the forward body at all steps, (batch, time, columns), if it is there.

        Of the carry: what a step began with.
        """
        plan = self.plan
        if value not in self._known:
            if value in plan.columns:
                made = slice_axis(steps_of(self.value), 2, *plan.columns[value])
            elif value is plan.carry:
                made = slice_axis(begun_of(self.value), 2, 0, plan.carried)
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
            entries[unread] = slice_axis(steps_of(self.value), 2, 0, 0)
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
            term = cut(plan.carry_blame, (0, plan.carried), place)
            if plan.result_blame is not None and self.columns is not None:
                other = cut(plan.result_blame, self.columns, place)
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
        return reshape(slice_axis(summed, 1, self.time, self.time + 1), constant.shape)


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


Scan.backward = staticmethod(backward)

__all__ = ["backward", "remembering"]
