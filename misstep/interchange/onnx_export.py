"""A network written as an ONNX file: its pass in evaluation, parameters by their names.

The pass is traced for two numbers of rows, so that the file takes any. Knows networks and losses;
what comes before rows and after outputs is put around by `onnx_model.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from misstep.interchange.onnx_reading import Port
from misstep.interchange.onnx_writing import Written, write_onnx
from misstep.ir import Graph, Value
from misstep.nn import Network
from misstep.nn.losses import Loss
from misstep.onnx_operators.exporting import VERSION, Maker
from misstep.onnx_operators.node import ELEMENT_OF_DTYPE, OWN_DOMAIN, Node

# Numbers of rows that a network is traced for; what differs between them follows from it.
ROWS = (2, 3)
# How an open number of rows is called.
OPEN = "rows"


def export_network(
    network: Network,
    path: Path | str,
    *,
    loss: Loss | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a network to an ONNX file that takes rows (rows, *input_shape), any number of them.

    The input is called x, the output y: raw outputs, or with the `loss` that it learned by what
    that calls the prediction (probabilities of classes). Raises MisstepError without the package
    `onnx` (extra `onnx`) or for what ONNX has no words for, StorageError where it can't be written.
    """
    write_onnx(network_written(network, loss, metadata or {}), path)


def network_written(
    network: Network, loss: Loss | None = None, metadata: Mapping[str, str] | None = None
) -> Written:
    """Return what the file of a network holds."""
    maker = Maker(ROWS)
    y = put_network(maker, network, "x", loss)
    maker.nodes.append(_named(y, "y"))
    shape = output_shape(network, loss)
    element = ELEMENT_OF_DTYPE[network.dtype]
    return Written(
        [Port("x", element, (OPEN, *network.input_shape))],
        [Port("y", element, (OPEN, *shape))],
        maker.nodes,
        maker.arrays,
        {OWN_DOMAIN: VERSION},
        metadata or {},
    )


def put_network(maker: Maker, network: Network, x: str, loss: Loss | None) -> str:
    """Write a network's pass over the tensor `x`, (rows, *input_shape); return what comes out."""
    graphs, inputs = [], []
    arrays = network.arrays()
    for rows in ROWS:
        given, raw, trace = network.named_pass(rows)
        output = raw if loss is None else loss.predict(raw)
        named = {**trace.values, **_buffers(trace.current)}
        graphs.append(Graph({"y": output}, [given, *named.values()]))
        inputs.append((given, named))
    given, named = inputs[0]
    maker.taken.update(["x", "y", maker.count, *named])
    maker.names[given] = x
    for name, value in named.items():
        maker.names[value] = name
        maker.arrays[name] = arrays[name]
    count_rows(maker, x)
    maker.write(*graphs)
    return maker.names[graphs[0].outputs["y"]]


def count_rows(maker: Maker, x: str) -> None:
    """Write down how many rows there are, once."""
    if any(maker.count in node.outputs for node in maker.nodes):
        return
    maker.nodes.append(Node("Shape", (x,), (maker.count,), {"start": 0, "end": 1}, "", maker.count))


def _buffers(current: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in current.items() if value.is_input}


def output_shape(network: Network, loss: Loss | None) -> tuple[int, ...]:
    """Return the shape of what comes out for a row."""
    if loss is None:
        return network.output_shape
    _, raw, _ = network.named_pass(ROWS[0])
    return loss.predict(raw).shape[1:]


def _named(name: str, wish: str) -> Node:
    return Node("Identity", (name,), (wish,), {}, "", wish)
