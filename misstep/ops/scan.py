"""Recurrence: one body of ops applied along time, each step given what the last one left.

The body is a graph of its own, kept in its text form: an attribute like any other, which can be
compared, written down and read back. It is written in float64 and taken in the dtype of
what it is given. How gradients flow back through time is a matter of reverse mode, which tells this
op when it is there (`autodiff/recurrence.py`). Knows the program form; knows no layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from misstep.errors import GraphError, NotYetError, ShapeError
from misstep.ir import (
    Array,
    Graph,
    Interpreter,
    Op,
    Type,
    Value,
    in_float64,
    make_input,
    read_graph,
    rebuild,
    write_graph,
)
from misstep.ir.op import Example, float_dtype
from misstep.ops.elementwise import Gradients, draw
from misstep.ops.functions import tanh
from misstep.ops.lifting import Operand, as_value
from misstep.ops.pieces import slice_axis

Step = Callable[..., "Value | Sequence[Value]"]


@dataclass(frozen=True)
class Scan(Op):
    """A body applied along time: carry, sequences, constants → what each step left, and the start.

    Carry (batch, carried), sequences (batch, time, features) → (batch, time + 1, columns).

    `body`: the text of a graph. Its inputs are the carry (batch, carried), one entry of each of the
    `sequences` (batch, features), and the constants; its outputs, each (batch, columns), stand side
    by side in the result, and the first `carried` columns of a step are the next one's carry.
    Before the first step stands the initial carry, with zeros beside it, so that what each step
    began with is a part of the result as well. `reverse`: whether time runs from the last entry to
    the first; the initial carry then stands behind the last.
    """

    body: str
    sequences: int = 1
    reverse: bool = False
    name = "scan"
    words = "what a body of steps leaves at each point in time, from {0} on"
    formula = "scan({0}, …)"
    local_derivatives = ("…",)
    kernel = "scan"
    # How gradients flow back; reverse mode puts it here (it may know ops, and ops may not know it).
    backward: ClassVar[Callable[[Value, Value], Gradients] | None] = None

    def graph(self, dtype: str) -> Graph:
        """Return the body in a floating-point dtype."""
        return _read(self.body if dtype == "float64" else self.body.replace("float64", dtype))

    def type(self, *inputs: Type) -> Type:
        dtype = float_dtype(self, *inputs[:1])
        if self.sequences < 1 or len(inputs) <= self.sequences:
            raise ShapeError(
                self.name,
                needed="a carry and one sequence or more",
                got=f"{self.sequences} sequences among {len(inputs)} inputs",
            )
        body = self.graph(dtype)
        carry, *others = inputs
        sequences, constants = others[: self.sequences], others[self.sequences :]
        times = {sequence.shape[1:2] for sequence in sequences}
        if len(times) != 1 or any(
            len(sequence.shape) != 3 or sequence.shape[:1] != carry.shape[:1]
            for sequence in sequences
        ):
            raise ShapeError(
                self.name,
                needed=f"sequences (batch, time, features) of one length beside {carry.shape}",
                got=" and ".join(str(sequence.shape) for sequence in sequences),
            )
        entries = [
            Type((sequence.shape[0], sequence.shape[2]), sequence.dtype) for sequence in sequences
        ]
        types = [carry, *entries, *constants]
        expected = [value.type for value in body.inputs]
        if types != expected:
            raise ShapeError(
                self.name,
                needed=f"for each step {', '.join(map(str, expected))}",
                got=", ".join(map(str, types)),
                try_="a carry and sequences of one batch and one kind of number",
            )
        outputs = [output.type for output in body.outputs.values()]
        batch, carried = carry.shape if len(carry.shape) == 2 else (-1, 0)
        ends = list(np.cumsum([output.shape[-1] if output.shape else 0 for output in outputs]))
        if any(
            len(output.shape) != 2 or output.shape[0] != batch or output.dtype != dtype
            for output in outputs
        ) or carried not in [0, *ends]:
            raise ShapeError(
                f"the body of {self.name}",
                needed=f"outputs {dtype}[{batch}, columns], the first of them {carried} columns",
                got=", ".join(map(str, outputs)),
            )
        time = others[0].shape[1]
        return Type((batch, time + 1, int(ends[-1])), dtype)

    def run(self, initial: Array, *others: Array) -> Array:
        step, width = _runner(self.body, np.asarray(initial).dtype.name)
        sequences, constants = others[: self.sequences], others[self.sequences :]
        return scanned(step, width, self.reverse, initial, sequences, constants)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        if Scan.backward is None:
            raise NotYetError("the gradient of a scan", needed="misstep.autodiff to be imported")
        return Scan.backward(value, upstream)

    def products(self, value: Value) -> int:
        computed = self.graph(value.dtype).computed
        each = sum(inner.op.products(inner) for inner in computed if inner.op is not None)
        return (value.shape[1] - 1) * each

    def python(self, *names: str) -> str:
        body = self.graph("float64")
        # Bodies say their dtype only in literals and casts, which take the carry's here.
        dtype = f"{names[0]}.dtype"
        width = sum(output.shape[1] for output in body.outputs.values())
        sequences = "".join(f"{name}, " for name in names[1 : 1 + self.sequences])
        constants = "".join(f"{name}, " for name in names[1 + self.sequences :])
        return (
            f"scanned({_as_lambda(body, dtype)}, {width}, {self.reverse}, {names[0]}, "
            f"({sequences}), ({constants}))"
        )

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        inner = [value.op for value in self.graph("float64").computed if value.op is not None]
        return (scanned, *(function for op in inner for function in op.definitions()))

    def in_float64(self) -> Op:
        return Scan(self.body.replace("float32", "float64"), self.sequences, self.reverse)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        batch, time, features, units = (int(n) for n in random.integers(1, 5, 4))
        x = draw(random, (batch, time, features))
        weight = draw(random, (features, units), -1, 1)
        recurrent = draw(random, (units, units), -1, 1)
        bias = draw(random, (units,), -1, 1)

        def plain(h: Value, x: Value, w: Value, u: Value, b: Value) -> Value:
            return tanh(x @ w + h @ u + b)

        def wide(h: Value, x: Value, g: Value, w: Value, u: Value, b: Value) -> list[Value]:
            # A constant used in two ways, a carry of two outputs and columns beside it.
            inner = tanh(x @ w + (h[:, :units] * b) @ u)
            return [inner * g, h[:, units:] * 0.5 + inner * 0.25, inner @ u * b + g]

        h = draw(random, (batch, units))
        yield _op_of(plain, h, [x], [weight, recurrent, bias], bool(random.integers(2)))
        pair = draw(random, (batch, 2 * units))
        gate = draw(random, (batch, time, units))
        constants = [weight, recurrent, bias]
        yield _op_of(wide, pair, [x, gate], constants, bool(random.integers(2)))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        op, arrays = next(cls.examples(np.random.default_rng(0)))
        initial, x, *constants = arrays
        yield op, (initial[:, :-1], x, *constants)
        yield op, (initial, x[:, :, 0], *constants)
        yield op, (initial, np.concatenate([x, x]), *constants)
        yield op, (initial.astype("int64"), x, *constants)
        yield op, (initial,)


def scanned(
    step: Any, width: int, reverse: bool, initial: Any, sequences: Any, constants: Any
) -> Any:
    """Return what `step` leaves at each point in time, its parts side by side, and the start."""
    batch, time = np.shape(sequences[0])[:2]
    result = np.zeros((batch, time + 1, width), initial.dtype)
    result[:, time if reverse else 0, : np.shape(initial)[1]] = initial
    carry = initial
    for t in range(time - 1, -1, -1) if reverse else range(time):
        outputs = np.concatenate(
            step(carry, *[sequence[:, t] for sequence in sequences], *constants), axis=1
        )
        result[:, t if reverse else t + 1] = outputs
        carry = outputs[:, : np.shape(initial)[1]]
    return result


def scan(
    step: Step,
    initial: Operand,
    sequences: Sequence[Operand],
    constants: Sequence[Operand] = (),
    *,
    reverse: bool = False,
) -> Value:
    """Return what `step` makes at each point in time, (batch, time, columns).

    `step(carry, *entries, *constants)`: from the carry (batch, carried), an entry of each of the
    sequences (batch, features) and the constants to one value (batch, columns) or several, which
    are put side by side; the first `carried` columns are the next step's carry. `initial`: the
    first carry. `sequences`: (batch, time, features) each. `reverse`: whether time runs backwards.

    Raises ShapeError for parts that do not fit, GraphError for a step that uses a Value which it is
    not given.

    >>> import misstep as ms, numpy as np
    >>> x = np.array([[[1.0], [2.0], [3.0]]])
    >>> ms.ops.scan(lambda sum_, entry: sum_ + entry, np.zeros((1, 1)), [x])
    [[[1.],
      [3.],
      [6.]]]
    """
    first, *others = (as_value(operand) for operand in (initial, *sequences, *constants))
    count = len(sequences)
    if any(sequence.ndim != 3 for sequence in others[:count]):
        raise ShapeError(
            "the sequences of a scan",
            needed="(batch, time, features)",
            got=" and ".join(str(sequence.shape) for sequence in others[:count]),
        )
    carry = make_input("carry", first.shape, first.dtype)
    entries = [
        make_input(f"entry{number}", (sequence.shape[0], sequence.shape[2]), sequence.dtype)
        for number, sequence in enumerate(others[:count])
    ]
    fixed = [
        make_input(f"constant{number}", constant.shape, constant.dtype)
        for number, constant in enumerate(others[count:])
    ]
    outputs = step(carry, *entries, *fixed)
    outputs = [outputs] if isinstance(outputs, Value) else list(outputs)
    known = dict(zip(fixed, others[count:], strict=True))
    op, constants = scan_of(outputs, carry, entries, known, reverse=reverse)
    return steps_of(op(first, *others[:count], *constants))


def steps_of(result: Value) -> Value:
    """Return what each step of a scan left, (batch, time, columns), of its result."""
    assert isinstance(result.op, Scan)
    first = 0 if result.op.reverse else 1
    return slice_axis(result, 1, first, first + result.shape[1] - 1)


def begun_of(result: Value) -> Value:
    """Return what each step of a scan began with: the first columns are the carry."""
    assert isinstance(result.op, Scan)
    first = 1 if result.op.reverse else 0
    return slice_axis(result, 1, first, first + result.shape[1] - 1)


def scan_of(
    outputs: Sequence[Value],
    carry: Value,
    entries: Sequence[Value],
    constants: Mapping[Value, Value],
    *,
    reverse: bool,
) -> tuple[Scan, list[Value]]:
    """Return the op whose body makes `outputs`, and the constants that it takes.

    `constants`: what stands for each constant of the body outside. What follows from constants
    alone is worked out once, outside. Raises GraphError for an input that nobody gives.
    """
    graph = Graph(list(outputs))
    known = {carry, *entries, *constants}
    for value in graph.values:
        if value.is_input and value not in known:
            raise GraphError(
                "the step of a scan",
                needed="only Values that it is given",
                got=value.describe(),
                try_="passing it among the constants",
            )
    still = {value for value in graph.values if value.is_literal or value in constants}
    for value in graph.values:
        if value.op is not None and all(operand in still for operand in value.inputs):
            still.add(value)
    # Worked out once, outside: what something else needs of that.
    needed = {operand for value in graph.computed if value not in still for operand in value.inputs}
    needed |= set(outputs)
    # A body holds numbers; arrays of them are given to it.
    by_entry = {
        operand
        for value in graph.computed
        if value.op is not None and not value.op.kernel
        for operand in value.inputs
    }
    fixed = [
        value
        for value in graph.values
        if value in still & needed
        and not (value.is_literal and _is_uniform(value) and value in by_entry | set(outputs))
    ]
    _, outside = rebuild(Graph(fixed), known=constants) if fixed else (None, {})
    named = {carry: make_input("carry", carry.shape, carry.dtype)}
    for number, entry in enumerate(entries):
        named[entry] = make_input(f"entry{number}", entry.shape, entry.dtype)
    for number, constant in enumerate(fixed):
        named[constant] = make_input(f"constant{number}", constant.shape, constant.dtype)
    _, inside = rebuild(graph, known=named)
    text = body_text([inside[output] for output in outputs], list(named.values()))
    return Scan(text, len(entries), reverse), [outside[constant] for constant in fixed]


def _is_uniform(literal: Value) -> bool:
    data = np.asarray(literal.data)
    return data.size < 2 or bool((data == data.flat[0]).all())


def body_text(outputs: Sequence[Value], inputs: Sequence[Value]) -> str:
    """Return the text of a body, in float64."""
    wide, _ = in_float64(Graph(list(outputs), inputs, "body"))
    return write_graph(wide, locations=False)


@lru_cache(maxsize=1024)
def _read(text: str) -> Graph:
    return read_graph(text)


@lru_cache(maxsize=1024)
def _runner(text: str, dtype: str) -> tuple[Callable[..., list[Array]], int]:
    """Return the body as a function of arrays, and how many columns it makes."""
    graph = _read(text if dtype == "float64" else text.replace("float64", dtype))
    program = Interpreter(graph)
    names = [str(value.name) for value in graph.inputs]

    def step(*arrays: Array) -> list[Array]:
        return list(program.run(dict(zip(names, arrays, strict=True))).values())

    return step, sum(output.shape[1] for output in graph.outputs.values())


def _as_lambda(body: Graph, dtype_of_carry: str) -> str:
    """Return the body as a Python expression, names of its own ending in an underscore."""
    names = {value: f"{name}_" for value, name in body.names().items()}
    assignments = []
    for value in body.values:
        if value.is_literal:
            dtype = dtype_of_carry if value.type.is_float else repr(value.dtype)
            assignments.append(f"{names[value]} := np.array({_array_text(value)}, {dtype})")
        elif value.op is not None:
            text = value.op.python(*(names[operand] for operand in value.inputs))
            assignments.append(f"{names[value]} := {text.replace(REPR_OF_FLOAT, dtype_of_carry)}")
    results = ", ".join(names[value] for value in body.outputs.values())
    parameters = ", ".join(names[value] for value in body.inputs)
    items = ", ".join(f"({item})" for item in [*assignments, f"[{results}]"])
    return f"lambda {parameters}: [{items}][-1]"


# As ops write the dtype that they make; that of a body is the carry's.
REPR_OF_FLOAT = '"float64"'


def _array_text(value: Value) -> str:
    assert value.data is not None
    with np.errstate(all="ignore"):
        text = repr(value.data.tolist())
    return text.replace("nan", "np.nan").replace("inf", "np.inf")


def _op_of(
    step: Step, initial: Array, sequences: list[Array], constants: list[Array], reverse: bool
) -> Example:
    result = scan(step, initial, sequences, constants, reverse=reverse)
    op = result.inputs[0].op
    assert op is not None
    return op, (initial, *sequences, *constants)


__all__ = ["Scan", "begun_of", "body_text", "scan", "scan_of", "scanned", "steps_of"]
