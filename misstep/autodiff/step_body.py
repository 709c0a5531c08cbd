"""The body of a scan with its reverse mode: the adjoints of one step.

Says which values of the way forward the way back needs, which of them are worth keeping, and how
the gradient of constants is had of all steps at once. `recurrence.py` makes scans of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from misstep.autodiff.reverse import adjoints, gradient
from misstep.ir import Graph, Value, ancestors, make_input, rebuild
from misstep.ops import pad, reshape, slice_axis
from misstep.ops.contraction import MatrixProduct
from misstep.ops.pieces import Slice
from misstep.ops.scan import Scan

Columns = tuple[int, int]
# What costs so many additions to work out again is kept from the way forward.
DEAR = 8


class Body:
    """The body of a scan with its reverse mode: and the adjoints of its values in a step."""

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
            columns = (start, start + output.shape[1])
            self.outputs.append((output, columns))
            self.columns.setdefault(output, columns)
            start = columns[1]
        self.carry_adjoint = make_input("adjoint_of_carry", self.carry.shape, self.carry.dtype)
        self.result_adjoint: Value | None = None
        self.uses = {
            constant: self._uses(constant) for constant in self.constants if constant.type.is_float
        }
        self.adjoint_of: dict[Value, Value | None] = {}

    def differentiate(self, columns: Columns | None) -> None:
        """Work out the adjoints from those of these columns of the result and of the carry."""
        seeds: dict[Value, Value] = {}
        if columns is not None:
            shape = self.batch, columns[1] - columns[0]
            self.result_adjoint = make_input("adjoint_of_result", shape, self.carry.dtype)
        for output, own_columns in self.outputs:
            terms = []
            if own_columns[1] <= self.carried:
                terms.append(cut(self.carry_adjoint, (0, self.carried), own_columns))
            if columns is not None and self.result_adjoint is not None:
                terms.append(cut(self.result_adjoint, columns, own_columns))
            for term in terms:
                if term is not None:
                    known = seeds.get(output)
                    seeds[output] = term if known is None else known + term
        special = {use for uses in self.uses.values() for use in uses or ()}
        whole = [constant for constant, uses in self.uses.items() if uses is None]
        moving = [entry for entry in self.entries if entry.type.is_float]
        targets = [self.carry, *moving, *whole, *special]
        self.adjoint_of = dict(zip(targets, adjoints(seeds, targets), strict=True))

    def _uses(self, constant: Value) -> list[Value] | None:
        """Return the uses of a constant whose gradient can be had outside; None if one can't."""
        uses = []
        if constant in self.columns:
            return None
        for value in self.body.values:
            if all(constant is not operand for operand in value.inputs):
                continue
            if not self._rows_apart(value, constant):
                return None
            uses.append(value)
        return uses

    def _rows_apart(self, value: Value, constant: Value) -> bool:
        """Tell whether each row of `value` follows from the same rows of what is not constant."""
        op, fixed = value.op, self.fixed
        assert op is not None
        if isinstance(op, MatrixProduct):
            left, right = value.inputs
            return right is constant and left.ndim == right.ndim == 2 and left not in fixed
        if not op.elementwise or value.ndim != 2 or value.shape[0] != self.batch:
            return False
        rows = [operand for operand in value.inputs if self.varies(operand)]
        flat = [operand for operand in value.inputs if not self.varies(operand)]
        return (
            bool(rows)
            and all(operand.ndim == 2 and operand.shape[0] == self.batch for operand in rows)
            and all(operand.ndim <= 2 for operand in flat)
        )

    # --- what the way back needs of the way forward ------------------------------------------

    def needed(self, roots: Iterable[Value]) -> list[Value]:
        """Return the values of the body that are used directly to work out `roots`."""
        used: dict[Value, None] = {}
        waiting, seen = list(roots), set()
        while waiting:
            value = waiting.pop()
            if value in seen:
                continue
            seen.add(value)
            if value in self.own:
                used[value] = None
            else:
                waiting += value.inputs
        return list(used)

    def worth_keeping(self) -> list[Value]:
        """Return the values of the body that its gradient needs and that are dear, or gone."""
        roots = [adjoint for adjoint in self.adjoint_of.values() if adjoint is not None]
        waiting = self.needed(roots)
        for uses in self.uses.values():
            for use in uses or ():
                waiting += self.needed_outside(use)
        kept: dict[Value, None] = {}
        seen: set[Value] = set()
        while waiting:
            value = waiting.pop()
            if value in seen or value.is_literal or value in self.columns:
                continue
            seen.add(value)
            if value.op is None or self._of_carry(value):
                continue  # which is there anyhow
            dear = value
            while isinstance(dear.op, Slice):  # of which a slice is enough
                dear = dear.inputs[0]
            by_rows = value.ndim == 2 and value.shape[0] == self.batch
            if by_rows and dear.op is not None and (dear.op.kernel or dear.op.cost >= DEAR):
                kept[value] = None
            else:
                waiting += value.inputs
        order = {value: index for index, value in enumerate(self.body.values)}
        return sorted(kept, key=order.__getitem__)

    def _of_carry(self, value: Value) -> bool:
        while isinstance(value.op, Slice):
            value = value.inputs[0]
        return value is self.carry

    # --- gradients of constants outside -----------------------------------------------------------

    def needed_outside(self, use: Value) -> list[Value]:
        """Return the inputs of `use` that its shares in constants need at every step."""
        _, placeholders, shares = self._formula(use)
        read = set(ancestors(list(shares.values())))
        return [
            operand
            for operand, placeholder in placeholders.items()
            if self.varies(operand) and placeholder in read
        ]

    def shape_along(self, value: Value) -> tuple[int, ...]:
        """Return the shape of a value of the body at all steps."""
        return self.time, self.batch, value.shape[1]

    def varies(self, value: Value) -> bool:
        """Tell whether a value of the body differs from step to step."""
        return value not in self.fixed and not value.is_literal

    def shares_outside(
        self, use: Value, upstream: Value, sequences: dict[Value, Value]
    ) -> dict[Value, Value]:
        """Return what `use` adds to the gradients of its constants, over all rows and steps.

        `upstream`: (time, batch, columns); `sequences`: its other inputs that it needs, likewise.
        """
        adjoint, placeholders, shares = self._formula(use)
        known = {adjoint: upstream}
        for operand, placeholder in placeholders.items():
            if operand in sequences:
                known[placeholder] = sequences[operand]
            elif operand in self.outer:
                known[placeholder] = self.outer[operand]
        _, copies = rebuild(Graph(list(shares.values())), known=known)
        return {constant: copies[share] for constant, share in shares.items()}

    def _formula(self, use: Value) -> tuple[Value, dict[Value, Value], dict[Value, Value]]:
        """Return, for all steps at once: the adjoint of `use`, its inputs, the constants' shares.

        All of placeholders, since the real ones may be computed from the constants themselves.
        """
        assert use.op is not None
        upstream = make_input("upstream", self.shape_along(use), use.dtype)
        placeholders: dict[Value, Value] = {}
        for operand in dict.fromkeys(use.inputs):
            shape = self.shape_along(operand) if self.varies(operand) else operand.shape
            placeholders[operand] = (
                operand if operand.is_literal else make_input("operand", shape, operand.dtype)
            )
        targets = [operand for operand in placeholders if self.uses.get(operand)]
        if isinstance(use.op, MatrixProduct):
            left, right = use.inputs
            rows = self.batch * self.time
            flat = reshape(placeholders[left], (rows, left.shape[1]))
            product = use.op(flat, placeholders[right])
            whole = reshape(upstream, product.shape)
            shares = gradient(product, [placeholders[right]], whole)
        else:
            inputs = []
            for operand in use.inputs:
                if self.varies(operand) or operand.ndim < 2:
                    inputs.append(placeholders[operand])
                else:  # of each row its own, at all steps alike
                    inputs.append(reshape(placeholders[operand], (1, *operand.shape)))
            value = use.op(*inputs)
            shares = gradient(value, [placeholders[target] for target in targets], upstream)
        return upstream, placeholders, dict(zip(targets, shares, strict=True))


def padded(value: Value, axis: int, before: int, after: int) -> Value:
    """Return `value` with zeros before and after it along one axis."""
    if before == after == 0:
        return value
    widths = [(0, 0)] * value.ndim
    widths[axis] = before, after
    return pad(value, widths)


def cut(value: Value, own: Columns, asked: Columns) -> Value | None:
    """Return the columns `asked` of a value with its `own`, zeros where it has none; or None."""
    low, high = max(own[0], asked[0]), min(own[1], asked[1])
    if low >= high:
        return None
    columns = value
    if (low, high) != own:
        columns = slice_axis(value, 1, low - own[0], high - own[0])
    return padded(columns, 1, low - asked[0], asked[1] - high)
