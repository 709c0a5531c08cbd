"""`Program`: a graph ready to run, compiled where that is possible, else by the interpreter.

Both compute the same; the interpreter is the definition. Knows graphs, not what they are for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from misstep.compiler import NativeProgram, Roles
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Interpreter


class Program:
    """A graph ready to run: by the interpreter, or compiled for many steps at a time.

    `roles`: what inputs and outputs are to many steps. `compiling`: False keeps to the interpreter.
    `fallback_reason`: why the interpreter runs it, once compiling was tried in vain; else empty.
    """

    def __init__(self, graph: Graph, roles: Roles, compiling: bool = True) -> None:
        self.graph = graph
        self.roles = roles
        self.fallback_reason = "" if compiling else "the interpreter was asked for"
        self._native: dict[int | None, NativeProgram] = {}

    @cached_property
    def interpreter(self) -> Interpreter:
        """Return what runs the graph one assignment after the other."""
        return Interpreter(self.graph)

    def run(self, feeds: dict[str, object]) -> dict[str, Array]:
        """Return the outputs by name for inputs by name, by the interpreter."""
        return self.interpreter.run(feeds)

    def compiled(self, threads: int | None = None) -> NativeProgram | None:
        """Return the graph as machine code, or None where it can't be compiled.

        It is compiled once; `threads`: at most so many run it, None: as many as are of use.
        """
        if self.fallback_reason:
            return None
        if threads not in self._native:
            try:
                compiled = next(iter(self._native.values()), None)
                self._native[threads] = (
                    NativeProgram(self.graph, self.roles, threads=threads)
                    if compiled is None
                    else compiled.on_threads(threads)
                )
            except NotYetError as error:
                self.fallback_reason = str(error)
                return None
        return self._native[threads]

    @property
    def cpu(self) -> str:
        """Return the processor that it was compiled for; empty while it was not."""
        return next((native.target.cpu for native in self._native.values()), "")


def backend_of(programs: Iterable[Program]) -> str:
    """Return in words what runs `programs`: the slowest of them counts.

    "compiled for" and the processor, "interpreter, because" and the reason, or "nothing yet".
    """
    cpu = ""
    for program in programs:
        if program.fallback_reason:
            return f"interpreter, because {program.fallback_reason}"
        cpu = cpu or program.cpu
    return f"compiled for {cpu}" if cpu else "nothing yet"
