"""What each operator of ONNX means here: a rule for each, in files by family.

Importing this folder registers all of them. Knows ops and Values, no file.
"""

from misstep.onnx_operators.importing import (
    activations,
    classic,
    elementwise,
    indexing,
    losses,
    matrices,
    normalizations,
    orders,
    pads,
    recurrences,
    reductions,
    resizing,
    roundings,
    scans,
    scattering,
    shapes,
    training,
    windows,
)
from misstep.onnx_operators.importing.call import Call, Surroundings
from misstep.onnx_operators.importing.elementwise import converted
from misstep.onnx_operators.importing.rules import (
    VERSIONS,
    check_versions,
    imported_operators,
    imports,
    run_nodes,
)

# The files of rules: importing them is what registers the rules.
FAMILIES = (
    *(activations, classic, elementwise, indexing, losses, matrices, normalizations, orders, pads),
    *(recurrences, reductions, resizing, roundings, scans, scattering, shapes, training, windows),
)

__all__ = [
    "FAMILIES",
    "VERSIONS",
    "Call",
    "Surroundings",
    "check_versions",
    "converted",
    "imported_operators",
    "imports",
    "run_nodes",
]
