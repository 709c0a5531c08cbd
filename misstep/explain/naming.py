"""What things are called: Values by their own name, the caller's variable, or the user's line.

A Value without any of these is part of the formula of a named one, until that formula grows too
long to read; then a name is made up (a for an activation, z for what goes into it, u for others).
Knows programs and Python frames; knows no numbers' wording.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Mapping
from types import FrameType
from typing import Any

import numpy as np

from misstep.explain.entry_names import EntryName
from misstep.explain.evaluation import Evaluation
from misstep.ir import Array, Value
from misstep.ir.graph import variable_of_line

# A formula of more operations than this is told in two.
LONGEST_FORMULA = 8
# Activations inside a formula of more operations than this get a name of their own.
LONG_FORMULA = 4
# So many Values of a formula are looked at.
MOST_PARTS = 50
ACTIVATIONS = {"sigmoid", "tanh", "relu", "softmax"}

_WORD = re.compile(r"[^\W\d]\w*")


def variables_in_frame(frame: FrameType | None) -> dict[str, Any]:
    """Return the variables that a running function (or a module, or a session) has."""
    if frame is None:
        return {}
    return {name: value for name, value in frame.f_locals.items() if not name.startswith("_")}


def names_in_frame(frame: FrameType | None) -> dict[Value, str]:
    """Return the Values that are variables where `frame` runs, with the variables' names.

    >>> import sys
    >>> from misstep.ir import make_parameter
    >>> w = make_parameter(0.4)
    >>> names_in_frame(sys._getframe())[w]
    'w'
    """
    names: dict[Value, str] = {}
    for name, value in variables_in_frame(frame).items():
        if isinstance(value, Value):
            names.setdefault(value, name)
    return names


class Names:
    """The name of every Value that has one, and which Values the explanation stops at.

    `of`: names by Value, each used once. `stops`: the active Values that have a name. `made_up`:
    names given here because a formula would be too long to read. `labels`: how the entries of some
    Values are called.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        chosen: Mapping[Value, str | EntryName],
        variables: Mapping[str, Any],
    ) -> None:
        self.evaluation = evaluation
        self._active = set(evaluation.active)
        self.of: dict[Value, str] = {}
        self.made_up: list[str] = []
        copies = evaluation.copies
        given = {copies[value]: name for value, name in chosen.items() if value in copies}
        if evaluation.step_names:
            # A recurrence that was written out is its steps, which have names of their own.
            given = {copy: name for copy, name in given.items() if copy not in evaluation.unrolled}
            given = {**evaluation.step_names, **given}
        self.labels = {value: each for value, each in given.items() if isinstance(each, EntryName)}
        by_choice = {
            value: each.symbol if isinstance(each, EntryName) else each
            for value, each in given.items()
        }
        by_variable = {
            copies[value]: name
            for name, value in variables.items()
            if isinstance(value, Value) and value in copies
        }
        last_of_line = {value.location: value for value in evaluation.graph.computed}
        values = list(dict.fromkeys([*evaluation.graph.values, evaluation.wrt]))
        for value in values:
            name = by_choice.get(value) or value.name or by_variable.get(value)
            if name is None and value is last_of_line.get(value.location):
                name = variable_of(value)
            if name is not None:
                self._name(value, name)
        for value in evaluation.graph.literals:
            if value in by_choice and value not in self.of:
                self._name(value, by_choice[value])
            name = self._variable_of_literal(value, variables) if value not in self.of else None
            if name is not None:  # the same numbers may have become a literal more than once
                self.of[value] = name
        locations = [value.location for value in values if value.is_input]
        for value in values:
            if value.is_input and value not in self.of and locations.count(value.location) == 1:
                name = variable_of(value)
                if name is not None:
                    self._name(value, name)
        for value in values:
            if value.is_input and value not in self.of:
                self._name(value, "w" if value is evaluation.wrt else "input")
        if evaluation.wrt not in self.of:
            self._name(evaluation.wrt, "w")
        if evaluation.loss not in self.of:
            self._name(evaluation.loss, "L")
        self._shorten()
        self.stops = [value for value in evaluation.active if value in self.of]

    def _name(self, value: Value, name: str) -> None:
        used = set(self.of.values())
        unique, count = name, 1
        while unique in used:
            count += 1
            unique = f"{name}_{count}"
        self.of[value] = unique

    def _variable_of_literal(self, literal: Value, variables: Mapping[str, Any]) -> str | None:
        """Return the variable that the numbers of a literal come from, if that can be told.

        An array is known by its numbers. A single number is known only if the statement that uses
        it speaks of a variable with that number: 0.5 is no variable in `x = 0.5; y = 0.5 * a`.
        """
        data = np.asarray(literal.data)
        fits = [name for name, number in variables.items() if _same(number, data)]
        if not fits or data.size > 1:
            return fits[0] if fits else None
        computed = self.evaluation.graph.computed
        for at, user in enumerate(computed):
            if all(operand is not literal for operand in user.inputs):
                continue
            # The statement ends with the next Value that has a name.
            after = (value for value in computed[at:] if value.location == user.location)
            owner = next((self.of[value] for value in after if value in self.of), None)
            words = _WORD.findall(statement(user, owner))
            spoken_of = [name for name in fits if name in words]
            if spoken_of:
                return spoken_of[0]
        return None

    def _make_up(self, value: Value, letter: str) -> None:
        if value not in self.of:
            self._name(value, letter)
            self.made_up.append(self.of[value])

    def _shorten(self) -> None:
        """Make up names until no formula is too long."""
        size: dict[Value, int] = {}
        computed = self.evaluation.graph.computed
        inside: dict[Value, list[Value]] = {}
        for value in computed:
            own = 0 if value.op is not None and value.op.name in MOVING else 1
            unnamed = [
                operand
                for operand in value.inputs
                if operand.op is not None and operand not in self.of
            ]
            size[value] = own + sum(size[operand] for operand in unnamed)
            parts = [value, *(each for operand in unnamed for each in inside[operand])]
            inside[value] = parts[:MOST_PARTS]
            self._spread(value, inside[value])
            if size[value] <= LONG_FORMULA:
                continue
            for each in reversed(inside[value]):
                if each.op is None or each.op.name not in ACTIVATIONS:
                    continue
                (argument,) = each.inputs
                if argument.op is not None:
                    self._make_up(argument, "z")
                if each is not value:
                    self._make_up(each, "a")
            size[value] = own + sum(
                self._size(operand) for operand in value.inputs if operand not in self.of
            )
            if size[value] > LONGEST_FORMULA and value not in self.of:
                self._make_up(value, "u")

    def _spread(self, value: Value, inside: list[Value]) -> None:
        """Make up a name where a formula spreads over several entries and adds them up again.

        Otherwise the rows of a batch would all be in one edge, instead of a path each.
        """
        op = value.op
        if op is None or op.elementwise or op.name in MOVING or op.name in ACTIVATIONS:
            return
        for each in inside[1:]:
            if each not in self.of and self._spreads(each):
                user = next(
                    (
                        part
                        for part in inside[1:]
                        if part.op is not None
                        and part.op.name == "add"
                        and any(operand is each for operand in part.inputs)
                    ),
                    each,
                )
                self._make_up(user, "z")
                return

    def _spreads(self, value: Value) -> bool:
        if value.op is None or value.op.name in MOVING - {"broadcast_to"}:
            return False
        several = value.op.name == "matrix_product" or value.op.elementwise
        return (several or value.op.name == "broadcast_to") and any(
            operand in self._active and (operand.size < value.size or not value.op.elementwise)
            for operand in value.inputs
        )

    def _size(self, value: Value) -> int:
        if value.op is None:
            return 0
        own = 0 if value.op.name in MOVING else 1
        return own + sum(self._size(each) for each in value.inputs if each not in self.of)


# Ops whose every entry is an entry of an input, or zero.
MOVING = {
    *("reshape", "transpose", "broadcast_to", "slice", "pad", "flip", "concatenate", "cast"),
    *("gather", "take_along_axis"),
}


def variable_of(value: Value) -> str | None:
    """Return the variable that the line which made `value` assigns to, if it is the only one."""
    location = value.location
    if location is None or ";" in linecache.getline(location.file, location.line):
        return None
    return variable_of_line(value)


def statement(value: Value, target: str | None) -> str:
    """Return the right-hand side of the statement that made `value`, as far as it can be read.

    `target`: the variable it assigns to, which tells statements on one line apart.
    """
    location = value.location
    line = "" if location is None else linecache.getline(location.file, location.line)
    parts = line.split(";")
    if len(parts) > 1:
        parts = [part for part in parts if part.split("=")[0].strip() == target]
    return parts[0].split("=", 1)[-1] if parts else ""


def _same(variable: Any, data: Array) -> bool:
    if isinstance(variable, Value | bool):
        return False
    if not isinstance(variable, int | float | np.ndarray | list):
        return False
    if isinstance(variable, list) and (
        len(variable) != (data.shape[0] if data.ndim else -1)
        or any(isinstance(each, Value) for each in variable)
    ):
        return False
    try:
        array = np.asarray(variable)
    except (TypeError, ValueError):
        return False
    return array.shape == data.shape and array.dtype.kind in "fiu" and bool(np.all(array == data))
