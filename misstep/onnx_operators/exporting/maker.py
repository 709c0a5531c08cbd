"""A program of ours written down in ONNX's terms, assignment by assignment: names, nodes, numbers.

The program is given twice, for two numbers of rows: what differs between them follows from it and
is worked out when the file runs. Knows Values; each op's own rule stands in files by family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.errors import GraphError, NotYetError
from misstep.ir import Array, Graph, Op, Value, find_op
from misstep.onnx_operators.node import ELEMENT_OF_DTYPE, Node, Subgraph

# The version of the operators that files are written with: every tool of the last years reads it.
VERSION = 18
# A length, or another number of an op, in both programs.
Pair = tuple[int, int]
Rule = Callable[["Maker", "Twin", "list[str]"], str]

_rules: dict[str, Rule] = {}
_reasons: dict[str, str] = {}


def exports(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of an op, by its name; or of several."""

    def register(function: Rule) -> Rule:
        for name in names:
            find_op(name)
            if name in _rules:
                raise GraphError(f"two rules for {name}")
            _rules[name] = function
        return function

    return register


def has_no_words(reason: str, *names: str) -> None:
    """Say that ops have no place in a file, and why."""
    for name in names:
        find_op(name)
        _reasons[name] = reason


def exported_ops() -> dict[str, Rule]:
    """Return the rule of every op that has one, by name."""
    return dict(sorted(_rules.items()))


def ops_without_words() -> dict[str, str]:
    """Return why an op has no place in a file, by its name."""
    return dict(sorted(_reasons.items()))


@dataclass(frozen=True)
class Twin:
    """A Value as it is in both programs."""

    first: Value
    second: Value

    @property
    def op(self) -> Any:
        """Return the op of the first; attributes that follow from rows differ in the other's."""
        return self.first.op

    @property
    def dtype(self) -> str:
        """Return the dtype."""
        return self.first.dtype

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return self.first.ndim

    @property
    def shape(self) -> tuple[Pair, ...]:
        """Return the length of each axis, in both."""
        return pairs(self.first.shape, self.second.shape)

    def operand(self, place: int) -> Twin:
        """Return what an input is in both."""
        return Twin(self.first.inputs[place], self.second.inputs[place])

    def both(self, attribute: str) -> tuple[Pair, ...]:
        """Return an attribute of whole numbers in both."""
        return pairs(getattr(self.first.op, attribute), getattr(self.second.op, attribute))


def pairs(first: Sequence[int], second: Sequence[int]) -> tuple[Pair, ...]:
    """Return numbers of both programs side by side."""
    return tuple((int(a), int(b)) for a, b in zip(first, second, strict=True))


@dataclass
class Maker:
    """What is written so far: nodes in order, numbers by name, names of Values.

    `rows`: the numbers of rows of both programs. `count`: the name of the tensor that says how many
    rows there are when the file runs, a vector of one number.
    """

    rows: Pair
    count: str = "rows"
    nodes: list[Node] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    names: dict[Value, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    _known: dict[Any, str] = field(default_factory=dict)

    def fresh(self, wish: str) -> str:
        """Return a name that nothing has yet."""
        name, number = wish, 1
        while name in self.taken:
            number += 1
            name = f"{wish}_{number}"
        self.taken.add(name)
        return name

    def node(
        self, operator: str, inputs: Sequence[str], *, domain: str = "", **attributes: Any
    ) -> str:
        """Write a node and return the name of its result."""
        return self.several(operator, inputs, 1, domain=domain, **attributes)[0]

    def several(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: int,
        *,
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Write a node of several results and return their names."""
        names = [self.fresh(operator.lower()) for _ in range(outputs)]
        plain = {name: one for name, one in attributes.items() if one is not None}
        self.nodes.append(Node(operator, tuple(inputs), tuple(names), plain, domain, names[0]))
        return names

    def constant(self, array: Any, dtype: str | None = None) -> str:
        """Write numbers down, once where they are the same, and return their name."""
        numbers = np.ascontiguousarray(array, dtype=dtype).reshape(np.shape(array))
        key = (numbers.dtype.str, numbers.shape, numbers.tobytes())
        if key not in self._known:
            name = self.fresh("constant")
            self.arrays[name] = numbers
            self._known[key] = name
        return self._known[key]

    def number(self, number: float | bool, dtype: str) -> str:
        """Write a single number down and return its name."""
        return self.constant(np.asarray(number), dtype)

    def lengths(self, numbers: Sequence[Pair]) -> str:
        """Return the name of a vector of whole numbers, some of which may follow from the rows.

        Raises NotYetError for what does not follow as a · rows + b.
        """
        if all(a == b for a, b in numbers):
            return self.constant(np.array([a for a, _ in numbers], "int64"))
        times, plus = [], []
        for a, b in numbers:
            factor, rest = divmod(b - a, self.rows[1] - self.rows[0])
            if rest:
                raise NotYetError(
                    "a length in a file", needed="one that follows from the rows", got=f"{a}, {b}"
                )
            times.append(factor)
            plus.append(a - factor * self.rows[0])
        product = self.count
        if set(times) != {1}:
            product = self.node("Mul", [product, self.constant(np.array(times, "int64"))])
        if any(plus):
            product = self.node("Add", [product, self.constant(np.array(plus, "int64"))])
        elif len(times) > 1 and set(times) == {1}:
            product = self.node("Expand", [product, self.constant(np.array([len(times)], "int64"))])
        return product

    def reshaped(self, name: str, shape: Sequence[Pair]) -> str:
        """Return what is called so in another shape."""
        varying = [at for at, (a, b) in enumerate(shape) if a != b]
        if len(varying) == 1 and all(a for a, _ in shape):
            fixed = [-1 if at in varying else a for at, (a, _) in enumerate(shape)]
            return self.node("Reshape", [name, self.constant(np.array(fixed, "int64"))])
        wanted = self.lengths(shape)
        return self.node("Reshape", [name, wanted], allowzero=1)

    def expanded(self, name: str, shape: Sequence[Pair]) -> str:
        """Return what is called so repeated to a shape."""
        return self.node("Expand", [name, self.lengths(shape)])

    def transposed(self, name: str, axes: Sequence[int]) -> str:
        """Return what is called so with its axes in another order."""
        if list(axes) == list(range(len(axes))):
            return name
        return self.node("Transpose", [name], perm=tuple(axes))

    def flipped(self, name: str, axes: Sequence[int]) -> str:
        """Return what is called so with its entries in the opposite order along axes."""
        if not axes:
            return self.node("Identity", [name])
        ends = [-1] * len(axes), [np.iinfo("int64").min] * len(axes), axes, [-1] * len(axes)
        return self.node("Slice", [name, *(self.constant(np.array(one, "int64")) for one in ends)])

    def cast(self, name: str, dtype: str) -> str:
        """Return what is called so as another kind of number."""
        return self.node("Cast", [name], to=ELEMENT_OF_DTYPE[dtype])

    def write(self, first: Graph, second: Graph) -> None:
        """Write down all that both programs compute; their inputs must have names already.

        Raises NotYetError for an op that has no words in ONNX, GraphError for programs of which
        one is not the other for another number of rows.
        """
        if len(first.values) != len(second.values):
            raise GraphError("a program for two numbers of rows", needed="the same steps in both")
        for one, other in zip(first.values, second.values, strict=True):
            if type(one.op) is not type(other.op) or one.ndim != other.ndim:
                raise GraphError("a program for two numbers of rows", needed="the same steps")
            if one in self.names:
                continue
            self.names[one] = self._written(Twin(one, other))

    def _written(self, value: Twin) -> str:
        if value.first.is_literal:
            return self._literal(value)
        op: Op | None = value.op
        if op is None:
            raise GraphError(f"the input {value.first.describe()}", needed="a name in the file")
        rule = _rules.get(op.name)
        if rule is None:
            raise NotYetError(
                f"the op {op.name} in an ONNX file",
                needed="an op with words in ONNX",
                got=_reasons.get(op.name, op.name),
            )
        inputs = [self.names[operand] for operand in value.first.inputs]
        return rule(self, value, inputs)

    def _literal(self, value: Twin) -> str:
        data = np.asarray(value.first.data)
        if all(a == b for a, b in value.shape):
            if not np.array_equal(
                data, np.asarray(value.second.data), equal_nan=data.dtype.kind == "f"
            ):
                raise NotYetError("numbers in a program", needed="the same for any number of rows")
            return self.constant(data, value.dtype)
        if data.size and not (data == data.flat[0]).all():
            raise NotYetError("numbers in a program", needed="the same for each row")
        single = self.number(data.flat[0].item() if data.size else 0, value.dtype)
        return self.expanded(single, value.shape)

    def body(
        self,
        first: Graph,
        second: Graph,
        inside: Mapping[int, str],
        outputs: Callable[[Maker, list[str]], list[str]],
    ) -> Subgraph:
        """Return a graph that stands in a node, as the body of a scan.

        `inside`: names of its inputs by place; those that are not there are the names of the graph
        outside. `outputs`: what comes out, from the names of what the program computes.
        """
        maker = Maker(self.rows, self.count, taken=self.taken)
        for place, name in inside.items():
            maker.names[first.inputs[place]] = name
        maker.write(first, second)
        made = outputs(maker, [maker.names[value] for value in first.outputs.values()])
        return Subgraph((), tuple(made), tuple(maker.nodes), maker.arrays)
