"""An imported network fitted to rows and answers of one's own: what goes in, what comes out.

Probabilities at its end are left away, since losses here take raw outputs; where it has another
number of outputs, its last layer gives way to a new one; rows with channels last are turned around.
Knows imported programs, no data.
"""

from __future__ import annotations

from dataclasses import replace

from misstep.errors import ShapeError
from misstep.nn.containers import Sequential
from misstep.nn.imported import ImportedGraph
from misstep.nn.imported_program import ImportedProgram, Part
from misstep.nn.layers import Dense, Flatten
from misstep.nn.module import Module
from misstep.nn.network import Network
from misstep.onnx_operators.node import Node
from misstep.text.counts import counted

# What makes probabilities of raw outputs, and what may stand around that and changes none of them.
_PROBABILITIES = {"LogSoftmax", "Sigmoid", "Softmax"}
_AROUND = {"Cast", "Concat", "Identity", "Normalizer", "Reshape", "Squeeze", "Sub", "ZipMap"}


def fitted_imported(
    module: ImportedGraph, shape: tuple[int, ...], outputs: int
) -> tuple[Module, str]:
    """Return a network of rows of `shape` with so many raw outputs, and what was done, in words.

    Raises ShapeError for rows of another shape than the imported network takes.
    """
    module, words = _turned(module, shape)
    network = Network(module, shape)
    program = module.program
    last = _last_layer(program)
    if last is None:
        raise ShapeError("the imported network", needed="a layer with parameters", got="none")
    part, behind = program.parts[last], program.parts[last + 1 :]
    end = part.nodes[-1].first_output
    ends = [node.operator for each in behind for node in each.nodes]
    if network.outputs.get(part.layer) == (outputs,) and set(ends) <= _PROBABILITIES | _AROUND:
        if not set(ends) & _PROBABILITIES:
            if network.output_shape == (outputs,):
                return module, ", ".join(words)
        else:
            words.append(f"without the {_first_of(ends)} at its end, which the loss brings")
        return _cut(module, last + 1, end), ", ".join(words)
    if network.output_shape == (outputs,) and not set(ends) & _PROBABILITIES:
        return module, ", ".join(words)
    entry = _entry(program, part)
    before = _cut(module, last, entry)
    rows = Network(before, shape).output_shape
    head: tuple[Module, ...] = (Dense(outputs),) if len(rows) == 1 else (Flatten(), Dense(outputs))
    words.append(f"its last layer, {part.layer}, replaced by one of {counted(outputs, 'output')}")
    return Sequential(before, *head), ", ".join(words)


def _first_of(ends: list[str]) -> str:
    return next(one for one in ends if one in _PROBABILITIES)


def _turned(module: ImportedGraph, shape: tuple[int, ...]) -> tuple[ImportedGraph, list[str]]:
    """Return the network for rows with channels last, where it takes channels first."""
    program = module.program
    wanted = program.row_shape
    first = (shape[-1], *shape[:-1]) if len(shape) > 1 else shape
    if wanted == shape or wanted != first or len(program.inputs) > 1:
        return module, []
    ((name, dtype, _),) = program.inputs
    taken = {one for part in program.parts for node in part.nodes for one in node.outputs}
    given = f"{name}_channels_last"
    while given in taken or given in program.constants or given in program.numbers:
        given += "_"
    order = (0, len(shape), *range(1, len(shape)))
    turn = Node("Transpose", (given,), (name,), {"perm": order}, "", given)
    parts = (Part("", (turn,)), *program.parts)
    return _made(module, replace(program, inputs=((given, dtype, shape),), parts=parts)), [
        "channels first"
    ]


def _last_layer(program: ImportedProgram) -> int | None:
    holding = {one.layer for one in program.numbers.values() if one.layer}
    places = [place for place, part in enumerate(program.parts) if part.layer in holding]
    return max(places, default=None)


def _entry(program: ImportedProgram, part: Part) -> str:
    """Return the tensor that a layer takes: the first that is neither a number nor made inside."""
    inside = {output for node in part.nodes for output in node.outputs}
    for node in part.nodes:
        for name in node.inputs:
            known = name in program.numbers or name in program.constants or name in inside
            if name and not known:
                return name
    raise ShapeError("the imported network", needed="a last layer that takes something")


def _cut(module: ImportedGraph, stop: int, output: str) -> ImportedGraph:
    """Return the network up to a part, with a tensor in it as its output."""
    program = module.program
    parts = program.parts[:stop]
    used = {name for part in parts for node in part.nodes for name in node.names_used()}
    return _made(
        module,
        replace(
            program,
            parts=parts,
            output=output,
            numbers={name: one for name, one in program.numbers.items() if name in used},
        ),
    )


def _made(module: ImportedGraph, program: ImportedProgram) -> ImportedGraph:
    """Return a module of another program, with the numbers and the frozen layers of a module."""
    names = {one.name for one in program.numbers.values()}
    known = None
    if module.arrays is not None:
        known = {name: array for name, array in module.arrays.items() if name in names}
    made = ImportedGraph(program.to_json(), known)
    frozen = {name for name, layer in module.children() if not layer._is_trainable}
    for name, layer in made.children():
        if name in frozen:
            object.__setattr__(layer, "_is_trainable", False)
    object.__setattr__(made, "_is_trainable", module._is_trainable)
    return made
