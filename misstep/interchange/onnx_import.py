"""A network that others made, from an ONNX file: what a row is, what is learned, which layers.

The graph is tried with two numbers of rows: what it says of shapes must hold for any. Numbers that
decide shapes, or that are single, are constants; the others are parameters and can be trained.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from misstep.errors import ArgumentError, FileFormatError, MisstepError, NotYetError, ShapeError
from misstep.interchange.onnx_copies import with_own_numbers
from misstep.interchange.onnx_layers import Found, are_parameters, parts_of
from misstep.interchange.onnx_reading import OnnxProgram, Port, read_onnx
from misstep.ir import Array, Value, ancestors, make_input, make_literal
from misstep.nn import Network
from misstep.nn.imported import ImportedGraph
from misstep.nn.imported_program import ImportedProgram
from misstep.nn.tracing import limited_rows
from misstep.onnx_operators.importing import Surroundings, run_nodes
from misstep.onnx_operators.importing.elementwise import converted
from misstep.onnx_operators.node import DTYPE_OF_ELEMENT, ELEMENT_NAMES, Node

# Numbers of rows that a graph is tried with: what differs between them follows from it.
TRIED = (2, 3)
# A constant that is larger stands with the parameters, as a buffer: not in the text of the graph.
LARGEST_CONSTANT = 4096
# Numbers in a row, as for model files.
WIDEST = 10**8
# What one row may become on its way, as for model files.
MOST_NUMBERS = 10**9
MOST_PRODUCTS = 10**12
# Kinds of entry that become the network's kind of number in rows.
_ROWS = {2: "int64", 3: "int64", 4: "int64", 5: "int64", 10: "float32", 16: "float32"}


def from_onnx(
    path: Path | str,
    *,
    output: str | None = None,
    input_shape: Sequence[int] | None = None,
    dtype: str | None = None,
    trainable: bool | int = True,
) -> Network:
    """Return the network in an ONNX file, as one of this library: to predict, explain and train.

    `output`: which of its outputs, or of the tensors inside, is the result; by default the first
    one of floating-point numbers. `input_shape`: the shape of one row, where the file leaves
    lengths open. `dtype`: float32 or float64; by default the file's. `trainable`: whether training
    moves its parameters; a number: those of so many last layers.

    Where there are several inputs, a row holds them one behind the other. Nothing but the file is
    read, and nothing in it is run but operators of ONNX. Raises StorageError, FileFormatError for
    what is no ONNX file, NotYetError for operators, attributes and kinds of numbers that have no
    words here, ArgumentError for arguments that do not fit the file.

    >>> import misstep as ms
    >>> ms.Network(ms.Dense(2), input_shape=(3,)).to_onnx("dense.onnx")
    >>> ms.from_onnx("dense.onnx").predict([[1.0, 2.0, 3.0]]).shape
    (1, 2)
    """
    program = read_onnx(path)
    try:
        return network_of(
            program, output=output, input_shape=input_shape, dtype=dtype, trainable=trainable
        )
    except MisstepError as error:
        error.add_note(f"in {path}")
        raise


def network_of(
    program: OnnxProgram,
    *,
    output: str | None = None,
    input_shape: Sequence[int] | None = None,
    dtype: str | None = None,
    trainable: bool | int = True,
) -> Network:
    """Return the network that a program is; arguments as for `from_onnx`."""
    wanted = _output(program, output)
    program = with_own_numbers(program, wanted)
    inputs = _inputs(program.inputs, input_shape)
    kind = dtype or _floats(program)
    if kind not in ("float32", "float64"):
        raise ArgumentError("dtype", needed="float32 or float64", got=repr(kind))
    arrays, nodes = _arrays_of(program, _needed(program.nodes, wanted))
    used = {name for node in nodes for name in node.names_used()}
    arrays = {name: array for name, array in arrays.items() if name in used}
    # What stands in nodes is constant, unless nothing stands anywhere else.
    learned = {name for name, array in program.arrays.items() if array.ndim} or set(arrays)
    try:
        constants, found = _tried(nodes, inputs, wanted, arrays, learned, program.versions, kind)
    except ShapeError as error:
        said = _for_one_number_of_rows(program, error)
        if said is None:
            raise
        raise said from error
    parts, numbers = parts_of(found, [name for name, _, _ in inputs])
    large = {name for name, array in constants.items() if array.size > LARGEST_CONSTANT} & set(
        found.numbers
    )
    imported = ImportedProgram(
        dict(program.versions),
        inputs,
        wanted,
        parts,
        {name: array for name, array in constants.items() if name not in large},
        numbers,
    )
    known = {numbers[name].name: array for name, array in found.numbers.items() if name in numbers}
    module = ImportedGraph(imported.to_json(), known)
    freeze_all_but(module, trainable)
    with limited_rows(MOST_NUMBERS):
        network = Network(module, imported.row_shape, dtype=kind, arrays=known)
    for got, most, words in (
        (network.numbers_of_a_row, MOST_NUMBERS, "numbers"),
        (sum(network.operations.values()), MOST_PRODUCTS, "multiply-adds"),
    ):
        if got > most:
            raise NotYetError(
                "the network", needed=f"at most {most:,} {words} for a row", got=f"{got:,}"
            )
    return network


def freeze_all_but(module: ImportedGraph, trainable: bool | int) -> None:
    """Let training leave layers as they are: all, none, or all but so many last ones."""
    if trainable is True:
        return
    if not isinstance(trainable, int) or trainable < 0:
        raise ArgumentError("trainable", needed="True, False or how many last layers")
    holding = {one.layer for one in module.program.numbers.values()}
    layers = [(name, layer) for name, layer in module.children() if name in holding]
    if trainable is False:
        object.__setattr__(module, "_is_trainable", False)
        return
    if trainable > len(layers):
        raise ArgumentError(
            "trainable", needed=f"at most the {len(layers)} layers it has", got=str(trainable)
        )
    for _, layer in layers[: len(layers) - trainable]:
        object.__setattr__(layer, "_is_trainable", False)


def _for_one_number_of_rows(program: OnnxProgram, error: ShapeError) -> ShapeError | None:
    """Return what to raise where shapes do not fit because a file is for so many rows only."""
    for port in program.inputs:
        if port.shape and isinstance(port.shape[0], int):
            return ShapeError(
                "the network",
                needed="one that takes any number of rows",
                got=f"a file for exactly {port.shape[0]} ({str(error).rstrip('.')})",
                try_="exporting it with a batch of any size (dynamic axes)",
            )
    return None


def _inputs(
    ports: Sequence[Port], input_shape: Sequence[int] | None
) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """Return name, dtype and shape of a row of each input."""
    if not ports:
        raise FileFormatError("the network", needed="an input", got="none")
    if input_shape is not None and len(ports) > 1:
        raise ArgumentError(
            "input_shape", needed="a network of one input", got=f"{len(ports)} of them"
        )
    made = []
    for port in ports:
        what = f"the input {port.name!r}"
        dtype = DTYPE_OF_ELEMENT.get(port.element) or _ROWS.get(port.element)
        if dtype is None:
            raise NotYetError(
                what, needed="numbers", got=ELEMENT_NAMES.get(port.element, str(port.element))
            )
        if input_shape is not None:
            shape: tuple[int | str | None, ...] = tuple(int(length) for length in input_shape)
            said = None if port.shape is None else port.shape[1:]
            fits = said is None or (
                len(said) == len(shape)
                and all(not isinstance(a, int) or a == b for a, b in zip(said, shape, strict=True))
            )
            if not fits:
                raise ArgumentError("input_shape", needed=f"what fits {said}", got=str(shape))
        elif port.shape is None or not port.shape:
            raise ArgumentError(
                what, needed="its shape, rows first", got="none", try_="input_shape=(…)"
            )
        else:
            shape = port.shape[1:]
        if not all(isinstance(length, int) and length > 0 for length in shape):
            raise ArgumentError(
                what,
                needed="the lengths of a row",
                got=f"{tuple(shape)}: the file leaves some open",
                try_="input_shape=(…) with numbers for all of them",
            )
        lengths = tuple(int(length) for length in shape if length)
        if math.prod(lengths) > WIDEST:
            raise NotYetError(
                what, needed=f"at most {WIDEST:,} numbers in a row", got=f"{math.prod(lengths):,}"
            )
        made.append((port.name, dtype, lengths))
    return tuple(made)


def _output(program: OnnxProgram, output: str | None) -> str:
    made = {name for node in program.nodes for name in node.outputs if name}
    if output is not None:
        if output not in made:
            outputs = ", ".join(port.name for port in program.outputs)
            raise ArgumentError("output", needed=f"one of {outputs}, or of the tensors inside")
        return output
    if not program.outputs:
        raise FileFormatError("the network", needed="an output", got="none")
    floats = [port for port in program.outputs if port.element in (1, 10, 11, 16)]
    maps = [port for port in program.outputs if port.element == 0]
    chosen = (floats or maps or list(program.outputs))[0].name
    if chosen not in made:
        raise FileFormatError(f"the output {chosen!r}", needed="a node that makes it")
    return chosen


def _floats(program: OnnxProgram) -> str:
    double = any(array.dtype == "float64" and array.ndim for array in program.arrays.values())
    return "float64" if double or any(port.element == 11 for port in program.inputs) else "float32"


def _needed(nodes: Sequence[Node], wanted: str) -> list[Node]:
    """Return the nodes that an output needs, in their order."""
    needed = {wanted}
    kept = []
    for node in reversed(nodes):
        if needed & {output for output in node.outputs if output}:
            kept.append(node)
            needed.update(node.names_used())
    return kept[::-1]


def _arrays_of(program: OnnxProgram, nodes: list[Node]) -> tuple[dict[str, Array], list[Node]]:
    """Return the arrays of a program, those of its Constant nodes among them, and other nodes."""
    arrays = {name: _own_kind(array) for name, array in program.arrays.items()}
    rest = []
    for node in nodes:
        value = node.attributes.get("value")
        constant = node.operator == "Constant" and not node.domain and len(node.attributes) == 1
        if constant and isinstance(value, np.ndarray) and node.outputs[:1] != ("",):
            if len(node.outputs) != 1 or node.outputs[0] in arrays:
                raise FileFormatError(node.describe(), needed="an output of its own")
            arrays[node.outputs[0]] = _own_kind(value)
        else:
            rest.append(node)
    return arrays, rest


def _own_kind(array: Array) -> Array:
    """Return an array in a kind of number of this library that holds all of its."""
    name = array.dtype.name
    if name in DTYPE_OF_ELEMENT.values():
        return array
    return array.astype("float32" if array.dtype.kind == "f" else "int64")


def _tried(
    nodes: list[Node],
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...],
    wanted: str,
    arrays: Mapping[str, Array],
    learned: Collection[str],
    versions: Mapping[str, int],
    kind: str,
) -> tuple[dict[str, Array], Found]:
    """Return which arrays are constants, and what two passes find out about the rest."""
    direct = {name for node in nodes for name in node.names_used()}
    candidates = {
        name
        for name, array in arrays.items()
        if name in learned and are_parameters(name, array, nodes)
    }
    while True:
        around = Surroundings(versions, kind)
        try:
            passes = [
                _pass(nodes, inputs, wanted, arrays, candidates, around, rows) for rows in TRIED
            ]
            break
        except NotYetError:
            asked = {value.name for value in around.asked if value.op is None and value.name}
            if not candidates & asked:
                raise
            # Numbers that shapes follow from, and the like, are no parameters.
            candidates -= asked
    values = passes[-1]
    statistics = {
        value.name for value in around.statistics if value.op is None and value.name in candidates
    }
    moving = _moving(values.values(), [values[name] for name, _, _ in inputs])
    dynamic = {name for name, value in values.items() if value in moving}
    rows_first = {
        name
        for name in dynamic
        if _has_rows(passes[0][name].shape, TRIED[0])
        and _has_rows(values[name].shape, TRIED[1])
        and passes[0][name].shape[1:] == values[name].shape[1:]
    }
    if wanted not in rows_first:
        raise ShapeError(
            f"the output {wanted!r}",
            needed="one for each row, rows first",
            got=f"shapes {passes[0][wanted].shape} and {values[wanted].shape} for {TRIED[0]} and "
            f"{TRIED[1]} rows",
            try_="exporting the network with a batch of any size (dynamic axes)",
        )
    constants = {name: array for name, array in arrays.items() if name not in candidates}
    numbers = {name: arrays[name] for name in candidates}
    for name, array in constants.items():
        floats = array.dtype.kind == "f" and bool(np.isfinite(array).all())
        if array.size > LARGEST_CONSTANT and floats and name in direct:
            numbers[name] = array
            statistics.add(name)
    return constants, Found(nodes, dynamic, rows_first, numbers, statistics)


def _has_rows(shape: tuple[int, ...], rows: int) -> bool:
    return bool(shape) and shape[0] == rows


def _moving(values: Iterable[Value], starts: Iterable[Value]) -> set[Value]:
    """Return which of `values`, and of what they are made of, follow from `starts`."""
    moving = set(starts)
    for value in ancestors(list(values)):
        if any(operand in moving for operand in value.inputs):
            moving.add(value)
    return moving


def _pass(
    nodes: list[Node],
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...],
    wanted: str,
    arrays: Mapping[str, Array],
    candidates: set[str],
    around: Surroundings,
    rows: int,
) -> dict[str, Value]:
    """Return all tensors of a pass with so many rows, by name."""
    around.begin()
    values: dict[str, Value] = {}
    for name, dtype, shape in inputs:
        x = make_input("x", (rows, *shape), around.floats or "float32")
        values[name] = x if dtype.startswith("float") else converted(x, dtype)
    for name, array in arrays.items():
        if name in values:
            raise FileFormatError(f"the tensor {name!r}", needed="one of that name")
        floats = around.floats or array.dtype.name
        kind = floats if array.dtype.kind == "f" else array.dtype.name
        if name in candidates:
            values[name] = make_input(name, array.shape, kind)
        else:
            values[name] = make_literal(array, kind, name)
            around.fixed.add(values[name])
    run_nodes(nodes, values, around, [wanted])
    return values
