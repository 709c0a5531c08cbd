"""An ONNX file, read with suspicion: protobuf becomes plain nodes and arrays, or an error.

Nothing is run, no other file is opened, and what a tensor says of its size is compared with what it
brings before memory is taken. What the operators mean is found out later (`onnx_operators`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from misstep.errors import FileFormatError, MisstepError, NotYetError, StorageError
from misstep.interchange.onnx_package import onnx_module
from misstep.ir import Array
from misstep.ir.value import MOST_AXES
from misstep.onnx_operators.importing import check_versions
from misstep.onnx_operators.node import ELEMENT_NAMES, OWN_DOMAIN, Node, Subgraph

# The format has no larger files: a protobuf message ends at 2 GiB.
LARGEST_FILE = 2**31
# More nodes than any network people exchange in one file has; a pass goes through all of them.
MOST_NODES = 100_000
DEEPEST = 8  # graphs in nodes of graphs

# NumPy's dtype of each kind of entry that can be read, by ONNX's number (TensorProto.DataType).
_ENTRIES = {
    1: "float32",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    12: "uint32",
    16: "bfloat16",
}
# In which field a kind of entry stands where it does not stand in raw_data.
_FIELDS = {
    **dict.fromkeys((1,), "float_data"),
    **dict.fromkeys((2, 3, 4, 5, 6, 9, 10, 16), "int32_data"),
    **dict.fromkeys((7,), "int64_data"),
    **dict.fromkeys((11,), "double_data"),
    **dict.fromkeys((12,), "uint64_data"),
}


@dataclass(frozen=True)
class Port:
    """What goes into or comes out of a program: name, kind of entry, and the lengths of its axes.

    A length is None, or a text, where the file leaves it open; shape is None where it says nothing.
    """

    name: str
    element: int
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class OnnxProgram:
    """All that an ONNX file says: what goes in and out, nodes, numbers by name, versions, notes."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[Node, ...]
    arrays: Mapping[str, Array]
    versions: Mapping[str, int]
    metadata: Mapping[str, str]
    name: str = ""


def read_onnx(path: Path | str) -> OnnxProgram:
    """Return what the file at `path` says. Raises StorageError or FileFormatError."""
    place = Path(path)
    try:
        if place.exists() and not place.is_file():
            raise StorageError(f"reading {path}", needed="a file", got="something else")
        size = place.stat().st_size
        if size >= LARGEST_FILE:
            raise FileFormatError(
                f"{path}", needed="less than 2 GiB, as the format has it", got=f"{size:,} bytes"
            )
        # The bytes go when they are parsed: a large file would be in memory twice.
        model = _parsed(place.read_bytes(), str(path))
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"reading {path}", got=error.strerror or str(error)) from error
    return _understood(model, str(path))


def program_of_bytes(content: bytes, what: str) -> OnnxProgram:
    """Return what the bytes of an ONNX file say; `what`: how messages call it."""
    return _understood(_parsed(content, what), what)


def _parsed(content: bytes, what: str) -> Any:
    onnx = onnx_module()
    errors = onnx_module("google.protobuf.message")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except (errors.DecodeError, ValueError, RecursionError) as error:
        raise FileFormatError(what, needed="an ONNX file", got=str(error)) from error
    if not model.HasField("graph") or not model.opset_import:
        raise FileFormatError(what, needed="an ONNX file", got="no graph or no versions in it")
    return model


def _understood(model: Any, what: str) -> OnnxProgram:
    try:
        return program_of(model)
    except MisstepError as error:
        if what not in str(error):
            error.add_note(f"in {what}")
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise FileFormatError(what, needed="an ONNX file", got=str(error)[:200]) from error


def program_of(model: Any) -> OnnxProgram:
    """Return what a ModelProto says. Raises FileFormatError or NotYetError."""
    if len(model.functions):
        raise NotYetError(
            "the functions of the file's own",
            needed="operators of ONNX alone",
            got=", ".join(_text(function.name) for function in list(model.functions)[:3]),
            try_="onnx.inliner.inline_local_functions, then saving it",
        )
    versions = {_text(one.domain) or OWN_DOMAIN: int(one.version) for one in model.opset_import}
    check_versions(versions)
    graph = model.graph
    counter = [0]
    arrays = _arrays(graph)
    inputs = tuple(_port(one) for one in graph.input if _text(one.name) not in arrays)
    return OnnxProgram(
        inputs,
        tuple(_port(one) for one in graph.output),
        tuple(_node(one, 0, counter) for one in graph.node),
        arrays,
        versions,
        {_text(one.key): _text(one.value) for one in model.metadata_props},
        _text(graph.name),
    )


def _arrays(graph: Any) -> dict[str, Array]:
    if len(graph.sparse_initializer):
        raise NotYetError("sparse numbers of the file", needed="dense ones", got="sparse ones")
    arrays: dict[str, Array] = {}
    for tensor in graph.initializer:
        name = _text(tensor.name)
        if name in arrays:
            raise FileFormatError(f"the tensor {name!r}", needed="one of that name")
        arrays[name] = array_of(tensor)
    return arrays


def _port(info: Any) -> Port:
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        return Port(_text(info.name), 0, None)
    tensor = info.type.tensor_type
    if not tensor.HasField("shape"):
        return Port(_text(info.name), tensor.elem_type, None)
    lengths: list[int | str | None] = []
    for length in tensor.shape.dim:
        which = length.WhichOneof("value")
        lengths.append(
            int(length.dim_value)
            if which == "dim_value"
            else _text(length.dim_param)
            if which == "dim_param"
            else None
        )
    return Port(_text(info.name), tensor.elem_type, tuple(lengths))


def _node(proto: Any, depth: int, counter: list[int]) -> Node:
    counter[0] += 1
    if counter[0] > MOST_NODES:
        raise FileFormatError("the graph", needed=f"at most {MOST_NODES:,} nodes")
    if depth > DEEPEST:
        raise FileFormatError("the graph", needed=f"graphs at most {DEEPEST} deep in nodes")
    domain = _text(proto.domain)
    domain = "" if domain == OWN_DOMAIN else domain
    node = Node(
        _text(proto.op_type),
        tuple(map(_text, proto.input)),
        tuple(map(_text, proto.output)),
        {},
        domain,
        _text(proto.name),
    )
    attributes = {}
    for attribute in proto.attribute:
        name = _text(attribute.name)
        if name in attributes:
            raise FileFormatError(node.describe(), needed=f"one attribute {name}")
        attributes[name] = _attribute(attribute, node, depth, counter)
    return Node(node.operator, node.inputs, node.outputs, attributes, node.domain, node.name)


def _attribute(attribute: Any, node: Node, depth: int, counter: list[int]) -> Any:
    # The numbers are those of AttributeProto.AttributeType.
    kind = attribute.type
    if kind == 1:
        return float(attribute.f)
    if kind == 2:
        return int(attribute.i)
    if kind == 3:
        return _text(attribute.s)
    if kind == 4:
        return array_of(attribute.t)
    if kind == 5:
        graph = attribute.g
        return Subgraph(
            tuple(_text(one.name) for one in graph.input),
            tuple(_text(one.name) for one in graph.output),
            tuple(_node(one, depth + 1, counter) for one in graph.node),
            _arrays(graph),
        )
    if kind == 6:
        return tuple(map(float, attribute.floats))
    if kind == 7:
        return tuple(map(int, attribute.ints))
    if kind == 8:
        return tuple(map(_text, attribute.strings))
    raise NotYetError(
        f"{attribute.name} of {node.describe()}",
        needed="numbers, texts, a tensor or a graph",
        got=f"an attribute of type {kind}",
    )


def _text(content: bytes | str) -> str:
    """Return a text; protobuf hands on what is no UTF-8 as bytes, in its fields for texts too."""
    return content if isinstance(content, str) else content.decode("utf-8", errors="replace")


def array_of(tensor: Any) -> Array:
    """Return the numbers of a TensorProto.

    Raises NotYetError for numbers in another file and for kinds of entry that are not known,
    FileFormatError where the size that is said is not that of what is there.
    """
    what = f"the tensor {_text(tensor.name)!r}" if tensor.name else "a tensor"
    if tensor.data_location == 1 or len(tensor.external_data):
        raise NotYetError(
            what,
            needed="numbers in the ONNX file itself",
            got="external data: numbers in another file",
            try_="onnx.save(onnx.load(path), other_path), which puts all into one file",
        )
    if tensor.HasField("segment"):
        raise NotYetError(what, needed="a tensor in one piece", got="a segment")
    shape = tuple(int(length) for length in tensor.dims)
    kind = _ENTRIES.get(tensor.data_type)
    if kind is None:
        raise NotYetError(
            what,
            needed=f"entries of kind {', '.join(ELEMENT_NAMES[number] for number in _ENTRIES)}",
            got=ELEMENT_NAMES.get(tensor.data_type, str(tensor.data_type)),
        )
    if len(shape) > MOST_AXES or any(length < 0 for length in shape):
        raise FileFormatError(what, needed=f"at most {MOST_AXES} axes of 0 or more", got=str(shape))
    size = math.prod(shape)
    halves = kind == "bfloat16"  # the upper half of a float32
    dtype = np.dtype("uint16" if halves else kind).newbyteorder("<")
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != size * dtype.itemsize:
            raise FileFormatError(
                what,
                needed=f"{size * dtype.itemsize:,} bytes for {shape}",
                got=f"{len(tensor.raw_data):,}",
            )
        array = np.frombuffer(tensor.raw_data, dtype)
        if kind == "bool":
            array = np.frombuffer(tensor.raw_data, "uint8") != 0
    else:
        field = getattr(tensor, _FIELDS[tensor.data_type])
        if len(field) != size:
            raise FileFormatError(
                what, needed=f"{size:,} numbers for {shape}", got=f"{len(field):,}"
            )
        if kind == "float16":
            array = np.array(field, "uint16").view("float16")
        elif kind == "bool":
            array = np.array(field, "int32") != 0
        else:
            array = np.array(field, dtype)
    if halves:
        array = (array.astype("uint32") << 16).view("float32")
        kind = "float32"
    return array.reshape(shape).astype(kind, copy=False)
