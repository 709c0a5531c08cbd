"""What a program in ONNX's terms is, as plain data: nodes, the tensors they name, versions.

Knows neither the package `onnx` nor files; `interchange` reads and writes those. What each operator
means in ops of this library stands in `importing/`, the way back in `exporting/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from misstep.ir import Array

# ONNX's number for each kind of entry that there is an own dtype for (onnx.proto, TensorProto).
DTYPE_OF_ELEMENT = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 11: "float64", 12: "uint32"}
ELEMENT_OF_DTYPE = {dtype: element for element, dtype in DTYPE_OF_ELEMENT.items()}
ELEMENT_NAMES = {
    0: "undefined",
    1: "float",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "double",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
}

FLOAT16, BFLOAT16 = 10, 16
# Floating-point numbers of half precision.
HALVES = (FLOAT16, BFLOAT16)

# The domain of ONNX's own operators, which may also be left out.
OWN_DOMAIN = "ai.onnx"
CLASSIC_DOMAIN = "ai.onnx.ml"
TRAINING_DOMAIN = "ai.onnx.preview.training"


@dataclass(frozen=True)
class Subgraph:
    """A graph inside of a node, as the body of a Scan: what goes in, nodes, what comes out.

    `inputs`, `outputs`: names of tensors; `arrays`: numbers by name of tensor.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """One operator applied to tensors, which are called by names.

    `inputs`: "" stands for one that is left out, so does it in `outputs` for one nobody wants.
    `attributes`: whole numbers, numbers, texts, tuples of these, arrays or Subgraphs. `domain`: ""
    for ONNX's own.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""
    name: str = ""

    @property
    def first_output(self) -> str:
        """Return its first output that somebody wants, or an empty text."""
        return next((name for name in self.outputs if name), "")

    def names_used(self) -> tuple[str, ...]:
        """Return its inputs, then tensors from outside that graphs in it take by name."""
        names = [name for name in self.inputs if name]
        for attribute in self.attributes.values():
            if isinstance(attribute, Subgraph):
                own = {*attribute.inputs, *attribute.arrays}
                for node in attribute.nodes:
                    names += [name for name in node.names_used() if name not in own]
                    own.update(node.outputs)
                names += [name for name in attribute.outputs if name not in own]
        return tuple(names)

    def describe(self) -> str:
        """Return a phrase for messages: the node 'conv1' (Conv)."""
        named = self.name or next((output for output in self.outputs if output), "")
        kind = self.operator if not self.domain else f"{self.operator} of {self.domain}"
        return f"the node {named!r} ({kind})" if named else f"a node ({kind})"
