"""`Ranks`: the processes that train together, as one of them sees them; here: one process alone.

What several do is in `mpi.py`. Knows arrays and plain JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from misstep.errors import MisstepError

if TYPE_CHECKING:  # whoever only asks whether there are others need not wait for NumPy
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"


class RankError(MisstepError):
    """Ranks do not fit together, or one of them could not do its part."""


class LostRankError(MisstepError):
    """A rank is gone, and the others can't go on without it."""


class Ranks:
    """One process that works by itself. `rank`: its number, from 0; `size`: how many there are.

    `on_this_host`: how many share this machine. `at_signal`: what handles a signal that asks to end
    as long as nobody else wants to.
    """

    rank: int = 0
    size: int = 1
    on_this_host: int = 1
    at_signal: Any = None

    @property
    def is_first(self) -> bool:
        """Return whether this is the one that writes and prints."""
        return self.rank == 0

    def gathered(self, document: Any) -> list[Any]:
        """Return what each rank gave, plain JSON, in their order. All must call it."""
        return [document]

    def minimum(self, numbers: Sequence[int]) -> list[int]:
        """Return the least that any rank gave, number by number. All must call it."""
        return list(numbers)

    def from_first(self, document: Any) -> Any:
        """Return the plain JSON that rank 0 gave. All must call it."""
        return document

    def arrays_from_first(self, arrays: dict[str, Array] | None) -> dict[str, Array]:
        """Return the arrays by name that rank 0 gave, a copy on the others. All must call it."""
        return dict(arrays or {})

    def joined(self, own: Array, counts: Sequence[int]) -> Array:
        """Return the rows of all ranks, one rank's behind those of the one before.

        own: (rows, …), the same shape and kind on all but for the rows; `counts`: rows of each
        rank. All must call it.
        """
        return own

    def add_up(self, own: Array) -> None:
        """Add up arrays of all ranks, (entries,), in place, as a tree in the order of the ranks.

        Only for a number of ranks that is a power of two.
        """

    def send(self, to: int, array: Array) -> None:
        """Send an array to a rank that calls `receive`."""
        raise NotImplementedError

    def receive(self, sender: int, into: Array) -> None:
        """Receive an array from a rank that calls `send`."""
        raise NotImplementedError

    def copy_from_first(self, array: Array) -> None:
        """Let the array have the numbers of rank 0's, in place. All must call it."""

    def end_if_lost(self) -> None:
        """Say who is gone, and end, where somebody is."""

    def leave(self, code: int) -> None:
        """Let this process end with an exit code and without waiting for others."""


ALONE = Ranks()
