"""From a graph to machine code that runs many steps in one call.

Four stages, a folder each: `passes/` (a graph with less to compute), `schedule/` (kernels, their
order, memory), `codegen/` (the text of one native function), `runtime/` (machine code, threads).
Below them lies `language/`, in which kernels are written: scheduling asks the code of an entry what
it reads. A stage imports only those before it: language, passes, schedule, codegen, runtime. What
people call is `runtime/program.py`. Knows `ir` and `ops`, no network.
"""

from misstep.compiler.runtime.program import NativeProgram, PreparedCall
from misstep.compiler.schedule.roles import Roles

__all__ = ["NativeProgram", "PreparedCall", "Roles"]
