"""What each op is in operators of ONNX: a rule for each, in files by family.

Importing this folder registers all of them. Knows ops and Values, no file.
"""

from misstep.onnx_operators.exporting import elementwise, moves, sums
from misstep.onnx_operators.exporting.maker import (
    VERSION,
    Maker,
    Twin,
    exported_ops,
    ops_without_words,
)

# The files of rules: importing them is what registers the rules.
FAMILIES = (elementwise, moves, sums)

__all__ = ["FAMILIES", "VERSION", "Maker", "Twin", "exported_ops", "ops_without_words"]
