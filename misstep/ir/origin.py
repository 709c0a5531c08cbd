"""Where a number that is not finite comes from: the assignment that made it from finite ones.

Follows what a program computes, assignment by assignment, and asks of each that gave NaN or an
infinity whether its operands are to blame: it is computed again with finite numbers in their place.
So infinities that a program uses on purpose and drops again, as masks do, mislead nobody. Knows the
interpreter; knows no op by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir.graph import Graph
from misstep.ir.interpret import Interpreter
from misstep.ir.value import Array, Value

# What stands in for a number that is not finite when its op is computed again. Two, since either
# may be just what some op can't take.
STAND_INS = (1.0, 0.5)


@dataclass(frozen=True)
class Origin:
    """The assignment that made the first number which is not finite.

    `value`: what it assigns; a leaf where that was given so. `operands`, `result`: the numbers it
    was computed from, and what came out. `bad`: which entries of the result are not finite.
    """

    value: Value
    operands: Sequence[Array]
    result: Array
    bad: Array


def origin_of(graph: Graph, feeds: Mapping[str, Any], names: Sequence[str]) -> Origin | None:
    """Return where what is not finite in the outputs `names` comes from; None: they are finite.

    Of several origins the earliest. A program that is longer than the way to `names` is not run.
    """
    wanted = {name: graph.outputs[name] for name in names}
    part = Graph(wanted, name=graph.name)
    interpreter = Interpreter(part)
    search = _Search(part, interpreter, feeds)
    for value, operands, result in interpreter.walk(feeds):
        search.look(value, operands, result)
    origins = [search.origin[value] for value in wanted.values() if value in search.origin]
    if not origins:
        return None
    return search.found[min(origins, key=lambda value: value.serial)]


class _Search:
    """Remembers of each Value that is not finite which one is to blame."""

    def __init__(self, graph: Graph, interpreter: Interpreter, feeds: Mapping[str, Any]) -> None:
        self.origin: dict[Value, Value] = {}
        self.found: dict[Value, Origin] = {}
        # Values whose infinities are those of a literal: somebody wrote them there.
        self.on_purpose: set[Value] = set()
        for value in graph.values:
            if value.op is None and value.type.is_float:
                self._look_at_leaf(value, feeds)

    def _look_at_leaf(self, value: Value, feeds: Mapping[str, Any]) -> None:
        numbers = value.data if value.is_literal else feeds.get(value.name or "", value.data)
        if numbers is None:
            return
        with np.errstate(all="ignore"):
            array = np.asarray(numbers).astype(value.dtype)
        bad = ~np.isfinite(array)
        if bad.any():
            self.origin[value] = value
            self.found[value] = Origin(value, (), array, bad)
            if value.is_literal and not np.isnan(array).any():
                self.on_purpose.add(value)

    def look(self, value: Value, operands: Sequence[Array], result: Array) -> None:
        """Find out who is to blame for what is not finite in `result`, if anything is."""
        if not value.type.is_float:
            return
        bad = ~np.isfinite(result)
        if not bad.any():
            return
        to_blame = self._to_blame(value, operands, bad)
        by_accident = [operand for operand in to_blame if operand not in self.on_purpose]
        if to_blame and not by_accident:
            if not np.isnan(result).any():
                self.on_purpose.add(value)
            else:  # such as ∞ − ∞
                to_blame, bad = [], np.isnan(result)
        if to_blame:
            origins = (self.origin[operand] for operand in by_accident or to_blame)
            self.origin[value] = min(origins, key=lambda origin: origin.serial)
            return
        self.origin[value] = value
        self.found[value] = Origin(value, list(operands), result, bad)

    def _to_blame(self, value: Value, operands: Sequence[Array], bad: Array) -> list[Value]:
        """Return the operands without whose NaN and infinities the result had fewer of them."""
        suspects = [slot for slot, operand in enumerate(value.inputs) if operand in self.origin]
        if not suspects:
            return []
        without = self._bad_without(value, operands, suspects, bad)
        if bool((without == bad).all()):
            return []
        to_blame = []
        for slot in suspects:
            others = [other for other in suspects if other != slot]
            with_it = self._bad_without(value, operands, others, bad) if others else bad
            if bool((with_it & bad & ~without).any()):
                to_blame.append(value.inputs[slot])
        return to_blame or [value.inputs[slot] for slot in suspects]

    def _bad_without(
        self, value: Value, operands: Sequence[Array], slots: Sequence[int], bad: Array
    ) -> Array:
        """Return which entries stay bad where the operands in `slots` are finite throughout."""
        assert value.op is not None
        still = bad
        for stand_in in STAND_INS:
            tame = [
                np.where(np.isfinite(operand), operand, np.asarray(stand_in, operand.dtype))
                if slot in slots
                else operand
                for slot, operand in enumerate(operands)
            ]
            with np.errstate(all="ignore"):
                still = still & ~np.isfinite(np.asarray(value.op.run(*tame)))
            if not still.any():
                break
        return still
