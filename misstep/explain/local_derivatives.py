"""How the entries of one assignment answer to small changes of one of its operands.

Works for any op without knowing it: a gradient rule is linear in `upstream`, so the change of the
result along a direction is the gradient, by the upstream, of ⟨rule(upstream), direction⟩.
Knows the contract of ops and reverse mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value, make_input, make_literal, make_parameter

Jvp = Callable[[Array], Array]


class LocalDerivatives:
    """The Jacobian of each assignment at given numbers; each rule is prepared once and kept.

    `numbers`: every Value's numbers, in float64.
    """

    def __init__(self, numbers: Mapping[Value, Array]) -> None:
        self.numbers = numbers
        self._jvps: dict[tuple[Value, int], Jvp | None] = {}
        self._elementwise: dict[tuple[Value, int], Array] = {}

    def jvp(self, value: Value, slot: int, change: Array) -> Array | None:
        """Return the Jacobian of `value` by its operand in `slot`, times a change of the operand.

        `change`: shape of that operand. The result has the shape of `value`; None: nothing flows.
        """
        key = (value, slot)
        if key not in self._jvps:
            self._jvps[key] = self._prepare(value, slot)
        jvp = self._jvps[key]
        return jvp(change) if jvp is not None else None

    def entry(self, value: Value, slot: int, operand_entry: int, entry: int) -> float:
        """Return the derivative of one entry of `value` by one of an operand, both counted flat."""
        change = np.zeros(value.inputs[slot].shape)
        change.reshape(-1)[operand_entry] = 1.0
        result = self.jvp(value, slot, change)
        return float(result.reshape(-1)[entry]) if result is not None else 0.0

    def elementwise(self, value: Value, slot: int) -> Array | None:
        """Return, for an op that works entry by entry, the derivative at every entry."""
        if value.op is None or not value.op.elementwise:
            return None
        self.jvp(value, slot, np.zeros(value.inputs[slot].shape))
        return self._elementwise.get((value, slot))

    def partners(
        self, value: Value, slot: int, operand_entry: tuple[int, ...], entry: tuple[int, ...]
    ) -> Array:
        """Return, for an op that is linear in either operand, what a product of entries counts.

        With how much each entry of the other operand goes into the derivative of `entry` by
        `operand_entry` of the one in `slot`; shape of the other operand.
        """
        op = value.op
        assert op is not None
        leaves = [make_parameter(self.numbers[each], dtype="float64") for each in value.inputs]
        upstream, unit = np.zeros(value.shape), np.zeros(value.inputs[slot].shape)
        upstream[entry], unit[operand_entry] = 1.0, 1.0
        share = op.gradient(op(*leaves), make_literal(upstream, "float64"))[slot]
        assert share is not None
        answer = gradient(ops.sum(share * unit), leaves[1 - slot])
        return Interpreter(Graph({"out": answer})).run()["out"]

    def row(self, value: Value, slot: int, entry: tuple[int, ...]) -> Array:
        """Return the derivatives of one entry of `value` by all of the operand in `slot`."""
        op = value.op
        assert op is not None
        leaves = [make_parameter(self.numbers[each], dtype="float64") for each in value.inputs]
        upstream = np.zeros(value.shape)
        upstream[entry] = 1.0
        share = op.gradient(op(*leaves), make_literal(upstream, "float64"))[slot]
        assert share is not None
        return np.asarray(Interpreter(Graph({"out": share})).run()["out"])

    def _prepare(self, value: Value, slot: int) -> Jvp | None:
        op = value.op
        if op is None or not value.inputs[slot].type.is_float or not value.type.is_float:
            return None
        leaves = tuple(
            operand
            if operand.is_literal
            else Value(operand.type, data=np.asarray(self.numbers[operand], operand.dtype))
            for operand in value.inputs
        )
        result = op(*leaves)
        if op.elementwise:
            share = op.gradient(result, make_literal(np.ones(result.shape), result.dtype))[slot]
            if share is None:
                return None
            each = np.broadcast_to(Interpreter(Graph(share)).run()["out"], result.shape)
            self._elementwise[value, slot] = each

            def multiplied(change: Array) -> Array:
                wide = np.broadcast_to(change, each.shape)
                with np.errstate(all="ignore"):
                    # What doesn't move adds nothing, even where the slope is infinite.
                    return np.where(wide == 0, 0.0, wide * each)

            return multiplied
        upstream = make_input("upstream", result.shape, result.dtype)
        direction = make_input("direction", value.inputs[slot].shape, result.dtype)
        share = op.gradient(result, upstream)[slot]
        if share is None:
            return None
        answer = gradient(ops.sum(share * direction), upstream)
        program = Interpreter(Graph({"out": answer}, [upstream, direction]))
        zeros = np.zeros(result.shape)
        return lambda change: program.run({"upstream": zeros, "direction": change})["out"]
