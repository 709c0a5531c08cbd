"""What kernels and values are called for people, in profiles and reports.

A value without a name of its own goes by the name that the graph's text gives it, so that both can
be read side by side. Knows graphs and kernels, not what is said about them.
"""

from __future__ import annotations

from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.ir import Location, Value
from misstep.ops.shape import Transpose

__all__ = ["Labels"]


class Labels:
    """The names of one program's values and kernels, each worked out once."""

    def __init__(self, fused: FusedGraph) -> None:
        self.fused = fused
        self._names = fused.graph.names()

    def value(self, value: Value) -> str:
        """Return the name of a value; what only shows another one's memory goes by that one's."""
        turned = ""
        while value.name is None and value.op is not None and value.op.moves:
            if isinstance(value.op, Transpose):
                turned = "" if turned else "ᵀ"
            value = value.inputs[0]
        return (value.name or self._names.get(value, "constant")) + turned

    def computation(self, kernel: Kernel) -> str:
        """Return how a kernel's entries come about: what is gathered, multiplied, summed …."""
        anchor = kernel.anchor
        if kernel.gathered is not None:
            return f"fetch {self.value(kernel.gathered)}"
        if anchor is None:
            return " and ".join(dict.fromkeys(self.value(value) for value, _ in kernel.results[:2]))
        assert anchor.op is not None
        operands = [self.value(operand) for operand in anchor.inputs]
        if anchor.op.kernel == "contraction":
            return " · ".join(operands)
        return f"{anchor.op.name} of {', '.join(operands)}"

    def kernel(self, kernel: Kernel) -> str:
        """Return a short name: its anchor op, and what becomes of it.

        An anchor with a name of its own, as gradients have it, goes by that.
        """
        anchor = kernel.anchor
        head = anchor.name if anchor is not None and anchor.name else self.computation(kernel)
        stored = self.stored(kernel)
        if kernel.gathered is not None or not stored or stored == [head]:
            return head
        return f"{head} → {', '.join(stored)}"

    def stored(self, kernel: Kernel) -> list[str]:
        """Return what a kernel leaves in memory: names of values, or of the caller's arrays."""
        if kernel.scalar and kernel.anchor is not None:
            return [self.value(kernel.anchor)]
        names = dict.fromkeys(
            view.buffer.name if view.buffer.external else self.value(value)
            for value, view in kernel.results
        )
        # Short ones first, so that more of them can be read where there is little room.
        return sorted(names, key=len)

    def location(self, kernel: Kernel) -> Location | None:
        """Return the line of the user's code that a kernel comes from, if there is one."""
        values = [kernel.anchor, *(value for value, _ in kernel.results)]
        locations = (value.location for value in values if value is not None)
        return next(
            (location for location in locations if location is not None and location.known), None
        )
