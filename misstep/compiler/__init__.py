"""From a graph to something that runs without the library. Knows `ir` and `ops`, no network."""

from misstep.compiler.emit_python import emit_python

__all__ = ["emit_python"]
