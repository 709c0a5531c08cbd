"""`ImportedGraph`: a network that another tool made, as a module like any other.

Its nodes, in ONNX's terms, are kept as they came and run through the rules of `onnx_operators` for
each pass, so that shapes follow from the batch. Nodes that hold parameters are layers with names of
their own: to be seen, explained, frozen. Knows nodes; files are read by `interchange`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from misstep.errors import ArgumentError, FileFormatError, NotYetError, ShapeError
from misstep.ir import Array, Value, make_literal
from misstep.nn.imported_program import RULES, ImportedProgram, Numbers, Part, program_from_json
from misstep.nn.initializers import Fans, Initializer, normal_draws
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import Trace, current_trace
from misstep.onnx_operators.node import OWN_DOMAIN, Node
from misstep.ops import reshape, slice_axis

if TYPE_CHECKING:
    from misstep.onnx_operators.importing import Surroundings

_state = threading.local()


# Entries of a row that may be positions; what each must be below is kept, in 16 bytes.
MOST_POSITIONS = 4_000_000
# What a layer's units may do, by the operator that ends it: for shares of dead and saturated units.
_CAN_DIE = {"Relu"}
_BOUNDS = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "HardSigmoid": (0.0, 1.0)}


@cache
def _rules() -> Any:
    """Return what operators mean."""
    return import_module(RULES)


@dataclass(frozen=True)
class _AsImported(Initializer, inside=True):
    """The numbers that came with a file; else others with their mean and deviation."""

    mean: float
    deviation: float
    array: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Numbers were checked when they were read."""

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        if self.array is not None:
            array: Array = self.array
            return array
        return self.mean + self.deviation * normal_draws(shape, seed, stream)


@dataclass
class _Pass:
    """A pass of an imported network going on: tensors by name, and what the nodes share."""

    values: dict[str, Value]
    around: Surroundings


class ImportedLayer(Module, abstract=True):
    """Nodes of an imported network that hold parameters, or an activation: a layer with a name."""

    def __init__(self, part: Part, owner: ImportedGraph) -> None:
        self.part = part
        self._owner = [owner]  # in a list of one: it is no part of this layer
        # As classes of layers say it, of this layer alone.
        object.__setattr__(self, "bounds", _BOUNDS.get(part.nodes[-1].operator))

    def children(self) -> Iterator[tuple[str, Module]]:
        yield from ()

    def forward(self, x: Value) -> Value:
        """Return what the last of the nodes makes; the rest of their inputs are known by name."""
        going: _Pass = _state.going
        self._owner[0].supply(self.part, going)
        output: Value = _rules().run_nodes(
            self.part.nodes, going.values, going.around, [self.part.nodes[-1].first_output]
        )[0]
        # Units are entries of the last axis; with channels first they are not.
        dies = self.part.nodes[-1].operator in _CAN_DIE and output.ndim == 2
        object.__setattr__(self, "can_die", dies)
        return output

    @property
    def operators(self) -> tuple[str, ...]:
        """Return its operators, in order."""
        return tuple(node.operator for node in self.part.nodes)

    def describe(self) -> str:
        """Return its operators: Conv, or MatMul and Add."""
        return ", ".join(dict.fromkeys(self.operators))

    def __repr__(self) -> str:
        return f"ImportedLayer({self.describe()})"


@dataclass(frozen=True)
class ImportedGraph(Module):
    """A network that another tool made, read from an ONNX file by `ms.from_onnx`.

    `graph`: its nodes as text (JSON), as a model file keeps them. `arrays`: its numbers by name of
    parameter, where they are at hand; without them, first numbers are drawn with the mean and the
    deviation of those that came with the file.

    Raises FileFormatError for a text that is no such graph, NotYetError for operators that have no
    words here.

    >>> import misstep as ms
    >>> ms.Network(ms.Dense(2), input_shape=(3,)).to_onnx("dense.onnx")
    >>> ms.from_onnx("dense.onnx").module
    ImportedGraph(... nodes of ONNX 18)
    """

    graph: str
    arrays: Any = field(default=None, repr=False, compare=False)

    @property
    def program(self) -> ImportedProgram:
        """Return the program that is kept."""
        program: ImportedProgram = vars(self)["_program"]
        return program

    def __post_init__(self) -> None:
        if not isinstance(self.graph, str):
            raise ArgumentError("graph of ImportedGraph", needed="text", got=repr(self.graph)[:80])
        program = program_from_json(self.graph)
        object.__setattr__(self, "_program", program)
        object.__setattr__(
            self,
            "_layers",
            {part.layer: ImportedLayer(part, self) for part in program.parts if part.layer},
        )
        names = [part.layer for part in program.parts if part.layer]
        owned = [one.name for one in program.numbers.values()]
        if len(set(names)) < len(names) or len(set(owned)) < len(owned):
            raise FileFormatError("an imported network", needed="different names of its layers")

    @property
    def operators(self) -> frozenset[str]:
        """Return the operators that it is made of."""
        return frozenset(node.operator for part in self.program.parts for node in part.nodes)

    def children(self) -> Iterator[tuple[str, Module]]:
        layers: Mapping[str, Module] = vars(self)["_layers"]
        yield from layers.items()

    @cached_property
    def _owners(self) -> dict[str, Module]:
        return dict(self.children())

    def supply(self, part: Part, going: _Pass) -> None:
        """Give the nodes of a part the parameters and buffers that they take."""
        program = self.program
        for node in part.nodes:
            for name in node.names_used():
                asked = program.numbers.get(name)
                if asked is not None and name not in going.values:
                    going.values[name] = self._asked(asked)

    def _asked(self, asked: Numbers) -> Value:
        owner: Module = self._owners.get(asked.layer, self)
        leaf = asked.leaf if owner is not self else asked.name
        array = None if self.arrays is None else self.arrays.get(asked.name)
        first = _AsImported(asked.mean, asked.deviation, array)
        if asked.statistic:
            return owner.buffer(leaf, asked.shape, first)
        fans = asked.shape[0] if asked.shape else 1
        return owner.parameter(
            leaf,
            asked.shape,
            first,
            fan_in=max(fans, 1),
            fan_out=max(asked.shape[-1] if asked.shape else 1, 1),
            regularized=len(asked.shape) > 1,
        )

    def forward(self, x: Value) -> Value:
        """Return the output of the network for rows x."""
        program = self.program
        if x.shape[1:] != program.row_shape:
            raise ShapeError(
                "the imported network",
                needed=f"rows of shape {program.row_shape}",
                got=str(x.shape[1:]),
            )
        trace = current_trace()
        going = _Pass({}, _rules().Surroundings(program.versions, trace.dtype))
        start = 0
        for name, dtype, shape in program.inputs:
            part = x
            if len(program.inputs) > 1:
                stop = start + math.prod(shape)
                part = reshape(slice_axis(x, 1, start, stop), (x.shape[0], *shape))
                start = stop
            going.values[name] = (
                part if dtype.startswith("float") else _rules().converted(part, dtype)
            )
        for name, array in program.constants.items():
            kind = trace.dtype if array.dtype.kind == "f" else array.dtype.name
            going.values[name] = make_literal(array, kind)
        going.around.fixed.update(going.values[name] for name in program.constants)
        before = getattr(_state, "going", None)
        _state.going = going
        try:
            for part_of in program.parts:
                self._run(part_of, going, trace)
        finally:
            _state.going = before
        _tell_positions(trace, going, x)
        output = going.values.get(program.output)
        if output is None:
            raise FileFormatError("an imported network", needed=f"a node for {program.output!r}")
        if not output.type.is_float:
            output = _rules().converted(output, trace.dtype)
        if output.ndim == 0 or output.shape[0] != x.shape[0]:
            raise ShapeError(
                "the imported network",
                needed=f"an output for each of {x.shape[0]} rows",
                got=f"shape {output.shape}",
                try_="exporting it with a batch of any size (dynamic axes), rows first",
            )
        trace.mask = None
        return output

    def _run(self, part: Part, going: _Pass, trace: Trace) -> None:
        layers: Mapping[str, Module] = vars(self)["_layers"]
        if part.layer:
            first = next(
                (
                    going.values[name]
                    for node in part.nodes
                    for name in node.names_used()
                    if name not in self.program.numbers
                    and name in going.values
                    and going.values[name] not in going.around.fixed
                ),
                None,
            )
            if first is None:
                raise FileFormatError("an imported network", needed="layers that take something")
            layers[part.layer](first)
            return
        self.supply(part, going)
        _rules().run_nodes(part.nodes, going.values, going.around, ())

    def describe(self) -> str:
        """Return what it is, in few words."""
        return f"ImportedGraph, {self._size}"

    @property
    def _size(self) -> str:
        count = sum(len(part.nodes) for part in self.program.parts)
        return f"{count} nodes of ONNX {self.program.versions.get(OWN_DOMAIN, '')}".strip()

    def configuration(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, "graph": self.graph}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._size})"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(_example()), (3,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls("{}"), (3,)
        yield lambda: cls(3), (3,)  # type: ignore[arg-type]
        yield lambda: cls(_example()), (4,)


def _tell_positions(trace: Trace, going: _Pass, x: Value) -> None:
    """Tell the pass which entries of rows are looked up by position.

    Raises NotYetError for longer rows of positions than are kept count of.
    """
    if going.around.positions and x.size > MOST_POSITIONS * max(x.shape[0], 1):
        raise NotYetError(
            "rows of positions", needed=f"at most {MOST_POSITIONS:,} in a row", got=f"{x.shape[1:]}"
        )
    for value, count in going.around.positions.items():
        while value.op is not None and value.op.name == "cast":
            (value,) = value.inputs
        trace.takes_positions(value, count)


def _example() -> str:
    """Return a small network of two layers: three numbers in, two out."""
    nodes: Sequence[tuple[str, Node]] = (
        ("hidden", Node("Gemm", ("x", "w", "b"), ("a",), {"alpha": 0.5})),
        ("tanh1", Node("Tanh", ("a",), ("h",))),
        ("output", Node("MatMul", ("h", "v"), ("y",))),
    )
    numbers = {
        "w": Numbers("hidden", "weight", (3, 4), 0.0, 0.5),
        "b": Numbers("hidden", "bias", (4,), 0.1, 0.1),
        "v": Numbers("output", "weight", (4, 2), 0.0, 0.5),
    }
    return ImportedProgram(
        {OWN_DOMAIN: 17},
        (("x", "float32", (3,)),),
        "y",
        tuple(Part(layer, (node,)) for layer, node in nodes),
        {},
        numbers,
    ).to_json()
