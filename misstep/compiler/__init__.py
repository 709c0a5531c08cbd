"""From a graph to what runs: machine code, or a Python file for people.

Knows `ir` and `ops`, no network. Read in this order: `program.py` (what people call), `lower.py`
(how the parts fit together), `simplify/`, `fuse.py`, `partition.py`, `plan_memory.py`, `kernels/`,
`elements.py`, `code.py`, `native.py`. How a program is looked at: `inspecting.py`, `profiling.py`.
"""

from misstep.compiler.emit_python import emit_python
from misstep.compiler.inspecting import SECTIONS, graph_section, overview, profile_text, summary
from misstep.compiler.lower import Roles
from misstep.compiler.profiling import Profile
from misstep.compiler.program import NativeProgram, Prepared

__all__ = [
    "SECTIONS",
    "NativeProgram",
    "Prepared",
    "Profile",
    "Roles",
    "emit_python",
    "graph_section",
    "overview",
    "profile_text",
    "summary",
]
