"""Writes any graph, the backward pass included, as a Python file for people.

The file needs NumPy and nothing of this library, and running it gives the interpreter's numbers bit
for bit. Knows the contract of ops and one fact about NumPy's sum; `identifiers.py`, `numerals.py`
and `definitions.py` hold the parts.
"""

from __future__ import annotations

from collections.abc import Mapping

from misstep.errors import ArgumentError
from misstep.inspection.definitions import Definitions, gather_definitions
from misstep.inspection.identifiers import RESERVED, as_identifier, unused, value_names
from misstep.inspection.numerals import array_text, is_uniform, plain_number, typed_number
from misstep.ir import Array, Graph, Value, verify
from misstep.ops.reduction import Sum

_WIDTH = 100
# Arrays of up to so many entries stand where they are used.
_IN_PLACE = 8
_LONGEST_PLACE = 60  # characters of the name of a file in a comment

_AS_INPUT = '''\
def as_input(numbers, shape, dtype):
    """Return `numbers` as an array; raise ValueError unless it has the shape that is needed."""
    array = np.asarray(numbers, dtype)
    if array.shape != shape:
        raise ValueError(f"an input needs shape {shape}, not {array.shape}")
    return array'''


def emit_python(what: Graph | Value | Mapping[str, Value], *, function: str = "program") -> str:
    """Return a self-contained Python file with a function that computes `what`.

    `what`: a graph, one Value (its output is named after it, or `out`) or Values by name.
    `function`: the name of the function. It takes the inputs by name, first those whose numbers
    must be given, then those that have numbers already, which are their defaults. It returns the
    outputs by name. Values keep their names as far as Python allows, lines name the line of the
    user's code that they come from, and the file runs by itself when no numbers are missing.

    Raises ArgumentError when `function` can't be a name, GraphError when the graph is not
    well-formed.

    >>> import misstep as ms
    >>> w = ms.parameter(3.0, name="w")
    >>> "def program(w=3.0):" in ms.inspection.emit_python(w * w)
    True
    """
    if not isinstance(function, str) or as_identifier(function) != function or function in RESERVED:
        raise ArgumentError(
            "the function to emit",
            needed="a name for a Python function that hides none of Python's",
            got=repr(function),
            try_='function="program"',
        )
    if isinstance(what, Value):
        what = {what.name or "out": what}
    graph = what if isinstance(what, Graph) else Graph(what)
    return _File(verify(graph), function).text()


class _File:
    """The parts of one emitted file, put together by `text`."""

    def __init__(self, graph: Graph, function: str) -> None:
        self.graph = graph
        self.function = function
        self.definitions: Definitions = gather_definitions(
            value.op for value in graph.computed if value.op is not None
        )
        self.used = {*RESERVED, *self.definitions.names(), function, "as_input"}
        self.numbers = {value: _numbers(value) for value in graph.literals}
        aside = [value for value in graph.literals if self._stands_aside(value)]
        named = [*graph.inputs, *aside, *graph.computed]
        self.names = value_names(graph, named, self.used)
        self.constants = {self.names[value]: array_text(self.numbers[value]) for value in aside}
        self.defaults = {
            value: self._default(value) for value in graph.inputs if value.data is not None
        }

    def _stands_aside(self, literal: Value) -> bool:
        """Tell whether a literal is too long to stand where it is used."""
        array = self.numbers[literal]
        return array.size > _IN_PLACE and not is_uniform(array)

    def _default(self, value: Value) -> str:
        array = _numbers(value)
        if array.ndim == 0:
            # The function gives it its dtype.
            return plain_number(array[()])
        name = unused(f"default_{self.names[value]}", self.used)
        self.constants[name] = array_text(array)
        return name

    def text(self) -> str:
        """Return the whole file."""
        parts = [
            f'"""The program {as_identifier(self.graph.name)}, written by misstep."""',
            "\n".join(self._imports()),
            "\n".join(f"{name} = {text}" for name, text in self.definitions.constants.items()),
            "\n".join(f"{name} = {text}" for name, text in self.constants.items()),
        ]
        functions = list(self.definitions.functions.values())
        if self.graph.inputs:
            functions.append(_AS_INPUT)
        functions.append(self._program())
        if all(value.data is not None for value in self.graph.inputs):
            functions.append(self._main())
        head = "\n\n".join(part for part in parts if part)
        return "\n\n\n".join([head, *functions]) + "\n"

    def _imports(self) -> list[str]:
        lines = {"import numpy as np", *self.definitions.imports}
        if any("base64." in text for text in self.constants.values()):
            lines.add("import base64")
        # The standard library first.
        return sorted(lines, key=lambda line: ("numpy" in line or "scipy" in line, line))

    def _program(self) -> str:
        graph = self.graph
        waiting = [value for value in graph.inputs if value.data is None]
        order = [*waiting, *self.defaults]
        arguments = [
            self.names[value] + (f"={self.defaults[value]}" if value in self.defaults else "")
            for value in order
        ]
        head = _laid_out(f"def {self.function}(", arguments, "):", "")
        lines = [
            "# As IEEE 754 has it: 1 / 0 is inf and 0 / 0 is NaN, without a word.",
            '@np.errstate(all="ignore")',
            head,
            '    """Return the outputs by name."""',
        ]
        for value in order:
            name = self.names[value]
            line = f'    {name} = as_input({name}, {value.shape}, "{value.dtype}")'
            if value.name is not None and value.name != name:
                line += f"  # the input {value.name!a}"
            lines.append(line)
        for value in graph.computed:
            lines += self._assignment(value)
        results = [f"{_quoted(key)}: {self._used(value)}" for key, value in graph.outputs.items()]
        lines.append(_laid_out("    return {", results, "}", "    "))
        return "\n".join(lines)

    def _assignment(self, value: Value) -> list[str]:
        if value.op is None:
            return []
        operands = [self._used(operand, value) for operand in value.inputs]
        text = value.op.python(*operands)
        if isinstance(value.op, Sum) and value.dtype in ("int32", "uint32"):
            # NumPy sums narrow whole numbers as wide ones; cut back, they wrap as narrow ones do.
            text += f'.astype("{value.dtype}")'
        line = f"    {self.names[value]} = {text}"
        if value.location is None or not value.location.known:
            return [line]
        origin = f"# {_printable(str(value.location))}"
        if len(line) + len(origin) + 2 <= _WIDTH:
            return [f"{line}  {origin}"]
        return [f"    {origin}", line]

    def _used(self, value: Value, user: Value | None = None) -> str:
        """Return how `value` is written as an input of `user` (or as an output)."""
        if value in self.names:
            return self.names[value]
        array = self.numbers[value]
        if array.ndim or user is None or user.op is None or not user.op.elementwise:
            return array_text(array)
        # A plain number takes the dtype of an array beside it, which must be the right
        # one: NumPy would make float64 of two plain numbers.
        beside = [
            operand
            for operand in user.inputs
            if operand.dtype == value.dtype and not (operand.is_literal and operand.ndim == 0)
        ]
        return plain_number(array[()]) if beside else typed_number(array[()])

    def _main(self) -> str:
        return (
            'if __name__ == "__main__":\n'
            f"    for name, numbers in {self.function}().items():\n"
            '        print(name, "=", numbers)'
        )


def _numbers(value: Value) -> Array:
    array: Array = value.numpy()
    return array


def _laid_out(start: str, items: list[str], end: str, indent: str) -> str:
    """Return a list in brackets on one line, or with an item a line when that is too long."""
    line = f"{start}{', '.join(items)}{end}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([start, *(f"{indent}    {item}," for item in items), f"{indent}{end}"])


def _quoted(text: str) -> str:
    written = ascii(text)
    return f'"{text}"' if written == f"'{text}'" and '"' not in text else written


def _printable(text: str) -> str:
    # A line break in the name of a file would end the comment. The line number stands at the end.
    text = text if len(text) <= _LONGEST_PLACE else f"…{text[-_LONGEST_PLACE:]}"
    return "".join(sign if sign.isprintable() else "?" for sign in text)
