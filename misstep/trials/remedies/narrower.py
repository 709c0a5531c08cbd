"""Fewer units in hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.carrying import rebuilt
from misstep.trials.layers import plain, with_widths
from misstep.trials.remedy import Case, Change, Remedy

PARTS = (4, 2)
# Fewer could not tell much apart.
FEWEST_UNITS = 4


class Narrower(Remedy):
    """A quarter, and half, of the units of each hidden layer."""

    name = "narrower"
    title = "fewer units in the hidden layers"
    answers = ("overfitting",)
    rank = 29

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with narrower hidden layers."""
        for parts in PARTS:

            def width_of(width: int, parts: int = parts) -> int:
                return max(min(FEWEST_UNITS, width), width // parts)

            module, words = with_widths(plain(case.start.network), width_of)
            yield rebuilt(
                case.start,
                "with half of the units" if parts == 2 else "with a quarter of the units",
                module,
                f"narrower layers: {words}",
            )
