"""Networks of strangers as ONNX files: broken bytes, and whole protobuf with broken contents."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import misstep as ms
from misstep.errors import ArgumentError, MisstepError
from tests.fuzz.mutations import BYTES, NUMBERS, OTHERS
from tests.fuzz.targets.target import Target

# What is predicted with: networks whose rows become no more numbers than this, so that a try takes
# milliseconds.
MOST_NUMBERS = 100_000
MOST_PRODUCTS = 10**7
OPERATORS = ("Relu", "Reshape", "Gather", "Conv", "Expand", "Tile", "Pad", "Scan", "LSTM", "Range")
SIZES = [*(one for one in NUMBERS if isinstance(one, int) and abs(one) < 2**63), -(2**63)]


def change_model(content: bytes, random: Random) -> bytes:
    """Change what a model says: sizes, attributes, operators, names, numbers, versions."""
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        return content
    for _ in range(random.choice((1, 1, 2, 4))):
        change = random.choice((_node, _node, _tensor, _tensor, _port, _graph))
        change(model, random)
    return bytes(model.SerializeToString())


def _node(model: Any, random: Random) -> None:
    if not model.graph.node:
        return
    node = random.choice(list(model.graph.node))
    way = random.randrange(6)
    if way == 0:
        node.op_type = random.choice(OPERATORS)
    elif way == 1 and node.attribute:
        attribute = random.choice(list(node.attribute))
        attribute.i = random.choice(SIZES)
        attribute.f = float(random.choice((0.0, -1.0, 1e30, float("nan"), float("inf"))))
        for place in range(len(attribute.ints)):
            if random.random() < 0.5:
                attribute.ints[place] = random.choice(SIZES)
        if attribute.name == "body" and attribute.g.node:
            attribute.g.node[0].op_type = random.choice(OPERATORS)
    elif way == 2 and node.input:
        names = [name for each in model.graph.node for name in (*each.input, *each.output)]
        node.input[random.randrange(len(node.input))] = random.choice([*names, "", "absent"])
    elif way == 3 and node.output:
        node.output[0] = random.choice([one.output[0] for one in model.graph.node if one.output])
    elif way == 4:
        attribute = node.attribute.add()
        attribute.name = random.choice(("axis", "axes", "alpha", "pads", "group", "perm", "mode"))
        attribute.type = random.randrange(0, 15)
        attribute.i = random.choice(SIZES)
        attribute.ints.extend([random.choice(SIZES)])
    else:
        model.graph.node.remove(node)


def _tensor(model: Any, random: Random) -> None:
    if not model.graph.initializer:
        return
    tensor = random.choice(list(model.graph.initializer))
    way = random.randrange(6)
    if way == 0 and tensor.dims:
        tensor.dims[random.randrange(len(tensor.dims))] = random.choice(SIZES)
    elif way == 1:
        tensor.data_type = random.randrange(0, 28)
    elif way == 2 and tensor.raw_data:
        raw = bytearray(tensor.raw_data)
        raw[random.randrange(len(raw))] = random.randrange(256)
        tensor.raw_data = bytes(raw)
    elif way == 3:
        tensor.name = random.choice([one.name for one in model.graph.initializer])
    elif way == 4:
        tensor.data_location = 1
        place = random.choice(("../../etc/passwd", "/dev/zero", "weights.bin"))
        tensor.external_data.add(key="location", value=place)
    elif tensor.data_type == 7 and tensor.raw_data:
        count = len(tensor.raw_data) // 8
        tensor.raw_data = np.array(
            [random.choice([*SIZES, 0, 1, 2, 3]) for _ in range(count)], "int64"
        ).tobytes()


def _port(model: Any, random: Random) -> None:
    ports = [*model.graph.input, *model.graph.output]
    if not ports:
        return
    port = random.choice(ports)
    kind = port.type.tensor_type
    way = random.randrange(3)
    if way == 0 and kind.shape.dim:
        random.choice(list(kind.shape.dim)).dim_value = random.choice(SIZES)
    elif way == 1:
        kind.elem_type = random.randrange(0, 28)
    else:
        port.name = str(random.choice(OTHERS))[:40].encode("utf-8", "replace").decode()


def _graph(model: Any, random: Random) -> None:
    if random.random() < 0.5 and model.opset_import:
        model.opset_import[0].version = random.choice((0, 1, 6, 7, 13, 28, 29, 2**40))
    else:
        nodes = list(model.graph.node)
        random.shuffle(nodes)
        del model.graph.node[:]
        model.graph.node.extend(nodes)


class OnnxNetworks(Target):
    """Networks in ONNX files, read and, where they are small, asked about two rows."""

    name = "onnx"
    ending = ".onnx"
    mutations = (*BYTES, *(change_model,) * 12)

    def make(self) -> list[bytes]:
        if find_spec("onnx") is None:
            return [b"\x08\x08"]
        from misstep.interchange.onnx_export import network_written
        from misstep.interchange.onnx_writing import proto_of

        nn = ms.nn
        networks: list[tuple[Any, tuple[int, ...]]] = [
            (ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(2)), (3,)),
            (
                ms.Sequential(ms.Conv2D(2, 3), ms.BatchNorm(), ms.MaxPool2D(2), ms.Flatten()),
                (6, 6, 1),
            ),
            (ms.Sequential(ms.LSTM(3), ms.Dense(2)), (4, 2)),
            (ms.Sequential(ms.Embedding(9, 4), nn.TransformerBlock(2), ms.Flatten()), (3,)),
        ]
        return [
            proto_of(network_written(ms.Network(module, shape))).SerializeToString()
            for module, shape in networks
        ]

    def attempt(self, path: Path) -> None:
        try:
            network = ms.from_onnx(path)
        except ArgumentError:
            network = ms.from_onnx(path, input_shape=(3,))
        products = sum(network.operations.values())
        if network.numbers_of_a_row <= MOST_NUMBERS and products <= MOST_PRODUCTS:
            rows = network.with_positions(np.ones((2, *network.input_shape), network.dtype))
            with np.errstate(all="ignore"):
                network.inference(compiling=False).predict(rows)

    def is_open(self, content: bytes) -> bool:
        try:
            import onnx

            onnx.ModelProto().ParseFromString(content)
        except (ImportError, MisstepError, ValueError):
            return False
        except Exception as error:  # protobuf's own, by name alone where it is not there
            if type(error).__name__ == "DecodeError":
                return False
            raise
        return True
