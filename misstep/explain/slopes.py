"""How the entries of one assignment answer to small changes of one of its inputs.

Works for any op without knowing it: a gradient rule is linear in `upstream`, so the change of the
result along a direction is the gradient, by the upstream, of ⟨rule(upstream), direction⟩.
Knows the contract of ops and reverse mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value, make_input, make_literal

Along = Callable[[Array], Array]


class Slopes:
    """Local derivatives at the numbers given; each rule is prepared once and kept.

    `numbers`: every Value's numbers, in float64.
    """

    def __init__(self, numbers: Mapping[Value, Array]) -> None:
        self.numbers = numbers
        self._along: dict[tuple[Value, int], Along | None] = {}
        self._each: dict[tuple[Value, int], Array] = {}

    def along(self, value: Value, slot: int, change: Array) -> Array | None:
        """Return how `value` changes when its input in `slot` changes by `change` (first order).

        `change`: shape of that input. The result has the shape of `value`; None: nothing flows.
        """
        key = (value, slot)
        if key not in self._along:
            self._along[key] = self._prepare(value, slot)
        along = self._along[key]
        return along(change) if along is not None else None

    def at(self, value: Value, slot: int, given: int, made: int) -> float:
        """Return the derivative of entry `made` of `value` by entry `given` of one input."""
        change = np.zeros(value.inputs[slot].shape)
        change.reshape(-1)[given] = 1.0
        result = self.along(value, slot, change)
        return float(result.reshape(-1)[made]) if result is not None else 0.0

    def each(self, value: Value, slot: int) -> Array | None:
        """Return, for an op that works entry by entry, the derivative at every entry."""
        if value.op is None or not value.op.elementwise:
            return None
        self.along(value, slot, np.zeros(value.inputs[slot].shape))
        return self._each.get((value, slot))

    def _prepare(self, value: Value, slot: int) -> Along | None:
        op = value.op
        if op is None or not value.inputs[slot].type.is_float or not value.type.is_float:
            return None
        leaves = tuple(
            given
            if given.is_literal
            else Value(given.type, data=np.asarray(self.numbers[given], given.dtype))
            for given in value.inputs
        )
        made = op(*leaves)
        if op.elementwise:
            share = op.gradient(made, make_literal(np.ones(made.shape), made.dtype))[slot]
            if share is None:
                return None
            each = np.broadcast_to(Interpreter(Graph(share)).run()["out"], made.shape)
            self._each[value, slot] = each

            def multiplied(change: Array) -> Array:
                wide = np.broadcast_to(change, each.shape)
                with np.errstate(all="ignore"):
                    # What doesn't move adds nothing, even where the slope is infinite.
                    return np.where(wide == 0, 0.0, wide * each)

            return multiplied
        upstream = make_input("upstream", made.shape, made.dtype)
        direction = make_input("direction", value.inputs[slot].shape, made.dtype)
        share = op.gradient(made, upstream)[slot]
        if share is None:
            return None
        answer = gradient(ops.sum(share * direction), upstream)
        program = Interpreter(Graph({"out": answer}, [upstream, direction]))
        nothing = np.zeros(made.shape)
        return lambda change: program.run({"upstream": nothing, "direction": change})["out"]
