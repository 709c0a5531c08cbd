"""Reverse mode through time: the gradient of a scan is another scan that runs the other way.

Its carry is the adjoint of the carry; each step takes the adjoint of this step's result, and gives
out those of the step's entries. The gradient of a constant (a weight, a bias) is not added up step
by step where it can be had at once: for a product with a constant the adjoint of each step's
product is given out, and one large product over all rows and steps makes the constant's gradient
outside. What remains is added up step by step. `remembering` makes the scan keep what its gradient
will ask for, so that nothing dear is computed twice. Knows the ops of matrix products and parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from misstep.autodiff.reverse import adjoints
from misstep.autodiff.step_body import Body, Columns, cut, padded
from misstep.errors import GraphError
from misstep.ir import Graph, Value, make_input, make_literal, rebuild
from misstep.ops import reshape, slice_axis, transpose
from misstep.ops.arithmetic import Add
from misstep.ops.pieces import Pad, Slice
from misstep.ops.scan import Scan, begun_of, body_text, scan_of, steps_of


@dataclass(frozen=True)
class Part:
    """The adjoint of a part of a scan's result, of these steps and columns, from … up to …."""

    value: Value
    steps: Columns
    columns: Columns


def backward(value: Value, upstream: Value) -> tuple[Value | None, ...]:
    """Return the gradient of each input of a scan: its initial carry, sequences, constants."""
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
    plan.differentiate(columns=(0, plan.carried))
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
        self.outputs: list[Value] = []
        self.starts: list[Value] = []
        self._known: dict[Value, Value] = {}
        self.first, self.upstream, self.columns = self._split(upstream)
        self.plan.differentiate(self.columns)

    def _split(self, upstream: Value) -> tuple[Value, Value | None, Columns | None]:
        """Return the adjoint of the last carry, that of each step's result, and of which columns.

        Where only the last step's carry has one, as where a layer gives back its last output, it
        need not be written out as zeros for all other steps.
        """
        last = (0, 1) if self.op.reverse else (self.time - 1, self.time)
        plan = self.plan
        parts = []
        for whole in _parts(upstream, (0, self.time + 1), (0, self.width)):
            parts += self._without_start(whole)
        at_end = [part.steps == last and part.columns[1] <= plan.carried for part in parts]
        ends = [part for part, at in zip(parts, at_end, strict=True) if at]
        rest = [part for part, at in zip(parts, at_end, strict=True) if not at]
        shape = self.initial.shape
        first = make_literal(np.zeros(shape), self.value.dtype)
        for number, part in enumerate(ends):
            low, high = part.columns
            flat = reshape(part.value, (plan.batch, high - low))
            wide = padded(flat, 1, low, plan.carried - high)
            first = wide if number == 0 else first + wide
        if not rest:
            return first, None, None
        low = min(part.columns[0] for part in rest)
        high = max(part.columns[1] for part in rest)
        sum_: Value | None = None
        for part in rest:
            start, stop = part.columns
            term = padded(part.value, 2, start - low, high - stop)
            term = padded(term, 1, part.steps[0], self.time - part.steps[1])
            sum_ = term if sum_ is None else sum_ + term
        return first, sum_, (low, high)

    def _without_start(self, part: Part) -> list[Part]:
        """Return a part of the steps' adjoint; that of what stands before them is put aside."""
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
        """Return the gradient of each input."""
        plan = self.plan
        zeros = make_literal(np.zeros(self.initial.shape), self.value.dtype)
        carried = plan.adjoint_of[plan.carry]
        self.outputs = [zeros if carried is None else carried]
        for entry in plan.entries:
            adjoint = plan.adjoint_of.get(entry)
            if adjoint is not None:
                self._add(adjoint)
        outside: dict[Value, list[Value]] = {}
        for uses in plan.uses.values():
            for use in uses or ():
                adjoint = plan.adjoint_of.get(use)
                if adjoint is not None and use not in outside:
                    self._add(adjoint)
                    outside[use] = plan.needed_outside(use)
                    for value in outside[use]:
                        if self._along(value) is None:
                            self._add(value)
        whole = [
            constant
            for constant, uses in plan.uses.items()
            if uses is None and plan.adjoint_of[constant] is not None
        ]
        seeds = self._seeds() if whole else []
        for seed in seeds:
            self._add(seed)
        result = self._run()
        shares: dict[Value, Value] = {}
        if carried is not None or self.starts:
            end = self.time if self.op.reverse else 0
            at = slice_axis(slice_axis(result, 1, end, end + 1), 2, 0, plan.carried)
            share = reshape(at, self.initial.shape)
            for start in self.starts:
                share = share + start
            shares[plan.carry] = share
        for entry in plan.entries:
            adjoint = plan.adjoint_of.get(entry)
            if adjoint is not None:
                shares[entry] = self._columns_of(result, adjoint)
        for use, needed in outside.items():
            upstream = plan.adjoint_of[use]
            assert upstream is not None
            sequences = {}
            for value in needed:
                along = self._along(value)
                along = self._columns_of(result, value) if along is None else along
                sequences[value] = transpose(along, (1, 0, 2))
            turned = transpose(self._columns_of(result, upstream), (1, 0, 2))
            for constant, share in plan.shares_outside(use, turned, sequences).items():
                known = shares.get(constant)
                shares[constant] = share if known is None else known + share
        for constant in whole:
            shares[constant] = self._step_by_step(constant, result, seeds)
        return tuple(shares.get(operand) for operand in plan.body.inputs)

    def _add(self, value: Value) -> None:
        if all(value is not output for output in self.outputs):
            self.outputs.append(value)

    def _columns_of(self, result: Value, value: Value) -> Value:
        """Return the columns of the backward scan's result that a value of its body went to."""
        start = 0
        for output in self.outputs:
            if output is value:
                return slice_axis(steps_of(result), 2, start, start + output.shape[1])
            start += output.shape[1]
        raise GraphError("the gradient of a scan", needed="a value that it gives out")

    def _along(self, value: Value) -> Value | None:
        """Return a value of the forward body at all steps, (batch, time, columns), if it is there.

        Of the carry: what a step began with.
        """
        plan = self.plan
        if value not in self._known:
            if value in plan.columns:
                along = slice_axis(steps_of(self.value), 2, *plan.columns[value])
            elif value is plan.carry:
                along = slice_axis(begun_of(self.value), 2, 0, plan.carried)
            elif value in plan.outer and value not in plan.fixed:
                along = plan.outer[value]
            elif isinstance(value.op, Slice) and value.shape[0] == plan.batch:
                base = self._along(value.inputs[0]) if value.inputs[0].ndim == 2 else None
                if base is None:
                    return None
                op = value.op
                along = slice_axis(base, 2, op.starts[1], op.stops[1], op.steps[1])
            else:
                return None
            self._known[value] = along
        return self._known[value]

    def _run(self) -> Value:
        """Return the result of the scan that runs the other way."""
        plan = self.plan
        entries: dict[Value, Value] = {}
        known: dict[Value, Value] = {}
        if self.upstream is not None and plan.result_adjoint is not None:
            entries[plan.result_adjoint] = self.upstream
        waiting = plan.needed(self.outputs)
        waiting += [output for output in self.outputs if output in plan.own]
        seen: set[Value] = set()
        while waiting:
            value = waiting.pop()
            if value in seen or value.is_literal or value in plan.fixed:
                continue
            seen.add(value)
            along = self._along(value)
            if along is None:
                waiting += value.inputs
            else:
                known[value] = make_input("step", value.shape, value.dtype)
                entries[known[value]] = along
        if not entries:
            unread = make_input("unread", (plan.batch, 0), self.value.dtype)
            entries[unread] = slice_axis(steps_of(self.value), 2, 0, 0)
        _, copies = rebuild(Graph(self.outputs), known=known)
        constants = {constant: plan.outer[constant] for constant in plan.constants}
        outputs = [copies.get(output, output) for output in self.outputs]
        op, fixed = scan_of(
            outputs, plan.carry_adjoint, list(entries), constants, reverse=not self.op.reverse
        )
        return op(self.first, *entries.values(), *fixed)

    # --- constants of any shape, used in any way -------------------------------------------------

    def _seeds(self) -> list[Value]:
        """Return the whole adjoint of each output of the body in a step, as values of its body."""
        plan = self.plan
        seeds = []
        for output, columns in plan.outputs:
            term = cut(plan.carry_adjoint, (0, plan.carried), columns)
            if plan.result_adjoint is not None and self.columns is not None:
                other = cut(plan.result_adjoint, self.columns, columns)
                term = other if term is None else term if other is None else term + other
            zeros = make_literal(np.zeros(output.shape), output.dtype)
            seeds.append(zeros if term is None else term)
        return seeds

    def _step_by_step(self, constant: Value, result: Value, seeds: Sequence[Value]) -> Value:
        """Return the gradient of a constant, added up over the steps by a scan of a single row."""
        plan = self.plan
        size = constant.size
        sequences: list[Value] = []
        known: dict[Value, Value] = {}
        entries: list[Value] = []

        def take(value: Value, along: Value) -> None:
            # All rows of the batch side by side in one row.
            turned = transpose(along, (1, 0, 2))
            sequences.append(reshape(turned, (1, self.time, value.size)))
            entry = make_input("entry", (1, value.size), value.dtype)
            entries.append(entry)
            known[value] = reshape(entry, value.shape)

        local = {seed: make_input("seed", seed.shape, seed.dtype) for seed in seeds}
        by_output: dict[Value, Value] = {}
        for (output, _), seed in zip(plan.outputs, seeds, strict=True):
            before = by_output.get(output)
            by_output[output] = local[seed] if before is None else before + local[seed]
        (share,) = adjoints(by_output, [constant])
        sum_ = make_input("sum", (1, size), constant.dtype)
        assert share is not None
        for seed, stand_in in local.items():
            take(stand_in, self._columns_of(result, seed))
        for value in (plan.carry, *plan.entries):
            along = self._along(value)
            assert along is not None
            take(value, along)
        _, copies = rebuild(Graph([share]), known=known)
        next_sum = sum_ + reshape(copies.get(share, share), (1, size))
        constants = {value: plan.outer[value] for value in plan.constants}
        op, fixed = scan_of([next_sum], sum_, entries, constants, reverse=False)
        summed = op(make_literal(np.zeros((1, size)), constant.dtype), *sequences, *fixed)
        return reshape(slice_axis(summed, 1, self.time, self.time + 1), constant.shape)


def _parts(value: Value, steps: Columns, columns: Columns) -> list[Part]:
    """Return an adjoint as the parts that it is a sum of, each without its zeros."""
    if isinstance(value.op, Add) and all(term.shape == value.shape for term in value.inputs):
        return [part for term in value.inputs for part in _parts(term, steps, columns)]
    op = value.op
    zeros_only = isinstance(op, Pad) and not any(op.between) and value.inputs[0].size
    if isinstance(op, Pad) and zeros_only and op.before[0] == op.after[0] == 0:
        inner = (steps[0] + op.before[1], steps[1] - op.after[1])
        across = (columns[0] + op.before[2], columns[1] - op.after[2])
        return _parts(value.inputs[0], inner, across)
    return [Part(value, steps, columns)]


Scan.backward = staticmethod(backward)

__all__ = ["backward", "remembering"]
