"""The body of a scan with its reverse mode: what one step's parts are blamed for.

Says which values of the way forward the way back needs, which of them are worth keeping, and how
the blame of constants is had of all steps at once. `recurrence.py` makes scans of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from misstep.autodiff.reverse import blames, gradient
from misstep.ir import Graph, Value, ancestors, make_input, rebuild
from misstep.ops import pad, reshape, slice_axis
from misstep.ops.contraction import MatrixProduct
from misstep.ops.pieces import Slice
from misstep.ops.scan import Scan

Columns = tuple[int, int]
# What costs so many additions to work out again is kept from the way forward.
DEAR = 8


class Body:
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
                terms.append(cut(self.carry_blame, (0, self.carried), place))
            if columns is not None and self.result_blame is not None:
                terms.append(cut(self.result_blame, columns, place))
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
            if one.op is None or self._of_carry(one):
                continue  # which is there anyhow
            dear = one
            while isinstance(dear.op, Slice):  # of which a part is enough
                dear = dear.inputs[0]
            by_rows = one.ndim == 2 and one.shape[0] == self.batch
            if by_rows and dear.op is not None and (dear.op.kernel or dear.op.cost >= DEAR):
                kept[one] = None
            else:
                waiting += one.inputs
        order = {value: place for place, value in enumerate(self.body.values)}
        return sorted(kept, key=order.__getitem__)

    def _of_carry(self, value: Value) -> bool:
        while isinstance(value.op, Slice):
            value = value.inputs[0]
        return value is self.carry

    # --- blame of constants outside ------------------------------------------------------------

    def needed_outside(self, use: Value) -> list[Value]:
        """Return the inputs of `use` of which its blame of constants needs every step."""
        _, given, shares = self._formula(use)
        read = set(ancestors(list(shares.values())))
        return [one for one, value in given.items() if self.varies(one) and value in read]

    def shape_along(self, one: Value) -> tuple[int, ...]:
        """Return the shape of a value of the body at all steps."""
        return self.time, self.batch, one.shape[1]

    def varies(self, one: Value) -> bool:
        """Tell whether a value of the body differs from step to step."""
        return one not in self.fixed and not one.is_literal

    def shares_outside(
        self, use: Value, upstream: Value, sequences: dict[Value, Value]
    ) -> dict[Value, Value]:
        """Return what `use` blames its constants for, summed over all rows and steps.

        `upstream`: (time, batch, columns); `sequences`: its other inputs that it needs, likewise.
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
                    inputs.append(reshape(given[one], (1, *one.shape)))
            value = use.op(*inputs)
            shares = gradient(value, [given[one] for one in wanted], upstream)
        return upstream, given, dict(zip(wanted, shares, strict=True))


def padded(value: Value, axis: int, before: int, after: int) -> Value:
    """Return `value` with zeros before and after it along one axis."""
    if before == after == 0:
        return value
    widths = [(0, 0)] * value.ndim
    widths[axis] = before, after
    return pad(value, widths)


def cut(value: Value, held: Columns, wanted: Columns) -> Value | None:
    """Return the `wanted` columns of a value that holds some, zeros where it does not; or None."""
    low, high = max(held[0], wanted[0]), min(held[1], wanted[1])
    if low >= high:
        return None
    part = value
    if (low, high) != held:
        part = slice_axis(value, 1, low - held[0], high - held[0])
    return padded(part, 1, low - wanted[0], wanted[1] - high)
