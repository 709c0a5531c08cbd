"""What inputs and outputs are to a program of many steps: states, data, logs, a guard.

Names only. Whether a graph can have them is looked at in `runtime/role_checks.py`; where the arrays
lie, `arguments.py` says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from misstep.compiler.passes import DECIDED_BY_SIZE, Pass

__all__ = ["Roles"]


# The types of numbers that rows may lie in memory as, beside those they become.
STORED = ("uint8", "uint16", "float32")


@dataclass(frozen=True)
class Roles:
    """What inputs and outputs are to a program of many steps, by name.

    `states`: outputs that take the place of inputs, step after step. `stepped`: inputs of which
    each step has its own, one after the other in memory. `gathered`: inputs whose rows are gathered
    from a larger array by row numbers. `logged`: outputs of which each step leaves its own.
    `guard`: an output, one number: a step where it is not finite ends the run before any state
    changes. `stored`: gathered inputs that lie in memory as numbers of a type, one of STORED, and
    become floats of a scale as they are gathered: (number - low) / span, kept between two numbers.
    A run is given these four, float32, as an input of the name that `scale_of` gives.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    stepped: Collection[str] = ()
    gathered: Collection[str] = ()
    logged: Collection[str] = ()
    guard: str | None = None
    stored: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def scale_of(name: str) -> str:
        """Return the name under which a run is given the scale of a stored input: (4,) float32."""
        return f"{name} scale"

    @property
    def row_wise(self) -> bool:
        """Tell whether the bits of a row must not depend on how many rows come with it.

        So it is where rows are given step by step and nothing is learned from them. What decides by
        the size of a whole array then must not be done.
        """
        return bool(self.stepped) and not self.states

    @property
    def passes_left_out(self) -> tuple[Pass, ...]:
        """Return the simplifications that must not be made."""
        return DECIDED_BY_SIZE if self.row_wise else ()
