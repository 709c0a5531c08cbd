"""Numbers that a file holds once for several layers, given to each of them.

PyTorch's exporter writes numbers that are the same down once, with an Identity for each further
layer: of a network before its training, all scales of one length are 1. They are parameters of
their own there, and here. What is one parameter in two places is used by one name in both.
"""

from __future__ import annotations

from dataclasses import replace

from misstep.interchange.onnx_reading import OnnxProgram
from misstep.onnx_operators.node import OWN_DOMAIN

# Of all numbers of a file, so many times can be given away: a stranger's file of one large array
# and thousands of nodes must not take more memory than a few such files.
MOST_COPIES = 1.0


def with_own_numbers(program: OnnxProgram, wanted: str) -> OnnxProgram:
    """Return the program with numbers in place of the nodes that only hand them on.

    `wanted`: the tensor that is the result, which a node must give.
    """
    arrays, nodes = dict(program.arrays), []
    room = MOST_COPIES * sum(array.size for array in program.arrays.values())
    for node in program.nodes:
        source = node.inputs[0] if len(node.inputs) == 1 else ""
        handed = (
            node.operator == "Identity"
            and node.domain in ("", OWN_DOMAIN)
            and len(node.outputs) == 1
            and node.outputs[0] != wanted
            and source in program.arrays
            and program.arrays[source].dtype.kind == "f"
            and node.outputs[0] not in arrays
        )
        if handed and program.arrays[source].size <= room:
            room -= program.arrays[source].size
            arrays[node.outputs[0]] = program.arrays[source]
        else:
            nodes.append(node)
    return replace(program, arrays=arrays, nodes=tuple(nodes))
