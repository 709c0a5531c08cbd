"""From a graph to what runs: machine code, or a Python file for people.

Knows `ir` and `ops`, no network. Read in this order: `program.py` (what people call), `lower.py`
(how the parts fit together), `simplify/`, `fuse.py`, `partition.py`, `plan_memory.py`, `kernels/`,
`elements.py`, `code.py`, `native.py`.
"""

from misstep.compiler.emit_python import emit_python
from misstep.compiler.lower import Roles
from misstep.compiler.program import NativeProgram, Prepared

__all__ = ["NativeProgram", "Prepared", "Roles", "emit_python"]
