"""More units in hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.carrying import rebuilt
from misstep.trials.layers import plain, with_widths
from misstep.trials.remedy import Case, Change, Remedy

TIMES = (4, 2)
# More would cost more than it gives.
MOST_UNITS = 1024


class Wider(Remedy):
    """Four times, and twice, the units of each hidden layer."""

    name = "wider"
    title = "more units in the hidden layers"
    answers = ("underfitting", "dead-units", "slow-learning")
    rank = 28

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with wider hidden layers."""
        for times in TIMES:

            def width_of(width: int, times: int = times) -> int:
                return min(times * width, MOST_UNITS + width)

            module, words = with_widths(plain(case.start.network), width_of)
            yield rebuilt(
                case.start, f"with {times} times the units", module, f"wider layers: {words}"
            )
