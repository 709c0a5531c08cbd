"""What is kept of a network that another tool made: its nodes and numbers, as text and back.

A program in ONNX's terms with its parts, some of them layers with names; read with suspicion, since
a model file is a stranger's. Knows nodes, no Values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from misstep.errors import FileFormatError, MisstepError
from misstep.ir import Array
from misstep.onnx_operators.node import Node
from misstep.onnx_operators.stored import (
    array_from_json,
    array_to_json,
    names_from_json,
    node_to_json,
    nodes_from_json,
    shape_from_json,
)

# What operators mean: loaded with the first imported network, which most programs never have.
RULES = "misstep.onnx_operators.importing"


@dataclass(frozen=True)
class Numbers:
    """A tensor of the file that is a parameter or a buffer: what it is called here, and its shape.

    `layer`: the path of the layer that owns it, "" for the whole network; `leaf`: its name there.
    `mean`, `deviation`: of the numbers that came with it; new ones are drawn like that where the
    numbers themselves are not at hand. `statistic`: a buffer, which no gradient moves.
    """

    layer: str
    leaf: str
    shape: tuple[int, ...]
    mean: float = 0.0
    deviation: float = 0.0
    statistic: bool = False

    @property
    def name(self) -> str:
        """Return the name in the network: dense1.weight."""
        return f"{self.layer}.{self.leaf}" if self.layer else self.leaf


@dataclass(frozen=True)
class Part:
    """Nodes that run together: a layer with a name, or what stands between layers (no name)."""

    layer: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class ImportedProgram:
    """A program as it is kept: what a row is, what runs, numbers by name of tensor.

    `inputs`: name, dtype and shape of each without the batch; a row holds them one behind the
    other, or, where there is one, in its own shape. `output`: the tensor that is the result.
    """

    versions: Mapping[str, int]
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    output: str
    parts: tuple[Part, ...]
    constants: Mapping[str, Array]
    numbers: Mapping[str, Numbers]

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Return the shape of a row."""
        if len(self.inputs) == 1:
            return self.inputs[0][2]
        return (sum(math.prod(shape) for _, _, shape in self.inputs),)

    def to_json(self) -> str:
        """Return the program as one line of JSON."""
        return json.dumps(
            {
                "versions": dict(self.versions),
                "inputs": [
                    {"name": name, "dtype": dtype, "shape": list(shape)}
                    for name, dtype, shape in self.inputs
                ],
                "output": self.output,
                "parts": [
                    {"layer": part.layer, "nodes": [node_to_json(node) for node in part.nodes]}
                    for part in self.parts
                ],
                "constants": {name: array_to_json(one) for name, one in self.constants.items()},
                "numbers": {
                    name: {
                        "layer": one.layer,
                        "leaf": one.leaf,
                        "shape": list(one.shape),
                        "mean": one.mean,
                        "deviation": one.deviation,
                        "statistic": one.statistic,
                    }
                    for name, one in self.numbers.items()
                },
            },
            allow_nan=False,
            separators=(",", ":"),
        )


def program_from_json(text: str) -> ImportedProgram:
    """Return the program that `to_json` wrote. Raises FileFormatError or NotYetError."""
    what = "an imported network"
    try:
        plain = json.loads(text)
        expected = {"versions", "inputs", "output", "parts", "constants", "numbers"}
        if set(plain) != expected or not isinstance(plain["output"], str):
            raise FileFormatError(what, needed=f"an object of {', '.join(sorted(expected))}")
        versions = dict(plain["versions"])
        if not all(type(version) is int for version in versions.values()):
            raise FileFormatError(what, needed="versions that are whole numbers")
        import_module(RULES).check_versions(versions)
        inputs = tuple(
            (str(one["name"]), str(one["dtype"]), shape_from_json(one["shape"]))
            for one in plain["inputs"]
        )
        return ImportedProgram(
            versions,
            inputs,
            plain["output"],
            tuple(_part(one) for one in plain["parts"]),
            {name: array_from_json(one) for name, one in plain["constants"].items()},
            {name: _numbers(one) for name, one in plain["numbers"].items()},
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, MisstepError):
            raise
        raise FileFormatError(what, needed="what misstep wrote", got=str(error)[:200]) from error


def _part(plain: Any) -> Part:
    part = Part(names_from_json([plain["layer"]])[0], nodes_from_json(plain["nodes"]))
    if part.layer and not (part.nodes and part.nodes[-1].first_output):
        raise FileFormatError("a layer of an imported network", needed="nodes that make something")
    return part


def _numbers(plain: Any) -> Numbers:
    mean, deviation = plain["mean"], plain["deviation"]
    fits = all(type(one) in (int, float) and abs(one) < 1e300 for one in (mean, deviation))
    if not fits or type(plain["statistic"]) is not bool:
        raise FileFormatError("numbers of an imported network", needed="a mean and a deviation")
    layer, leaf = names_from_json([plain["layer"], plain["leaf"]])
    shape = shape_from_json(plain["shape"])
    return Numbers(layer, leaf, shape, float(mean), float(deviation), plain["statistic"])
