"""The loops of kernels, as code: one file for each class.

Start at `emission.py`, what all of them share; then `entries.py` (entry by entry), `reduction.py`,
`contraction.py` (matrix products) with `tiles.py`, `packing.py` and `finishing.py`,
`convolution.py` and `window_products.py` with `windows.py`, `gathering.py` (rows by index),
`scattering.py` (updates by index) and `scan.py` (a body of kernels, step after step).
"""

from collections.abc import Callable
from functools import partial

from misstep.compiler.codegen.kernels.contraction import write_contraction
from misstep.compiler.codegen.kernels.convolution import write_convolution
from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.entries import write_entries
from misstep.compiler.codegen.kernels.gathering import STORED_TYPES, write_gather
from misstep.compiler.codegen.kernels.reduction import write_reduction
from misstep.compiler.codegen.kernels.scan import write_scan
from misstep.compiler.codegen.kernels.scattering import write_scatter
from misstep.compiler.codegen.kernels.window_products import write_window_products
from misstep.compiler.schedule.kernel import Kernel

# What writes the loops of each class of kernels (schedule/kernel_classes.py).
WRITERS: dict[str, Callable[[Emission, Kernel], None]] = {
    "contraction": write_contraction,
    "convolution": write_convolution,
    "window products": write_window_products,
    "reduction": write_reduction,
    "scatter": write_scatter,
}
# The kernels of a scan's body are of these classes themselves.
WRITERS["scan"] = partial(write_scan, writers=WRITERS)

__all__ = ["STORED_TYPES", "WRITERS", "Emission", "write_entries", "write_gather"]
