"""The text form of a graph: writing it for people and tests, reading it back.

The grammar stands in docs/text-form.md. Knows ops only by the registry. Reading never runs
anything: attributes and literals are plain JSON.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np

from misstep.errors import GraphError, MisstepError
from misstep.ir.graph import Graph
from misstep.ir.op import Op, find_op
from misstep.ir.value import Type, Value
from misstep.ir.verify import verify

_TYPE = re.compile(r"^(\w+)\[([\d,\s]*)\]$")
_HEAD = re.compile(r"^graph\s+([\w.\-]+)\s*\((.*)\)\s*\{$")
_INPUT = r"(\w+)\s*:\s*(\w+\[[\d,\s]*\])"
_INPUTS = re.compile(rf"^\s*({_INPUT}\s*(,\s*(?=\w)|$))*$")
_LINE = re.compile(r"^(\w+)\s*:\s*(\w+\[[\d,\s]*\])\s*=\s*(\w+)(\{.*\})?\((.*)\)$")
_NAME = re.compile(r"[\w.\-]+")
_SPECIAL = {"Infinity": np.inf, "-Infinity": -np.inf, "NaN": np.nan}


def write_graph(graph: Graph, *, locations: bool = True) -> str:
    """Return the text form of `graph`; reading it back gives an equal graph.

    With `locations`, each line ends in a comment that names the user's file and line. Raises
    GraphError when the name of the graph or of an output can't be written.
    """
    for name in [graph.name, *graph.outputs]:
        if not _NAME.fullmatch(name):
            raise GraphError(
                f"the text of the graph {graph.name!r}",
                needed="names of letters, digits, _, . and - for it and its outputs",
                got=repr(name),
            )
    names = graph.names()
    heads = ", ".join(f"{names[value]}: {value.type}" for value in graph.inputs)
    lines = [f"graph {graph.name}({heads}) {{"]
    for value in graph.values:
        if value.is_input:
            continue
        if value.op is None:
            content = f"literal({json.dumps(_plain(_exact(value)))})"
        else:
            attributes = value.op.attributes()
            written = json.dumps(attributes) if attributes else ""
            operands = ", ".join(names[operand] for operand in value.inputs)
            content = f"{value.op.name}{written}({operands})"
        line = f"  {names[value]}: {value.type} = {content}"
        location = value.location
        if locations and location is not None and location.known and value.op is not None:
            line += f"  # {_on_one_line(str(location))}"
        lines.append(line)
    results = ", ".join(f"{name}={names[value]}" for name, value in graph.outputs.items())
    lines += [f"  return {results}", "}"]
    return "\n".join(lines)


def read_graph(text: str) -> Graph:
    """Return the graph that `text` describes. Raises GraphError with the line number."""
    values: dict[str, Value] = {}
    inputs: list[Value] = []
    name: str | None = None
    outputs: dict[str, Value] | None = None
    closed = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _without_comment(raw).strip()
        if not line:
            continue
        try:
            if closed:
                raise ValueError("something after the end")
            if name is None:
                name, inputs = _read_head(line)
                values.update({str(value.name): value for value in inputs})
            elif line == "}" and outputs is not None:
                closed = True
                graph = verify(Graph(outputs, inputs, name))
            elif outputs is not None:
                raise ValueError("not the } that comes after return")
            elif line.startswith("return "):
                outputs = _read_outputs(line, values)
            else:
                _read_line(line, values)
        except KeyError as error:
            raise GraphError(
                f"line {number} of a graph's text", needed="a value made before", got=str(error)
            ) from error
        except MisstepError as error:
            raise GraphError(
                f"line {number} of a graph's text", got=str(error).rstrip(".")
            ) from error
        except (ArithmeticError, IndexError, RecursionError, TypeError, ValueError) as error:
            raise GraphError(
                f"line {number} of a graph's text",
                needed="name: type = op{attributes}(values)",
                got=f"{line[:80]!r} ({error})",
            ) from error
    if not closed:
        raise GraphError(
            "a graph's text", needed="a line 'return name=value, …' and a line '}'", got="its end"
        )
    return graph


def _read_head(line: str) -> tuple[str, list[Value]]:
    match = _HEAD.match(line)
    if not match:
        raise ValueError("not 'graph name(input: type, …) {'")
    if not _INPUTS.match(match.group(2)):
        raise ValueError("not 'input: type, …' between ( and )")
    inputs = []
    for item in re.findall(_INPUT, match.group(2)):
        inputs.append(Value(_read_type(item[1]), name=item[0]))
    return match.group(1), inputs


def _read_line(line: str, values: dict[str, Value]) -> None:
    match = _LINE.match(line)
    if not match:
        raise ValueError("not an assignment")
    name, type_text, op_name, attributes, content = match.groups()
    type_ = _read_type(type_text)
    if name in values:
        raise ValueError(f"{name} is assigned twice")
    if op_name == "literal":
        plain = json.loads(content)
        data = np.array(_numbers(plain), dtype="float64" if type_.is_float else type_.dtype)
        values[name] = Value(type_, name=name, data=data.reshape(type_.shape), is_literal=True)
        return
    op = _make_op(find_op(op_name), json.loads(attributes) if attributes else {})
    written = content.split(",") if content.strip() else []
    operands = [values[operand.strip()] for operand in written]
    value = op(*operands, name=name)
    if value.type != type_:
        raise ValueError(f"{name} is {value.type}, not {type_}")
    values[name] = value


def _read_outputs(line: str, values: dict[str, Value]) -> dict[str, Value]:
    outputs: dict[str, Value] = {}
    for item in line.removeprefix("return ").split(","):
        output, _, value_name = item.strip().partition("=")
        if output in outputs or not _NAME.fullmatch(output):
            raise ValueError(f"the output {output!r} is there twice or has no good name")
        outputs[output] = values[value_name]
    return outputs


def _make_op(cls: type[Op], attributes: dict[str, Any]) -> Op:
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if "float" not in str(field.type) and _has_fraction(attributes.get(field.name)):
            raise ValueError(f"{field.name} is a number with a decimal point")
    return cls(**{name: _frozen(value) for name, value in attributes.items()})


def _has_fraction(plain: Any) -> bool:
    if isinstance(plain, list):
        return any(_has_fraction(item) for item in plain)
    return isinstance(plain, float)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _read_type(text: str) -> Type:
    match = _TYPE.match(text)
    if not match:
        raise ValueError(f"{text!r} is no type")
    lengths = [int(length) for length in match.group(2).split(",") if length.strip()]
    return Type(tuple(lengths), match.group(1))


def _exact(value: Value) -> np.ndarray[Any, Any]:
    """Return the numbers of a literal; −1 as an unsigned one is written as what it wraps to."""
    data = np.asarray(value.data)
    return data if value.type.is_float else data.astype(value.dtype)


def _on_one_line(text: str) -> str:
    # A line break in the name of a file would end the comment and start an assignment.
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _plain(array: np.ndarray[Any, Any]) -> Any:
    if array.ndim:
        return [_plain(row) for row in array]
    number = array.item()
    if isinstance(number, float) and not np.isfinite(number):
        return "NaN" if np.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    return number


def _numbers(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_numbers(item) for item in plain]
    return _SPECIAL[plain] if isinstance(plain, str) else plain


def _without_comment(line: str) -> str:
    # A '#' can't stand inside a name, type, attribute or literal of the grammar.
    return line.split("  #", 1)[0]
