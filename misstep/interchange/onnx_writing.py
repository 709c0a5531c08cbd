"""An ONNX file written: plain nodes and arrays become protobuf, which the package `onnx` checks.

Knows nothing of what nodes mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from misstep import __version__
from misstep.errors import MisstepError
from misstep.interchange.onnx_package import onnx_module
from misstep.interchange.onnx_reading import LARGEST_FILE, Port
from misstep.ir import Array
from misstep.onnx_operators.node import OWN_DOMAIN, Node, Subgraph
from misstep.storage import write_bytes

# What the format of the file is called; the first that knows version 18 of the operators.
FORMAT = 8


@dataclass
class Written:
    """What a file shall hold: what goes in and comes out, nodes, arrays, notes for people."""

    inputs: Sequence[Port]
    outputs: Sequence[Port]
    nodes: Sequence[Node]
    arrays: Mapping[str, Array]
    versions: Mapping[str, int]
    metadata: Mapping[str, str] = field(default_factory=dict)
    name: str = "network"
    words: str = ""


def write_onnx(written: Written, path: Path | str) -> None:
    """Write the file, whole or not at all. Raises StorageError or MisstepError."""
    write_bytes(path, proto_of(written).SerializeToString())


def proto_of(written: Written, check: bool = True) -> Any:
    """Return a ModelProto, checked in full (types and shapes of all that is inside).

    Raises MisstepError where it is too large for the format, or the check finds something.
    """
    onnx = onnx_module()
    size = sum(array.nbytes for array in written.arrays.values())
    if size >= LARGEST_FILE:
        raise MisstepError(
            "writing an ONNX file", needed="less than 2 GiB of numbers", got=f"{size:,} bytes"
        )
    graph = _graph(onnx, written.nodes, written.arrays, written.name)
    graph.input.extend(_port(onnx, port) for port in written.inputs)
    graph.output.extend(_port(onnx, port) for port in written.outputs)
    used = {OWN_DOMAIN if not node.domain else node.domain for node in written.nodes}
    versions = [
        onnx.helper.make_opsetid("" if domain == OWN_DOMAIN else domain, version)
        for domain, version in written.versions.items()
        if domain in used or domain == OWN_DOMAIN
    ]
    model = onnx.helper.make_model(
        graph,
        opset_imports=versions,
        producer_name="misstep",
        producer_version=__version__,
        doc_string=written.words,
    )
    model.ir_version = FORMAT
    onnx.helper.set_model_props(model, dict(written.metadata))
    if check:
        checker, inference = onnx_module("onnx.checker"), onnx_module("onnx.shape_inference")
        try:
            checker.check_model(model, full_check=True)
        except (checker.ValidationError, inference.InferenceError) as error:
            raise MisstepError(
                "writing an ONNX file", needed="one that passes the check", got=str(error)[:300]
            ) from error
    return model


def _graph(onnx: Any, nodes: Sequence[Node], arrays: Mapping[str, Array], name: str) -> Any:
    return onnx.helper.make_graph(
        [_node(onnx, node) for node in nodes],
        name,
        [],
        [],
        [onnx.numpy_helper.from_array(_little(array), key) for key, array in arrays.items()],
    )


def _little(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(array.shape)


def _port(onnx: Any, port: Port) -> Any:
    return onnx.helper.make_tensor_value_info(port.name, port.element, port.shape)


def _node(onnx: Any, node: Node) -> Any:
    proto = onnx.helper.make_node(
        node.operator, node.inputs, node.outputs, name=node.name, domain=node.domain
    )
    for name, attribute in node.attributes.items():
        given = attribute
        if isinstance(attribute, Subgraph):
            given = _graph(onnx, attribute.nodes, attribute.arrays, f"{node.name}_{name}")
            # Of what kind they are follows from the node around.
            given.input.extend(onnx.ValueInfoProto(name=one) for one in attribute.inputs)
            given.output.extend(onnx.ValueInfoProto(name=one) for one in attribute.outputs)
        elif isinstance(attribute, np.ndarray):
            given = onnx.numpy_helper.from_array(_little(attribute))
        proto.attribute.append(onnx.helper.make_attribute(name, given))
    return proto


__all__ = ["Written", "proto_of", "write_onnx"]
